"""What the keeper tells the desk, and what other windows do to a text that is open here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carecli.domain.errors import CareError, NotFoundError
from carecli.tui.keeper import Keeper
from carecli.tui.messages import DraftKept, OthersWrote

if TYPE_CHECKING:
    from carecli.services.drafts import Kept
    from carecli.tui.keeper import Sheet
    from carecli.tui.screens.desk import Desk

_WORDS = {
    "parted": "Another window writes this text too: yours is a draft of its own now",
    "beside": "Another window began a text here too: both are kept",
    "again": "Another window sent or removed this text; what you write is kept all the same",
}


def keeper_of(desk: Desk) -> Keeper:
    """The desk's keeper, made when something is written for the first time."""
    if desk.keeper is None:
        app = desk.app

        def saved(sheet: Sheet, kept: Kept | None) -> None:
            app.post_message(DraftKept(sheet, kept))

        def changed() -> None:
            app.post_message(OthersWrote())

        desk.keeper = Keeper(desk.ws.drafts_apart, saved, changed, desk.ws.explain)
    return desk.keeper


def told(desk: Desk, event: DraftKept) -> None:
    """A text was stored, or could not be."""
    composer = desk.composer if desk.composer is not None and desk.composer.sheet is event.sheet else None
    if event.kept is None:
        words = event.sheet.problem
        if composer is not None and words:
            composer.not_stored()
        elif words:
            desk.say(f"The draft is not saved yet: {words}. It is tried again.", "bad")
        return
    if event.kept.how in _WORDS:
        desk.say(f"{_WORDS[event.kept.how]} ({desk.keymap.shown('app.drafts')} lists them)", "warn")
    if composer is not None and composer.draft is event.sheet.written:
        composer.stored(event.kept.how)


def look_elsewhere(desk: Desk) -> None:
    """Other windows may have changed, sent or discarded the text that is open here; its ticket may have been merged."""
    _follow_merge(desk)
    composer = desk.composer
    before = composer.sheet.before if composer is not None else None
    if composer is None or composer.ready_at is None or before is None:
        return
    sheet = composer.sheet
    if keeper_of(desk).waiting(sheet.draft.ticket_id, sheet.draft.mode) is not None:
        return  # there are keys of ours to save first; the keeper finds out what they meet
    try:
        stored = desk.ws.drafts.get(sheet.id)
    except NotFoundError:
        _put_away(desk, "This text was sent from another window")
        return
    if stored.discarded_at is not None and before.discarded_at is None:
        _put_away(desk, "This text was discarded in another window; the drafts still have it")
    elif stored.discarded_at is None and stored.updated_at != before.updated_at:
        sheet.before, sheet.draft = stored, stored
        composer.load(stored)
        desk.say("This text was changed in another window")


def _put_away(desk: Desk, words: str) -> None:
    from carecli.tui.commands.writing import close_composer

    close_composer(desk, save=False)
    desk.go("conversation")
    desk.say(words, "warn")


def _follow_merge(desk: Desk) -> None:
    """Go to the ticket that the one in hand was merged into, with the text that was being written."""
    if desk.talk is None:
        return
    ref, here = desk.talk.ticket.ref, desk.ticket_id
    try:
        home = desk.ws.tickets.find(ref)
    except CareError:
        return
    if home == here:
        return
    from carecli.tui.commands.drafting import resume
    from carecli.tui.commands.writing import close_composer

    composer = desk.composer
    if composer is not None:
        close_composer(desk)
    desk.go_to_ticket(home, focus=False)
    if composer is not None and composer.sheet.before is not None:
        resume(desk, desk.ws.drafts.get(composer.sheet.id))
    into = desk.talk.ticket.ref if desk.talk else "another ticket"
    desk.say(f"{ref} was merged into {into}" + ("; your text came along" if composer is not None else ""), "warn")
