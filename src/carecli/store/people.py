"""Writes people: customers with their identities, organisations and agents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from carecli.domain.ids import normal_email
from carecli.domain.redact import clean_line, clean_text
from carecli.store.batches import in_parts
from carecli.store.driver import Connection

_COLUMNS = (
    "name",
    "organisation_id",
    "language",
    "timezone",
    "tier",
    "vip",
    "notes",
    "tags",
    "custom",
    "last_contact_at",
)
_EMPTY = {"vip": 0, "notes": "", "tags": "[]", "custom": "{}"}
_INSERT = (
    f"INSERT INTO customer (id, created_at, {', '.join(_COLUMNS)}) VALUES (?, ?, {', '.join('?' * len(_COLUMNS))})"
)
_TEXT = (
    "ifnull(c.name, '') || ' ' || ifnull((SELECT group_concat(i.value, ' ') FROM identity i"
    " WHERE i.customer_id = c.id AND i.kind <> 'vendor_user'), '')"
)
Key = tuple[str, str, str]
"""(kind, normalised value, value as received) of a contact point."""


def keys_of(external_id: str | None, points: Iterable[tuple[str, str]]) -> list[Key]:
    """The contact points of a person ((kind, raw value) pairs) as they are compared; the vendor's own id comes first."""
    keys = [("vendor_user", external_id, external_id)] if external_id else []
    clean = [(kind, clean_line(raw)) for kind, raw in points]
    keys += [(kind, normal_email(raw) if kind == "email" else raw, raw) for kind, raw in clean if raw]
    return keys


class People:
    """Finds or makes customers within one transaction; remembers what it found.

    New customers and contact points are written together by ``flush`` (before rows that point at them) and ``finish``.
    ``changed`` holds the keys of customers that were made or changed.
    """

    def __init__(self, connection: Connection, account_id: int, now: int) -> None:
        self._connection = connection
        self._account_id = account_id
        self._now = now
        self._known: dict[tuple[str, str], int] = {}
        self._absent: set[tuple[str, str]] = set()
        self._names: dict[int, str | None] = {}
        self._organisations: dict[str, int] = {}
        self._new: dict[int, dict[str, object]] = {}
        self._made: set[int] = set()
        self._last_key = 0
        self._points: list[tuple[object, ...]] = []
        self._contacts: dict[int, int] = {}
        self._indexed: set[int] = set()
        self.changed: set[int] = set()

    def expect(self, keys: Iterable[Key]) -> None:
        """Looks many contact points up at once, so that ``customer`` need not ask for each."""
        by_kind: dict[str, dict[str, None]] = {}
        for kind, value, _ in keys:
            if (kind, value) not in self._known:
                by_kind.setdefault(kind, {})[value] = None
        for kind, values in by_kind.items():
            wanted = list(values)
            for part, marks in in_parts(wanted):
                rows = self._connection.execute(
                    "SELECT i.value, ifnull(c.merged_into_id, c.id), c.name FROM identity i JOIN customer c"
                    f" ON c.id = i.customer_id WHERE i.account_id = ? AND i.kind = ? AND i.value IN ({marks})",
                    (self._account_id, kind, *part),
                )
                self._absent.update((kind, value) for value in part)
                for value, found, name in rows:
                    self._absent.discard((kind, value))
                    self._known[kind, value] = found
                    self._names.setdefault(found, name)

    def customer(
        self,
        *,
        external_id: str | None,
        name: str | None,
        points: Sequence[tuple[str, str]],
        shared: bool,
        facts: dict[str, object] | None = None,
    ) -> int | None:
        """Key of the customer with one of the contact points ((kind, raw value) pairs); ``None`` without any.

        ``facts`` are columns to set (language, tier …). A name fills an empty one; it never replaces another.
        """
        keys = keys_of(external_id, points)
        if not keys:
            return None
        found = next((k for k in (self._find(kind, value) for kind, value, _ in keys) if k is not None), None)
        name = clean_line(name)[:200] if name else None
        if found is None:
            found = self._make(name)
        elif name and self._names.get(found) is None:
            self._fill_name(found, name)
        for kind, value, raw in keys:
            self._add_identity(found, kind, value, raw, shared)
        if facts:
            self._set_facts(found, facts)
        return found

    def _find(self, kind: str, value: str) -> int | None:
        known = self._known.get((kind, value))
        if known is None and (kind, value) not in self._absent:
            self.expect([(kind, value, value)])
            known = self._known.get((kind, value))
        return known

    def _make(self, name: str | None) -> int:
        if not self._last_key:
            self._last_key = self._connection.execute("SELECT ifnull(max(id), 0) FROM customer").fetchone()[0]
        self._last_key = found = self._last_key + 1  # the key SQLite would give
        self._new[found] = {"name": name}
        self._made.add(found)
        self._names[found] = name
        self.changed.add(found)
        self._indexed.add(found)
        return found

    def _fill_name(self, customer_id: int, name: str) -> None:
        self._names[customer_id] = name
        new = self._new.get(customer_id)
        if new is not None:
            new["name"] = name
        elif not self._connection.execute(
            "UPDATE customer SET name = ? WHERE id = ? AND name IS NULL", (name, customer_id)
        ).rowcount:
            return
        self.changed.add(customer_id)
        self._indexed.add(customer_id)

    def _add_identity(self, customer_id: int, kind: str, value: str, raw: str, shared: bool) -> None:
        if self._find(kind, value) is not None:
            return  # it is there already, perhaps as somebody else's
        self._points.append((customer_id, self._account_id, kind, value, raw, int(shared)))
        self._known[kind, value] = customer_id
        self.changed.add(customer_id)
        self._indexed.add(customer_id)

    def _set_facts(self, customer_id: int, facts: dict[str, object]) -> None:
        kept = {name: clean_text(v) if isinstance(v, str) else v for name, v in facts.items() if v is not None}
        if not kept:
            return
        if customer_id in self._new:
            self._new[customer_id].update(kept)
            return
        different = " OR ".join(f"{name} IS NOT :{name}" for name in kept)
        settings = ", ".join(f"{name} = :{name}" for name in kept)
        changed = self._connection.execute(
            f"UPDATE customer SET {settings} WHERE id = :id AND ({different})", kept | {"id": customer_id}
        ).rowcount
        if changed:
            self.changed.add(customer_id)

    def organisation(self, external_id: str, name: str | None, domains: str = "[]", tier: str | None = None) -> int:
        """Key of an organisation, made or brought up to date."""
        known = self._organisations.get(external_id)
        if known is not None and name is None:
            return known
        row = self._connection.execute(
            "INSERT INTO organisation (account_id, external_id, name, domains, tier) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET name = ifnull(?, name), tier = ifnull(excluded.tier, tier) RETURNING id",
            (self._account_id, external_id, clean_line(name or external_id), domains, tier, name and clean_line(name)),
        ).fetchone()
        self._organisations[external_id] = int(row[0])
        return int(row[0])

    def contacted(self, customer_id: int, at: int) -> None:
        """Notes when a customer was last heard from or written to."""
        self._contacts[customer_id] = max(self._contacts.get(customer_id, 0), at)

    def flush(self) -> None:
        """Writes the customers and contact points that are new."""
        rows = []
        for customer_id, known in self._new.items():
            values = _EMPTY | known | {"last_contact_at": self._contacts.pop(customer_id, None)}
            rows.append((customer_id, self._now, *(values.get(name) for name in _COLUMNS)))
        self._connection.executemany(_INSERT, rows)
        self._connection.executemany(
            "INSERT INTO identity (customer_id, account_id, kind, value, raw, shared) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            self._points,
        )
        self._new.clear()
        self._points.clear()

    def finish(self) -> None:
        """Writes what is new, last contacts, and the fragment index of changed customers."""
        self.flush()
        self._connection.executemany(
            "UPDATE customer SET last_contact_at = ?1 WHERE id = ?2 AND ifnull(last_contact_at, 0) < ?1",
            [(at, customer_id) for customer_id, at in self._contacts.items()],
        )
        self._contacts.clear()
        self._connection.executemany(
            "DELETE FROM fts_customer WHERE rowid = ?", [(each,) for each in self._indexed - self._made]
        )
        ordered = sorted(self._indexed)
        for part, marks in in_parts(ordered):  # one statement for many: the index is cheapest in ascending batches
            self._connection.execute(
                f"INSERT INTO fts_customer (rowid, text) SELECT c.id, {_TEXT} FROM customer c WHERE c.id IN ({marks})"
                " ORDER BY c.id",
                part,
            )
        self._indexed.clear()
        self._made.clear()


