"""Draws the pictures of the README from the demo desk, without a terminal: ``make pictures``."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from carecli.bootstrap import open_workspace
from carecli.tui.app import Console
from carecli_process import run_carecli
from hands import customer_writes

NEWS = "<a customer writes>"
"""Among the keys: meanwhile the customer of the open ticket writes."""
SCENES: tuple[tuple[str, tuple[int, int], str, tuple[str, ...]], ...] = (
    ("desk", (200, 50), "care-dark", ("j", "j", "enter")),
    ("desk-light", (140, 40), "care-light", ("j", "j", "enter")),
    ("inbox-small", (80, 24), "care-dark", ()),
    ("reply", (120, 36), "care-dark", ("j", "j", "enter", "r", *"Thank you, the wagon is booked.", "ctrl+s")),
    ("note", (120, 36), "care-dark", ("j", "j", "enter", "i", *"Warehouse confirmed both dates.")),
    ("search", (120, 36), "care-dark", ("slash", *"refund")),
    ("commands", (120, 36), "care-dark", ("colon",)),
    (
        "overtaken",
        (120, 36),
        "care-dark",
        (*"jjjjjjj", "enter", "r", *"Thank you, the invoice will be with you on Friday.", NEWS, "ctrl+s"),
    ),
)
"""(name, columns and rows, theme, keys)."""


async def _draw(home: Path, folder: Path) -> None:
    for name, size, theme, keys in SCENES:
        workspace = open_workspace(str(home))
        app = Console(workspace, sync=False)
        app.theme = theme
        async with app.run_test(size=size) as pilot:
            await pilot.pause(0.3)
            for key in keys:
                if key is NEWS:
                    assert app.desk is not None
                    assert app.desk.talk is not None
                    ticket = app.desk.talk.ticket
                    text = "One more thing: please put our VAT number on it.\nIt is GB 123 4567 89."
                    customer_writes(workspace, ticket.id, text, ticket.requester.name or "A customer")
                    continue
                await pilot.press(key)
                await pilot.pause(0.05)
            await pilot.pause(0.3)
            picture = app.export_screenshot(title="carecli")
        workspace.close()
        # Without this some viewers drop the blanks at the start of a piece of text.
        picture = picture.replace("<text ", '<text xml:space="preserve" ')
        (folder / f"{name}.svg").write_text(picture, "utf-8")


def draw(folder: Path) -> None:
    """Writes one SVG a scene."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        run_carecli(["demo", "--build", "--home", home, "--json"], Path(home))
        asyncio.run(_draw(Path(home), folder))


if __name__ == "__main__":
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
