"""The quick path: ``ticket list``, ``ticket show``, ``search`` and help, without the command tree.

It takes a line only when it knows every word of it; everything else is left to the tree, which calls the same
functions and prints the same.
"""

from __future__ import annotations

import os
import sys
import time

from carecli.cli import flags as global_flags
from carecli.cli.flags import Flags

TYPE_CHECKING = False  # importing typing takes longer than some of these commands take to run
if TYPE_CHECKING:
    from collections.abc import Callable

    from carecli.services.reads import Reader

_LIST = {"--view": "view", "--status": "status", "--assignee": "assignee", "--tag": "tag", "--limit": "limit"}
MOST = 1_000_000_000  # more rows than any store has, less than SQLite's numbers hold
TICKET_COLUMNS = ("ref", "status", "priority", "updated_at", "requester.name", "subject")
HIT_COLUMNS = ("kind", "ref", "at", "title", "snippet")


def run(arguments: list[str]) -> int | None:
    """Runs a line it knows; ``None`` leaves it to the command tree."""
    if os.environ.get("_CARECLI_COMPLETE"):
        return None
    if not arguments or "--help" in arguments or "-h" in arguments:
        return _help(arguments)
    try:
        flags, rest = global_flags.take(arguments)
    except Exception:
        return None
    if flags.version:
        from carecli import __version__

        sys.stdout.write(f"carecli {__version__}\n")
        return 0
    if flags.verbose or flags.dry_run:
        return None
    if rest[:2] == ["ticket", "list"]:
        options = _options(rest[2:], _LIST, 1)
        return None if options is None else _guarded(ticket_list, flags, options)
    if rest[:2] == ["ticket", "show"]:
        options = _options(rest[2:], {}, 1)
        if options is None or not options.get("") or options[""] == "-":
            return None
        return _guarded(ticket_show, flags, options)
    if rest[:1] == ["search"]:
        options = _options(rest[1:], {"--limit": "limit"}, 1)
        return None if options is None or not options.get("") else _guarded(search, flags, options)
    return None


def _help(arguments: list[str]) -> int | None:
    if arguments in (["--help"], ["-h"], ["help"]):
        from carecli.cli.help import overview

        sys.stdout.write(overview())
        return 0
    return None


def _options(words: list[str], known: dict[str, str], positional: int) -> dict[str, str] | None:
    """Options of a command by name, its positional word under ""; ``None`` when a word is not known."""
    found: dict[str, str] = {}
    position, plain = 0, 0
    while position < len(words):
        word = words[position]
        name, equals, value = word.partition("=")
        position += 1
        if name in known:
            if not equals:
                if position >= len(words):
                    return None
                value = words[position]
                position += 1
            if known[name] in found:
                return None
            found[known[name]] = value
        elif word.startswith("-"):
            return None
        else:
            plain += 1
            if plain > positional:
                return None
            found[""] = word
    if "limit" in found and not (found["limit"].isascii() and found["limit"].isdigit()):
        return None
    return found


def _guarded(command: Callable[[Flags, dict[str, str]], None], flags: Flags, options: dict[str, str]) -> int:
    from carecli.domain.errors import CareError

    try:
        command(flags, options)
    except BrokenPipeError:
        raise
    except CareError as error:
        from carecli.cli import errors

        return errors.report(error, flags)
    except Exception as error:
        from carecli.cli import errors

        return errors.unexpected(error, flags)
    return 0


def _reader(flags: Flags) -> Reader | None:
    """A connection for reading, ``None`` when there is no store yet."""
    from carecli.config.paths import find
    from carecli.services.reads import open_reader

    path = find(flags.home, flags.config, os.environ).store_file
    connection = open_reader(path)
    if connection is None and os.path.exists(path):
        from carecli.bootstrap import open_workspace

        open_workspace(flags.home, flags.config, read_only=flags.read_only, origin="cli").close()  # migrates
        connection = open_reader(path)
    return connection


def ticket_list(flags: Flags, options: dict[str, str]) -> None:
    """Prints ``ticket list``."""
    from carecli.cli.output import emit
    from carecli.services import reads

    filters = [(key, options[key]) for key in ("status", "assignee", "tag") if options.get(key)]
    if flags.account:
        filters.append(("account", flags.account))
    tree, order = reads.ticket_query(options.get("", ""), options.get("view"), filters)
    connection = _reader(flags)
    limit = min(int(options.get("limit", reads.DEFAULT_LIMIT)), MOST)
    texts = reads.tickets(connection, tree, order, limit, _now()) if connection else []
    emit(texts, flags, TICKET_COLUMNS)


def ticket_show(flags: Flags, options: dict[str, str]) -> None:
    """Prints ``ticket show``."""
    from carecli.domain.errors import NotFoundError
    from carecli.services import reads

    connection = _reader(flags)
    if connection is None:
        raise NotFoundError(
            f"there is no ticket {options['']}: the local store is empty",
            code="TICKET_NOT_FOUND",
            help="carecli sync brings tickets in.",
        )
    print_one(reads.ticket(connection, options[""], _now(), flags.account), flags)


def print_one(text: str, flags: Flags) -> None:
    """Prints the JSON text of a ticket in the chosen format."""
    from carecli.cli.output import emit

    if flags.output == "table" and not flags.fields:
        from carecli.cli.reading import print_ticket

        print_ticket(text, flags)
    else:
        emit([text], flags, TICKET_COLUMNS, single=True)


def search(flags: Flags, options: dict[str, str]) -> None:
    """Prints ``search``."""
    from carecli.cli.output import emit
    from carecli.cli.reading import hit_json
    from carecli.services import reads

    connection = _reader(flags)
    limit = min(int(options.get("limit", reads.DEFAULT_LIMIT)), MOST)
    rows = reads.hits(connection, options[""], limit, _now()) if connection else []
    emit([hit_json(row) for row in rows], flags, HIT_COLUMNS)


def _now() -> int:
    return time.time_ns() // 1_000_000
