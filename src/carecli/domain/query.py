"""The query language: text → tree → text. Light on purpose: list commands load it before their first answer."""

from __future__ import annotations

from carecli.domain.errors import UsageError

Node = tuple[object, ...]
"""One node: ("and"|"or", nodes), ("not", node), ("word"|"phrase"|"prefix", text) or ("field", key, operator, values)."""

KEYS: dict[str, str] = {
    "from": "name or address of the requester",
    "customer": "id of a customer",
    "status": "new, open, pending, on_hold, solved, closed",
    "priority": "none, low, normal, high, urgent",
    "assignee": "me, none or a name",
    "team": "name of a team, or none",
    "tag": "a tag",
    "account": "name of an account",
    "channel": "email, chat, phone, …",
    "type": "question, incident, …",
    "lang": "language code",
    "org": "name of an organisation",
    "is": "open, waiting, done, unread, snoozed, mine, unassigned, vip, escalated",
    "has": "attachment, note, draft",
    "sla": "breached, risk",
    "created": "7d, today, 2026-10, 2026-10..2026-11, >2026-10-05",
    "updated": "as created",
    "solved": "as created",
    "wait": "a span: wait:>2h",
    "in": "title or body: where words are looked for",
}
_CLOSED: dict[str, tuple[str, ...]] = {
    "status": ("new", "open", "pending", "on_hold", "solved", "closed"),
    "priority": ("none", "low", "normal", "high", "urgent"),
    "is": ("open", "waiting", "done", "unread", "snoozed", "mine", "unassigned", "vip", "escalated"),
    "has": ("attachment", "note", "draft"),
    "sla": ("breached", "risk"),
    "in": ("title", "body"),
}
_OPERATORS = (">=", "<=", ">", "<")
DEEPEST = 50
"""How deep parentheses and exclusions may nest, so that no query exhausts the stack."""


class QueryError(UsageError):
    """A query with a mistake; ``position`` is where (characters from the start), the message shows a caret there."""

    code = "BAD_QUERY"

    def __init__(self, text: str, position: int, expected: str) -> None:
        flat = " ".join(text.split("\n"))
        super().__init__(
            f"the query has a mistake\n  {flat}\n  {' ' * position}^ expected {expected}",
            help="Keys: " + ", ".join(sorted(KEYS)) + ".",
        )
        self.position = position
        self.expected = expected


