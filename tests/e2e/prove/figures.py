"""What a run of the proof found, and the table of all runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

BEGIN, END = "<!-- make prove writes here -->", "<!-- until here -->"
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


@dataclass(frozen=True, slots=True)
class Scale:
    """How much the runs do."""

    tickets: int
    operations: int
    kills: int
    fault_rounds: int
    mails: int
    pull_kills: int
    soak_seconds: float


LONG = Scale(tickets=100, operations=500, kills=200, fault_rounds=150, mails=3000, pull_kills=200, soak_seconds=30 * 60)
SHORT = Scale(tickets=12, operations=40, kills=8, fault_rounds=10, mails=500, pull_kills=6, soak_seconds=40)


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
    return _page([_line(row.cells()) for row in rows], [f"- {row.run}: {note}" for row in rows for note in row.notes])


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _page(lines: list[str], notes: list[str]) -> str:
    return "\n".join([_line(COLUMNS), "|" + " --- |" * len(COLUMNS), *lines, "", *notes]) + "\n"


def write(file: Path, rows: list[Figures]) -> None:
    """Puts rows into the page between its markers; rows of other runs stay."""
    text = file.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    inside, _, after = rest.partition(END)
    new = {row.run: row for row in rows}
    lines = {_name(line): line for line in inside.splitlines() if line.startswith("| ") and _name(line) != COLUMNS[0]}
    lines |= {name: _line(row.cells()) for name, row in new.items()}
    notes = [line for line in inside.splitlines() if line.startswith("- ") and _about(line) not in new]
    notes += [f"- {row.run}: {note}" for row in rows for note in row.notes]
    page = _page([lines[name] for name in sorted(lines)], sorted(notes, key=_about))
    file.write_text(f"{before}{BEGIN}\n\n{page}\n{END}{after}", "utf-8")


def _name(line: str) -> str:
    return line.split("|")[1].strip()


def _about(note: str) -> str:
    """The run a note is about: run names hold a colon after their letter."""
    return ":".join(note[2:].split(":")[:2])
