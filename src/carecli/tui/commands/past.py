"""What has happened: the history of a ticket, and what the person changed today."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from carecli.domain.errors import CareError

if TYPE_CHECKING:
    from carecli.tui.screens.desk import Desk


def _history(desk: Desk) -> None:
    from carecli.tui.screens.reader import Reader
    from carecli.tui.screens.texts import history_text

    ticket_id = desk.subject_id
    if ticket_id is None:
        return
    ref = desk.ws.tickets.get(ticket_id).ref
    past = [json.loads(text) for text in desk.ws.tickets.history_json(ticket_id)]
    desk.app.push_screen(Reader(f"History · {ref}", history_text(past, desk.now()), desk.keymap))


def _today(desk: Desk) -> None:
    from carecli.tui.screens.today import Today

    done: list[dict[str, Any]] = [json.loads(text) for text in desk.ws.audit.today_json()]
    if not done:
        desk.say("You have changed nothing today")
        return

    def chosen(ref: str | None) -> None:
        if ref is None:
            return
        try:
            desk.go_to_ticket(desk.ws.tickets.find(ref))
        except CareError as error:
            desk.say(error.message, "warn")

    desk.app.push_screen(Today(done, desk.now()), partial(desk.attempt_with, chosen))


HANDLERS: dict[str, Callable[[Desk], None]] = {"ticket.history": _history, "app.today": _today}
