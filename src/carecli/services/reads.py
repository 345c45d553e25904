"""Quick reads for scripts: lists, tickets and search hits as JSON texts. Loads nothing but SQL and the query parser."""

from __future__ import annotations

import os

from carecli.domain.errors import NotFoundError, UsageError
from carecli.domain.ids import split_ref
from carecli.domain.query import Node, parse
from carecli.services.views import BUILT_IN, built_in
from carecli.store import faults, search, windows
from carecli.store.driver import Connection, Error
from carecli.store.schema import open_existing

DEFAULT_LIMIT = 50
Reader = Connection
"""What the quick commands hold between two calls."""


def open_reader(path: str) -> Reader | None:
    """A connection for reading; ``None`` when the store is not there yet or must be migrated first.

    Raises ``StoreError`` when it cannot be read.
    """
    try:
        return open_existing(path, read_only=os.path.exists(path) and not os.access(path, os.W_OK))
    except Error as error:
        raise faults.explain(error, path) or error from error


def ticket_query(query: str, view: str | None, filters: list[tuple[str, str]]) -> tuple[Node | None, str]:
    """Tree and order of a list: the view's query, the given query and the filters together.

    Raises ``QueryError`` for a mistake in the query, ``NotFoundError`` for an unknown view.
    """
    order = "updated"
    trees: list[Node] = []
    if view:
        found = built_in(view)
        if found is None:
            known = ", ".join(name for name, *_ in BUILT_IN)
            raise NotFoundError(f"there is no view '{view}'", code="VIEW_NOT_FOUND", help=f"Views: {known}.")
        text, order = found
        tree = parse(text)
        trees += [tree] if tree else []
    tree = parse(query)
    trees += [tree] if tree else []
    for key, value in filters:
        quoted = value.replace('"', "")
        checked = parse(f'{key}:"{quoted}"' if " " in quoted else f"{key}:{quoted}")
        trees += [checked] if checked else []
    if not trees:
        return None, order
    return (trees[0] if len(trees) == 1 else ("and", tuple(trees))), order


def tickets(connection: Connection, tree: Node | None, order: str, limit: int, now: int) -> list[str]:
    """Tickets as JSON texts in the contract's shape."""
    return windows.ticket_json(connection, tree, order, limit, now)


def ticket(connection: Connection, ref: str, now: int, account: str | None = None) -> str:
    """One ticket with its messages and events as a JSON text. Raises ``NotFoundError`` and ``UsageError``."""
    from carecli.store.thread_json import thread_json

    named, number = split_ref(ref)
    ticket_id = windows.find_ticket(connection, named or account, number)
    return thread_json(connection, ticket_id, now)


def hits(connection: Connection, query: str, limit: int, now: int) -> list[search.Row]:
    """Search hits: customers and articles that match (a few), then tickets and messages, newest first.

    ``limit`` 0 means all. Raises ``QueryError`` for a mistake, ``UsageError`` for an empty query.
    """
    tree = parse(query)
    if tree is None:
        raise UsageError("there is nothing to search for", code="EMPTY_QUERY", help="carecli search QUERY")
    match, rest, plain = search.split(tree)
    most = limit or 1_000_000
    found: list[search.Row] = []
    if rest is None and match:
        few = max(5, most // 10)
        found += search.customers(connection, plain, few)
        found += search.articles(connection, match, few)
    said = search.messages(connection, match, rest, most, now) if match else []
    titled = search.tickets(connection, match, rest, most, now)
    timed = sorted([*said, *titled], key=lambda row: row[5], reverse=True)
    return (found + timed)[:most]


def complete(connection: Connection, column: str, prefix: str) -> list[str]:
    """Values of a column (ref, account, agent, tag) that start with a prefix."""
    return windows.complete(connection, column, prefix)
