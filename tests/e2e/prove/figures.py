"""What a run of the proof found, and the table of all runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

COLUMNS = (
    "run",
    "operations",
    "faults injected",
    "kills",
    "outcome in doubt",
    "sent",
    "at recipients",
    "in Sent",
    "lost",
    "doubled",
    "notes outside",
    "out of order",
    "left for a person",
    "seconds",
)


@dataclass(slots=True)
class Figures:
    """One row of the table; ``broken`` lists promises that did not hold, ``notes`` is what a reader should know."""

    run: str
    operations: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    doubts: int = 0
    sent: int | None = None
    at_recipients: int | None = None
    in_sent: int | None = None
    lost: int = 0
    doubled: int = 0
    notes_outside: int = 0
    out_of_order: int = 0
    for_a_person: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def expect(self, holds: object, otherwise: str) -> None:
        """Notes a broken promise."""
        if not holds:
            self.broken.append(otherwise)

    def cells(self) -> list[str]:
        """The row as it is printed."""

        def shown(value: int | None) -> str:
            return "–" if value is None else f"{value:,}"

        push = self.sent is not None
        return [
            self.run,
            f"{self.operations:,}",
            _counted(self.faults),
            _counted(self.kills),
            shown(self.doubts if push else None),
            shown(self.sent),
            shown(self.at_recipients),
            shown(self.in_sent),
            f"{self.lost}",
            f"{self.doubled}",
            shown(self.notes_outside if push else None),
            shown(self.out_of_order if push else None),
            shown(self.for_a_person if push else None),
            f"{self.seconds:.0f}",
        ]


def _counted(counts: Counter[str]) -> str:
    if not counts.total():
        return "none"
    return f"{counts.total():,}: " + ", ".join(f"{number} {name}" for name, number in counts.most_common())


def table(rows: list[Figures]) -> str:
    """The rows as Markdown, and below them what each left to say."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    said = [f"- {row.run}: {note}" for row in rows for note in row.notes]
    return "\n".join([*lines, "", *said]) + "\n"
