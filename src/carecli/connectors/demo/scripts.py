"""The demo's dialogues: plain text files in ``data/scripts``, one per language, with slots and alternatives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from random import Random
from typing import NamedTuple

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "ja")

_CHOICE = re.compile(r"\[\[(.*?)\]\]")
_WORDS = frozenset({"channels", "tags", "files"})
_TURN = re.compile(r"([CANBK]): (.*)")


class Turn(NamedTuple):
    """One utterance. ``who``: C customer, A agent, N internal note, B bot, K telephone transcript.

    ``parts`` are texts with ``{slots}`` and tuples of alternatives.
    """

    who: str
    parts: tuple[str | tuple[str, ...], ...]

    def text(self, slots: Mapping[str, str], rng: Random) -> str:
        """The words of this turn with its slots filled."""
        first = self.parts[0]
        if len(self.parts) == 1 and isinstance(first, str):
            return first.format_map(slots)
        words = [part if isinstance(part, str) else part[int(rng.random() * len(part))] for part in self.parts]
        return "".join(words).format_map(slots)


@dataclass(frozen=True, slots=True)
class Script:
    """One dialogue. ``kind``: case, incident, problem, nudge (second ticket on one matter), follow (one more message).

    ``product`` names the product family its slots are filled from.
    """

    id: str
    language: str
    subjects: tuple[str, ...]
    turns: tuple[Turn, ...]
    kind: str = "case"
    channels: tuple[str, ...] = ("email",)
    product: str = "any"
    tags: tuple[str, ...] = ()
    team: str = "Orders & Delivery"
    type: str = "question"
    mood: str = "calm"
    priority: str = "normal"
    files: tuple[str, ...] = field(default=())


@cache
def scripts(language: str) -> tuple[Script, ...]:
    """All dialogues of a language, in the order of the file."""
    text = (files("carecli.connectors.demo") / "data" / "scripts" / f"{language}.txt").read_text(encoding="utf-8")
    return tuple(_script(block, language) for block in re.split(r"^@ ", text, flags=re.MULTILINE)[1:])


@cache
def of_kind(language: str, kind: str) -> tuple[Script, ...]:
    """The dialogues of one kind in a language."""
    return tuple(script for script in scripts(language) if script.kind == kind)


def _script(block: str, language: str) -> Script:
    lines = block.rstrip("\n").split("\n")
    heads: dict[str, tuple[str, ...] | str] = {}
    subjects: list[str] = []
    turns: list[tuple[str, list[str]]] = []
    for line in lines[1:]:
        if found := _TURN.fullmatch(line):
            turns.append((found[1], [found[2]]))
        elif turns:
            turns[-1][1].append(line)
        elif line:
            word, _, value = line.partition(" ")
            if word == "subject":
                subjects.append(value)
            else:
                heads[word] = tuple(value.split()) if word in _WORDS else value
    return Script(
        id=lines[0].strip(),
        language=language,
        subjects=tuple(subjects),
        turns=tuple(Turn(who, _parts("\n".join(words).strip())) for who, words in turns),
        **heads,  # type: ignore[arg-type]  # the words of the file are the fields of the class
    )


def _parts(text: str) -> tuple[str | tuple[str, ...], ...]:
    pieces = _CHOICE.split(text)  # texts and alternatives take turns
    return tuple(tuple(piece.split("|")) if at % 2 else piece for at, piece in enumerate(pieces) if piece or at % 2)
