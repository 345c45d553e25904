"""Global flags: accepted anywhere on the line, taken out before the command reads its own."""

from __future__ import annotations

from carecli.domain.errors import UsageError

FORMATS = ("table", "json", "jsonl", "csv", "ids")
_VALUED = {
    "--home": "home",
    "--config": "config",
    "--account": "account",
    "--output": "output",
    "-o": "output",
    "--fields": "fields",
}
_SWITCHES = {
    "--json": "json",
    "-q": "ids",
    "--dry-run": "dry_run",
    "--yes": "yes",
    "-y": "yes",
    "--no-input": "no_input",
    "--read-only": "read_only",
    "--no-color": "no_color",
    "-v": "verbose",
    "-vv": "very_verbose",
    "--verbose": "verbose",
    "--version": "version",
}
_TAKES_TEXT = frozenset(
    {
        "--body",
        "--body-file",
        "--subject",
        "--to",
        "--cc",
        "--bcc",
        "--attach",
        "--add",
        "--remove",
        "--set",
        "--tag",
        "--assignee",
        "--view",
        "--status",
        "--limit",
    }
)
"""Options of commands whose value may look like a flag."""


class Flags:
    """The global flags of one call."""

    __slots__ = (
        "account",
        "config",
        "dry_run",
        "fields",
        "home",
        "no_color",
        "no_input",
        "output",
        "read_only",
        "verbose",
        "version",
        "yes",
    )

    def __init__(self) -> None:
        self.home: str | None = None
        self.config: str | None = None
        self.account: str | None = None
        self.output = "table"
        self.fields: tuple[str, ...] = ()
        self.dry_run = self.yes = self.no_input = self.read_only = self.no_color = self.version = False
        self.verbose = 0

    @property
    def machine(self) -> bool:
        """Whether errors are printed as JSON."""
        return self.output in ("json", "jsonl")


def take(arguments: list[str]) -> tuple[Flags, list[str]]:
    """The global flags and the rest of the line. Raises ``UsageError`` for a flag without its value."""
    flags, rest = Flags(), []
    position = 0
    while position < len(arguments):
        word = arguments[position]
        position += 1
        if word == "--":
            rest += arguments[position - 1 :]
            break
        name, equals, value = word.partition("=")
        if name in _VALUED and (not equals or name != "-o"):
            if not equals:
                if position >= len(arguments):
                    raise UsageError(f"{word} needs a value", help="See 'carecli --help'.")
                value = arguments[position]
                position += 1
            _set(flags, _VALUED[name], value)
        elif word in _SWITCHES:
            _switch(flags, _SWITCHES[word])
        else:
            rest.append(word)
            if word in _TAKES_TEXT and position < len(arguments):
                rest.append(arguments[position])
                position += 1
    return flags, rest


def asked_for_json(arguments: list[str]) -> Flags:
    """Flags for a line that may not be readable: all that is known is whether its errors go to a program."""
    flags = Flags()
    if "--json" in arguments:
        flags.output = "json"
    return flags


def _set(flags: Flags, name: str, value: str) -> None:
    if name == "fields":
        flags.fields = tuple(part.strip() for part in value.split(",") if part.strip())
    elif name == "output" and value not in FORMATS:
        raise UsageError(f"'{value}' is no output format", help=f"One of: {', '.join(FORMATS)}.")
    else:
        setattr(flags, name, value)


def _switch(flags: Flags, name: str) -> None:
    if name in ("json", "ids"):
        flags.output = name
    elif name in ("verbose", "very_verbose"):
        flags.verbose += 2 if name == "very_verbose" else 1
    else:
        setattr(flags, name, True)


_current = Flags()


def current() -> Flags:
    """The global flags of this call."""
    return _current


def use(flags: Flags) -> None:
    """Makes flags those of this call."""
    global _current  # noqa: PLW0603  (one process is one call)
    _current = flags
