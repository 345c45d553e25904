"""Sending what was written: the review, the guard before it, the held send, taking it back, and leaving with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from carecli.domain.conversation import DraftMode, Visibility
from carecli.domain.errors import CareError
from carecli.domain.operation import SENDS, OperationState, Verb
from carecli.tui.cells import line
from carecli.tui.commands.drafting import resume
from carecli.tui.commands.keeping import keeper_of
from carecli.tui.commands.writing import close_composer
from carecli.tui.widgets.ask_bar import Answer
from carecli.tui.wording import clock, some

if TYPE_CHECKING:
    from carecli.domain.conversation import Draft
    from carecli.domain.operation import Operation
    from carecli.tui.matters import Matter
    from carecli.tui.panes.composer import Composer
    from carecli.tui.screens.desk import Desk

TEXTS = SENDS | {Verb.NOTE}
"""Operations that are somebody's words: taking one back gives the words back."""
WAITS = frozenset({OperationState.CONFLICT, OperationState.FAILED, OperationState.UNKNOWN})
"""States in which an operation may need a person."""
_BEFORE_SENDING = 2.0  # seconds the store may take for the last keys


def _review(desk: Desk) -> None:
    composer = desk.composer
    if composer is None or _overtaken(desk, composer):
        return
    draft = composer.hand_over()
    plan = composer.plan
    internal = plan.visibility is Visibility.INTERNAL
    lines, blocked = review_lines(desk, composer, draft)
    send = partial(_send, desk, composer)
    answers = [Answer("y", "add note" if internal else "send", send, blocked)]
    if plan.mode is DraftMode.REPLY:
        answers.append(Answer("s", "send and solve", partial(send, solve=True), blocked))
    answers += [
        Answer("e", "edit", partial(_edit, composer)),
        Answer("p", "keep draft", partial(_keep, desk)),
        Answer("n", "discard (kept 7 days)", partial(_discard, desk)),
        Answer("esc", "back", partial(_edit, composer)),
    ]
    desk.ask(lines, answers)


def _keep(desk: Desk) -> None:
    close_composer(desk, quiet=False)
    desk.go("conversation")
    desk.reload()


def _overtaken(desk: Desk, composer: Composer, *, solve: bool | None = None) -> bool:
    """Whether somebody wrote after what the author had seen: then the text stops, and the person decides.

    ``solve`` says how it was about to be sent (``None``: it was not yet, so it goes back to the review).
    """
    draft = composer.hand_over()
    newer = desk.ws.drafts.unseen(draft)
    if not newer:
        return False
    from carecli.tui.matters import matter_of_draft
    from carecli.tui.screens.decide import Decide

    seen = [newer[-1].id]

    def renew() -> Matter:
        unseen = desk.ws.drafts.unseen(draft)
        seen[0] = unseen[-1].id if unseen else seen[0]
        return matter_of_draft(draft, unseen, desk.talk)

    def chosen(way: str | None) -> None:
        if desk.composer is not composer:
            return
        if way == "discard":
            _discard(desk)
            return
        if way is not None:
            composer.saw(seen[0])
        if way == "send" and solve is not None:
            _send(desk, composer, solve=solve)
        elif way == "send":
            _review(desk)
        else:
            _edit(composer)

    desk.reload()
    desk.app.push_screen(Decide(renew, desk.keymap, desk.now), partial(desk.attempt_with, chosen))
    return True


def review_lines(desk: Desk, composer: Composer, draft: Draft) -> tuple[list[tuple[str, str]], str]:
    """What stands in the review bar, and why it cannot be sent (empty: it can)."""
    from carecli.tui.panes.composer import banner_words

    plan = composer.plan
    internal = plan.visibility is Visibility.INTERNAL
    facts = [some(len(draft.body), "character")]
    facts += [some(len(draft.attachments), "file")] if draft.attachments else []
    facts += [f"cc {', '.join(line(a.email) for a in draft.cc)}"] if draft.cc else []
    lines = [
        ("note" if internal else "public", f"{banner_words(plan, draft.to, composer.person)} · {' · '.join(facts)}")
    ]
    found = [(kind, text) for kind, text in desk.ws.replies.warnings(plan, draft.body, draft.attachments)]
    if answered := desk.ws.drafts.answered_since(draft):
        found.append(("warn", f"This ticket was answered at {clock(answered, desk.now())}, after you began this text"))
    if composer.mail and not draft.to:
        found.append(("block", "Nobody would get it: fill in To"))
    found += [("block", f"'{line(bad)}' is no address") for bad in composer.bad_addresses()]
    blocked = "not yet" if any(kind == "block" for kind, _ in found) else ""
    return lines + found, blocked


def _edit(composer: Composer) -> None:
    composer.text_area.focus()


