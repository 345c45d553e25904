"""Splits long lists of values into statements that SQLite takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_parts(values: Sequence[T], size: int = 500) -> Iterator[tuple[Sequence[T], str]]:
    """Values in parts that fit into one statement, each with its question marks."""
    for start in range(0, len(values), size):
        part = values[start : start + size]
        yield part, ",".join("?" * len(part))