def agent(connection: Connection, account_id: int, external_id: str, name: str, email: str | None, *, me: bool) -> int:
    """Key of an agent of an account, made or brought up to date."""
    row = connection.execute(
        "INSERT INTO agent (account_id, external_id, name, email, is_me) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET name = excluded.name, email = excluded.email, is_me = excluded.is_me RETURNING id",
        (account_id, external_id, clean_line(name), email, int(me)),
    ).fetchone()
    return int(row[0])


def agent_named(connection: Connection, account_id: int, name: str) -> int | None:
    """Key of the agent of an account with that name, e-mail address or external id."""
    row = connection.execute(
        "SELECT id FROM agent WHERE account_id = ? AND (name = ? COLLATE nocase OR email = ? OR external_id = ?)",
        (account_id, name, name, name),
    ).fetchone()
    return row and int(row[0])


def me(connection: Connection, account_id: int) -> int | None:
    """Key of the agent that is signed in to an account."""
    row = connection.execute("SELECT id FROM agent WHERE account_id = ? AND is_me = 1", (account_id,)).fetchone()
    return row and int(row[0])


def agent_names(connection: Connection, account: str | None = None) -> list[str]:
    """Names of agents, of one account or of all, sorted."""
    sql = "SELECT DISTINCT g.name FROM agent g JOIN account a ON a.id = g.account_id"
    rows = connection.execute(
        sql + (" WHERE a.name = ?" if account else "") + " ORDER BY 1", (account,) if account else ()
    )
    return [row[0] for row in rows]


def assignee(connection: Connection, ticket_id: int) -> str | None:
    """Name of the agent a ticket is assigned to."""
    row = connection.execute(
        "SELECT g.name FROM ticket t LEFT JOIN agent g ON g.id = t.assignee_id WHERE t.id = ?", (ticket_id,)
    ).fetchone()
    return str(row[0]) if row and row[0] is not None else None


def agent_name(connection: Connection, agent_id: int) -> str:
    """Name of an agent."""
    return str(connection.execute("SELECT name FROM agent WHERE id = ?", (agent_id,)).fetchone()[0])


def me_name(connection: Connection, account_id: int) -> str | None:
    """Name of the agent that is signed in to an account."""
    row = connection.execute("SELECT name FROM agent WHERE account_id = ? AND is_me = 1", (account_id,)).fetchone()
    return str(row[0]) if row else None
