"""The only writer to stdout: JSON, JSON lines, CSV, ids or a table. The format never depends on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from carecli.cli.flags import Flags

ID_FIELDS = ("ref", "id", "name", "kind")


def emit(texts: Sequence[str], flags: Flags, columns: Sequence[str], *, single: bool = False) -> None:
    """Prints JSON texts of objects in the chosen format.

    ``columns`` are the table's fields (dotted for nested ones); ``single`` prints one object instead of an array.
    """
    if flags.output == "json" and not flags.fields:
        write(texts[0] + "\n" if single else "[" + ",\n ".join(texts) + "]\n")
        return
    if flags.output == "jsonl" and not flags.fields:
        write("".join(text + "\n" for text in texts))
        return
    import json

    rows = [json.loads(text) for text in texts]
    if flags.output == "ids":
        write("".join(f"{_id(row)}\n" for row in rows))
        return
    if flags.output in ("json", "jsonl"):
        chosen = [json.dumps(_pick(row, flags.fields), ensure_ascii=False) for row in rows]
        if flags.output == "jsonl":
            write("".join(text + "\n" for text in chosen))
        else:
            write(chosen[0] + "\n" if single else "[" + ",\n ".join(chosen) + "]\n")
        return
    fields = flags.fields or tuple(columns)
    cells = [[_cell(_at(row, name)) for name in fields] for row in rows]
    if flags.output == "csv":
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(fields)
        writer.writerows(cells)
    else:
        table([name.rpartition(".")[2].upper() if name.count(".") else name.upper() for name in fields], cells, flags)


def emit_values(
    values: Sequence[Mapping[str, object]], flags: Flags, columns: Sequence[str], *, single: bool = False
) -> None:
    """Prints objects in the chosen format, as ``emit``."""
    import json

    emit([json.dumps(value, ensure_ascii=False) for value in values], flags, columns, single=single)


def emit_one(value: Mapping[str, object], flags: Flags, plain: str) -> None:
    """Prints one object; as a table it is the line ``plain``."""
    if flags.output == "table" and not flags.fields:
        write(plain + "\n")
    else:
        emit_values([value], flags, tuple(value), single=True)


def instant(milliseconds: int | None) -> str | None:
    """An instant in the contract's form: ISO 8601 UTC with Z, whole seconds."""
    import time

    return None if milliseconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))


def write(text: str) -> None:
    """Prints text as it is; characters the terminal's encoding lacks are replaced."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def _id(row: dict[str, object]) -> object:
    return next((row[name] for name in ID_FIELDS if row.get(name) is not None), "")


def _at(row: object, path: str) -> object:
    for name in path.split("."):
        row = row.get(name) if isinstance(row, dict) else None
    return row


def _pick(row: dict[str, object], fields: Sequence[str]) -> dict[str, object]:
    return {name: _at(row, name) for name in fields}


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{key}={_cell(item)}" for key, item in value.items())
    from carecli.domain.redact import clean_line

    return clean_line(str(value))


def width(text: str) -> int:
    """Terminal columns of a text: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def cut(text: str, columns: int) -> str:
    """Text shortened to a number of terminal columns, with an ellipsis when something is left out."""
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for char in text:
        used += width(char)
        if used > columns - 1:
            break
        kept.append(char)
    return "".join(kept) + "…"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], flags: Flags) -> None:
    """Prints aligned columns; on a terminal the last one is cut to fit. Rich's table takes longer to load than the
    whole command to run, hence this small one.
    """
    if not rows:
        return
    widths = [max(width(row[index]) for row in (heads, *rows)) for index in range(len(heads))]
    widths = [min(size, 60) for size in widths[:-1]] + widths[-1:]
    if sys.stdout.isatty():
        import shutil

        screen = shutil.get_terminal_size().columns
        widths[-1] = max(10, min(widths[-1], screen - sum(widths[:-1]) - 2 * (len(widths) - 1)))
    else:
        widths[-1] = max(widths[-1], 1)
    bold, plain = ("\x1b[1m", "\x1b[0m") if colour(flags) else ("", "")
    lines = []
    for number, row in enumerate((heads, *rows)):
        parts = []
        for index, cell in enumerate(row):
            text = cut(cell, widths[index]) if index < len(row) - 1 or sys.stdout.isatty() else cell
            parts.append(text + " " * (widths[index] - width(text)))
        line = "  ".join(parts).rstrip()
        lines.append(f"{bold}{line}{plain}\n" if number == 0 else f"{line}\n")
    write("".join(lines))


def colour(flags: Flags) -> bool:
    """Whether stdout takes colour."""
    import os

    return (
        sys.stdout.isatty()
        and not flags.no_color
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
