"""Text measured in terminal cells: cut, padded and wrapped so that columns stay aligned in every script."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len, chop_cells, set_cell_size

from carecli.domain.redact import calm_combining, clean_line, clean_text


@lru_cache(maxsize=8192)
def line(text: str) -> str:
    """Text from outside as one safe line."""
    return calm_combining(clean_line(text))


def block(text: str) -> str:
    """Text from outside as safe lines; tabs become blanks."""
    return calm_combining(clean_text(text)).replace("\t", "    ")


def width_of(text: str) -> int:
    """Cells a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, width: int) -> str:
    """Text in at most ``width`` cells, with an ellipsis when some is missing."""
    if width <= 0:
        return ""
    if width_of(text) <= width:
        return text
    kept = text[: width - 1] if text.isascii() else set_cell_size(text, width - 1).rstrip()
    return kept + "…"


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Text in exactly ``width`` cells: cut or padded (on the left when ``right``)."""
    text = cut(text, width)
    blank = " " * (width - width_of(text))
    return blank + text if right else text + blank


def wrap(text: str, width: int) -> list[str]:
    """Text as lines of at most ``width`` cells; line breaks are kept, leading blanks too."""
    width = max(width, 4)
    out: list[str] = []
    for paragraph in text.split("\n"):
        if width_of(paragraph) <= width:
            out.append(paragraph)
        else:
            out.extend(_wrap_long(paragraph, width))
    return out


def _wrap_long(paragraph: str, width: int) -> list[str]:
    out: list[str] = []
    current, used = "", 0
    for piece in paragraph.split(" "):
        size = width_of(piece)
        if current and used + 1 + size <= width:
            current, used = f"{current} {piece}", used + 1 + size
            continue
        if current:
            out.append(current)
        if size > width:
            *full, piece = chop_cells(piece, width)  # noqa: PLW2901
            out.extend(full)
            size = width_of(piece)
        current, used = piece, size
    out.append(current)
    return out