class _Parser:
    __slots__ = ("depth", "position", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0

    def fail(self, expected: str, position: int | None = None) -> QueryError:
        return QueryError(self.text, self.position if position is None else position, expected)

    def skip(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1

    def alternatives(self) -> Node:
        branches = [self.sequence()]
        while self.keyword_or():
            branches.append(self.sequence())
        return branches[0] if len(branches) == 1 else ("or", tuple(branches))

    def keyword_or(self) -> bool:
        self.skip()
        here = self.text[self.position : self.position + 3]
        if here[:2].lower() == "or" and (len(here) == 2 or here[2].isspace() or here[2] in '()"'):
            self.position += 2
            return True
        return False

    def sequence(self) -> Node:
        items: list[Node] = []
        while True:
            self.skip()
            if self.position >= len(self.text) or self.text[self.position] == ")":
                break
            mark = self.position
            if items and self.keyword_or():
                self.position = mark
                break
            items.append(self.item())
        if not items:
            raise self.fail('a word, a "phrase" or key:value')
        return items[0] if len(items) == 1 else ("and", tuple(items))

    def item(self) -> Node:
        char = self.text[self.position]
        following = self.text[self.position + 1 : self.position + 2]
        if char == "-" and following and not following.isspace() and following != ")":
            return self.negated()
        if char == "(":
            return self.group()
        if char == '"':
            return ("phrase", self.quoted())
        return self.word_or_field()

    def negated(self) -> Node:
        if self.depth >= DEEPEST:
            raise self.fail("fewer -")
        self.position += 1
        self.depth += 1
        inside = self.item()
        self.depth -= 1
        return ("not", inside)

    def group(self) -> Node:
        if self.depth >= DEEPEST:
            raise self.fail("fewer parentheses")
        opened = self.position
        self.position += 1
        self.depth += 1
        inside = self.alternatives()
        self.depth -= 1
        self.skip()
        if self.position >= len(self.text):
            raise self.fail("a ) for this (", opened)
        self.position += 1
        return inside

    def quoted(self) -> str:
        start = self.position
        end = self.text.find('"', start + 1)
        if end < 0:
            raise self.fail('a closing "', start)
        self.position = end + 1
        return self.text[start + 1 : end]

    def bare(self) -> str:
        start = self.position
        while self.position < len(self.text):
            char = self.text[self.position]
            if char.isspace() or char in '()"':
                break
            self.position += 1
        return self.text[start : self.position]

    def word_or_field(self) -> Node:
        start = self.position
        token = self.bare()
        key, colon, rest = token.partition(":")
        operator = ":"
        if not colon:
            for sign in (">", "<"):
                if sign in token:
                    key, _, rest = token.partition(sign)
                    operator, rest = (sign + "=", rest[1:]) if rest.startswith("=") else (sign, rest)
                    colon = sign
                    break
        if not colon or not key.isalpha() or rest.startswith("//"):
            if token.endswith("*") and len(token) > 1:
                return ("prefix", token[:-1])
            return ("word", token)
        if key.lower() not in KEYS:
            if colon == ":" and rest and rest.isdigit():
                return ("word", token)  # a ticket reference such as support:12
            raise self.fail(f"a known key instead of '{key}'", start)
        return self.field(key.lower(), operator, rest, start + len(key) + len(operator))

    def field(self, key: str, operator: str, rest: str, at: int) -> Node:
        for sign in _OPERATORS:
            if operator == ":" and rest.startswith(sign):
                operator, rest = sign, rest[len(sign) :]
        if not rest and self.position < len(self.text) and self.text[self.position] == '"':
            values: tuple[str, ...] = (self.quoted(),)
        else:
            values = tuple(part for part in rest.split(",") if part)
        if not any(values):
            raise self.fail(f"a value: {KEYS[key]}", at)
        allowed = _CLOSED.get(key)
        if allowed:
            values = tuple(value.lower() for value in values)
            for value in values:
                if value not in allowed:
                    raise self.fail("one of " + ", ".join(allowed), at)
        return ("field", key, operator, values)


def parse(text: str) -> Node | None:
    """The tree of a query, ``None`` for an empty one. Raises ``QueryError`` with the place of the mistake."""
    if not text.strip():
        return None
    if not text.isascii():
        # Half of a surrogate pair (a byte of the command line that was no UTF-8) can be neither stored nor found.
        text = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    parser = _Parser(text)
    tree = parser.alternatives()
    parser.skip()
    if parser.position < len(text):
        raise parser.fail("the end, or a ( before this )")
    return tree


def to_text(node: Node | None) -> str:
    """The query a tree stands for; ``parse(to_text(tree)) == tree``."""
    if node is None:
        return ""
    return _to_text(node, top=True)


def _to_text(node: Node, *, top: bool = False) -> str:
    kind = node[0]
    if kind in ("and", "or"):
        parts = node[1]
        assert isinstance(parts, tuple)  # noqa: S101  (narrows the type)
        joined = (" or " if kind == "or" else " ").join(_to_text(part) for part in parts)
        return joined if top else f"({joined})"
    if kind == "not":
        return "-" + _to_text(node[1])  # type: ignore[arg-type]
    if kind == "field":
        values = node[3]
        assert isinstance(values, tuple)  # noqa: S101  (narrows the type)
        text = ",".join(values)
        if any(char.isspace() or char in "()" for char in text) or (len(values) == 1 and "," in text):
            text = f'"{text}"'
        elif text.startswith(("<", ">", "=", "//")):
            text = f",{text}"  # or it would be read as an operator or an address
        return f"{node[1]}:{'' if node[2] == ':' else node[2]}{text}"
    if kind == "phrase":
        return f'"{node[1]}"'
    return f"{node[1]}*" if kind == "prefix" else str(node[1])


def words_of(node: Node | None) -> tuple[str, ...]:
    """The words, phrases and prefixes a tree looks for (not the excluded ones), for highlighting."""
    if node is None or node[0] in ("not", "field"):
        return ()
    if node[0] in ("and", "or"):
        parts = node[1]
        assert isinstance(parts, tuple)  # noqa: S101  (narrows the type)
        return tuple(word for part in parts for word in words_of(part))
    return (str(node[1]),)