def _send(desk: Desk, composer: Composer, *, solve: bool = False) -> None:
    internal = composer.plan.visibility is Visibility.INTERNAL
    if _overtaken(desk, composer, solve=solve):
        return
    keeper = keeper_of(desk)
    if not keeper.flush(_BEFORE_SENDING):
        desk.say("Another program holds the store; nothing was sent. Your text is here, try again", "bad")
        composer.text_area.focus()
        return
    draft = composer.hand_over()
    try:
        operation = desk.ws.replies.send(draft, solve=solve)
    except CareError as error:
        desk.say(f"{error.message} {error.help} The draft is kept.".strip(), "bad")
        composer.text_area.focus()
        return
    close_composer(desk, save=False)
    desk.go("conversation")
    place = desk.inbox.cursor
    desk.reload()
    # An answered ticket sinks in the list; the cursor stays where the next one comes up.
    desk.inbox.move_to(place, quiet=True)
    desk.renew_place()
    desk.watched.add(operation.id)
    if operation.state is OperationState.HELD and operation.not_before > desk.now():
        show_held(desk)
    else:
        desk.say("Note added" if internal else "Reply is on its way", "good")
        desk.ws.background.nudge()


def held_now(desk: Desk) -> list[Operation]:
    """Texts of this person that can still be taken back by one key, oldest first."""
    now, me = desk.now(), desk.ws.context.actor
    return [
        one
        for one in desk.ws.outbox.pending()
        if one.state is OperationState.HELD and one.not_before > now and one.actor == me and one.verb in TEXTS
    ]


def show_held(desk: Desk) -> None:
    """Count down for the newest held text; also for one that was held when the console was last left."""
    held = held_now(desk)
    desk.held = held[-1] if held else None
    if desk.held is None:
        desk.status.stop_count()
        return
    desk.watched |= {one.id for one in held}
    verb = "Adding note" if desk.held.verb is Verb.NOTE else "Sending"
    more = f" · {len(held)} are held" if len(held) > 1 else ""
    key = desk.keymap.shown("edit.undo") or "palette"
    desk.status.count_down(desk.held.not_before, f"{verb} in {{}} s – {key} to undo{more}", partial(_sent, desk))


def _sent(desk: Desk) -> None:
    held, desk.held = desk.held, None
    if held is not None:
        desk.ws.background.nudge()
        desk.say("On its way", "good")


def unsend(desk: Desk, operation_id: str) -> None:
    """Take a text that has not left back into the composer, with everything it had."""
    draft = take_back(desk, operation_id)
    if draft.ticket_id is not None:
        desk.inbox.select(draft.ticket_id)
        desk.show_ticket(draft.ticket_id, again=draft.ticket_id == desk.ticket_id)
    resume(desk, draft)
    desk.say("Not sent; here is your text again", "good")


def take_back(desk: Desk, operation_id: str) -> Draft:
    """Turn a text that has not left into a draft again; another text that was begun meanwhile is kept beside it."""
    close_composer(desk)
    draft = desk.ws.replies.unsend(operation_id)
    desk.watched.discard(operation_id)
    show_held(desk)
    desk.reload()
    return draft


def _discard(desk: Desk) -> None:
    composer = desk.composer
    if composer is None:
        return
    keeper_of(desk).flush(_BEFORE_SENDING)
    stored = composer.sheet.before
    close_composer(desk, save=False)
    if stored is not None and stored.discarded_at is None:
        desk.ws.drafts.discard(stored.id)
    desk.go("conversation")
    desk.reload()
    desk.say("Draft discarded; it is kept for 7 days" if stored else "Nothing was written")


def _quit(desk: Desk) -> None:
    if desk.composer is not None:
        desk.composer.hand_over()
    if desk.keeper is not None and not desk.keeper.flush(_BEFORE_SENDING):
        desk.say("Your text is not stored yet: another program holds the store. Quit again in a moment", "bad")
        return
    held = held_now(desk)
    if not held or desk.app.screen is not desk:
        desk.app.exit(0, message=parting(desk))
        return
    left = -(-(held[-1].not_before - desk.now()) // 1000)
    what = "1 message is" if len(held) == 1 else f"{len(held)} messages are"
    desk.ask(
        [("warn", f"{what} still held, for {left} s. Nothing is lost: what is held goes out with the next sync.")],
        [
            Answer("y", "quit", lambda: desk.app.exit(0, message=parting(desk))),
            Answer("u", "undo the last one", partial(unsend, desk, held[-1].id)),
            Answer("n", "stay", lambda: None),
        ],
    )


def parting(desk: Desk) -> str | None:
    """What a person should know who leaves now (``None``: nothing waits)."""
    pending = desk.ws.outbox.pending()
    waits = [one for one in pending if one.state in WAITS]
    texts = [one for one in pending if one.verb in TEXTS and one not in waits]
    changes = len(pending) - len(waits) - len(texts)
    parts = [some(len(texts), "message")] if texts else []
    parts += [some(changes, "change")] if changes else []
    words = []
    if parts:
        verb, them = ("is", "it") if len(texts) + changes == 1 else ("are", "them")
        words.append(
            f"{' and '.join(parts)} {verb} still held or queued; carecli sync sends {them}, and so does the console."
        )
    if waits:
        words.append(f"{len(waits)} {'needs' if len(waits) == 1 else 'need'} your decision: carecli outbox list")
    return "\n".join(words) or None


HANDLERS: dict[str, Callable[[Desk], None]] = {"draft.send": _review, "app.quit": _quit}
