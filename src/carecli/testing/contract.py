"""The conformance suite: subclass ``ConnectorContract``, give it a desk, and pytest runs every check."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from carecli.testing.bench import Bench
from carecli.testing.desk import Desk
from carecli.testing.notes import NoteChecks
from carecli.testing.reading import ReadingChecks
from carecli.testing.sign_in import SignInChecks
from carecli.testing.texts import TextChecks
from carecli.testing.writing import WritingChecks

GROUPS: tuple[tuple[str, type], ...] = (
    ("The card and the sign-in", SignInChecks),
    ("Reading", ReadingChecks),
    ("Writing", WritingChecks),
    ("Notes", NoteChecks),
    ("Texts", TextChecks),
)


class ConnectorContract(SignInChecks, ReadingChecks, WritingChecks, NoteChecks, TextChecks):
    """What every connector must do. A subclass whose name begins with ``Test`` overrides the fixture ``desk``."""

    @pytest.fixture
    def desk(self) -> Desk:
        """The desk behind the connector, made anew for each check. Override it."""
        pytest.fail(f"{type(self).__name__} must override the fixture 'desk': return a carecli.testing.Desk")

    @pytest.fixture
    def bench(self, desk: Desk, tmp_path: Path) -> Iterator[Bench]:
        """The desk with local stores and the engine."""
        made = Bench(desk, tmp_path)
        yield made
        made.close()


def checks() -> list[tuple[str, list[tuple[str, str]]]]:
    """The checks as (group, [(name, first line of what it says)]), in the order of the source."""
    found = []
    for title, group in GROUPS:
        named = [(name, value) for name, value in vars(group).items() if name.startswith("test_")]
        found.append((title, [(name, (inspect.getdoc(value) or "").partition("\n")[0]) for name, value in named]))
    return found
