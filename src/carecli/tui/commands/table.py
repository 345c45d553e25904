"""Which function each action runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from carecli.tui.commands import bulk, deciding, drafting, looking, moving, past, sending, triage, writing

if TYPE_CHECKING:
    from carecli.tui.screens.desk import Desk

HANDLERS: dict[str, Callable[[Desk], None]] = {
    **moving.HANDLERS,
    **looking.HANDLERS,
    **triage.HANDLERS,
    **bulk.HANDLERS,
    **writing.HANDLERS,
    **sending.HANDLERS,
    **drafting.HANDLERS,
    **deciding.HANDLERS,
    **past.HANDLERS,
}
