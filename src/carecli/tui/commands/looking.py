"""Looking things up: search, help, palette, timeline, knowledge, files, browser, clipboard, and the console itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from carecli.domain.conversation import Attachment, Visibility
from carecli.domain.errors import CareError
from carecli.domain.knowledge import Article
from carecli.services.models import Hit
from carecli.tui.cells import line
from carecli.tui.messages import FileFetched, WorkFailed
from carecli.tui.wording import size

if TYPE_CHECKING:
    from carecli.tui.screens.desk import Desk

_STEP = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s+(.*)$")


def _search(desk: Desk) -> None:
    from carecli.tui.screens.search import Search

    def chosen(result: tuple[list[Hit], int] | None) -> None:
        if result is not None:
            desk.hits, desk.hit_at = result
            open_hit(desk)

    desk.app.push_screen(Search(desk.ws.search.find, desk.now), chosen)


def open_hit(desk: Desk) -> None:
    """Show the result in hand."""
    hit = desk.hits[desk.hit_at]
    desk.say(f"Result {desk.hit_at + 1} of {len(desk.hits)} · n next · N before")
    if hit.kind == "article":
        read_article(desk, desk.ws.knowledge.get(hit.id))
    elif hit.ticket_id is not None:
        desk.go_to_ticket(hit.ticket_id)
        if hit.kind in ("message", "note"):
            desk.call_after_refresh(desk.conversation.go_to_message, hit.id)
    else:
        _timeline_of(desk, hit.id, hit.title)


def _match(desk: Desk, step: int) -> None:
    desk.hit_at = (desk.hit_at + step) % len(desk.hits)
    open_hit(desk)


def _palette(desk: Desk) -> None:
    from carecli.tui.palette import palette

    def chosen(action_id: str | None) -> None:
        if action_id:
            desk.run_action_id(action_id)

    views = {view.hotkey: view.title for view in desk.views if view.hotkey}
    desk.app.push_screen(palette(desk.keymap, desk, views), chosen)


def _help(desk: Desk) -> None:
    from carecli.tui.screens.reader import Reader
    from carecli.tui.screens.texts import help_text

    place = {"inbox": "inbox", "conversation": "conversation", "composer": "composer"}.get(desk.context, desk.context)
    lay = help_text(desk.keymap, desk, desk.context)
    desk.app.push_screen(Reader(f"Keys in the {place}", lay, desk.keymap))


def _timeline(desk: Desk) -> None:
    if desk.talk is None or desk.talk.customer_id is None:
        desk.say("No customer is known for this ticket", "warn")
        return
    _timeline_of(desk, desk.talk.customer_id, desk.talk.ticket.requester.name or "this customer")


def _timeline_of(desk: Desk, customer_id: int, name: str) -> None:
    from carecli.tui.screens.reader import Reader
    from carecli.tui.screens.texts import timeline_text

    entries = desk.ws.customers.timeline(customer_id)
    desk.app.push_screen(Reader(f"Timeline · {line(name)}", timeline_text(entries, desk.now()), desk.keymap))


def read_article(desk: Desk, article: Article) -> None:
    """Show an article; from there it can be quoted."""
    from carecli.tui.screens.reader import Reader
    from carecli.tui.screens.texts import article_text

    def chosen(how: str | None) -> None:
        if how:
            insert(desk, article, how)

    reader = Reader(
        "Article",
        article_text(article, desk.now()),
        desk.keymap,
        {"l": "link", "c": "excerpt", "b": "steps"},
        "l link · c excerpt · b steps · esc closes",
    )
    desk.app.push_screen(reader, chosen)


def passage(article: Article, how: str) -> str:
    """What of an article goes into a text: its link, its first paragraph, or its steps numbered."""
    if how == "link":
        return f"{article.title}: {article.url}" if article.url else article.title
    paragraphs = [part.strip() for part in article.body_text.split("\n\n") if part.strip()]
    if how == "steps":
        steps = [match[1] for text in article.body_text.splitlines() if (match := _STEP.match(text))]
        if steps:
            return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    return paragraphs[0] if paragraphs else article.title


def insert(desk: Desk, article: Article, how: str) -> None:
    """Quote an article in the text being written; without one, copy it."""
    text = passage(article, how)
    composer = desk.composer
    if composer is None:
        copy_text(desk, text, "Nothing is being written; copied instead")
    elif article.visibility is Visibility.INTERNAL and composer.plan.visibility is not Visibility.INTERNAL:
        desk.say("This article is internal: it cannot go into a public reply", "warn")
    else:
        composer.insert(text)


def _know(desk: Desk, how: str) -> None:
    if desk.knowledge.current is not None:
        insert(desk, desk.knowledge.current, how)


def articles(desk: Desk) -> None:
    """Search the articles; while something is written the link goes in, else the article is shown."""
    from carecli.tui.screens.articles import Articles

    def chosen(article_id: int | None) -> None:
        if article_id is None:
            return
        article = desk.ws.knowledge.get(article_id)
        if desk.composer is not None:
            insert(desk, article, "link")
        else:
            read_article(desk, article)

    suggested = desk.ws.knowledge.suggest(desk.ticket_id) if desk.ticket_id is not None else ()
    desk.app.push_screen(Articles(desk.ws.knowledge.search, suggested, desk.now), chosen)


def mention(desk: Desk) -> None:
    """Put a colleague's name at the cursor."""
    from carecli.tui.screens.pick import Choice, Pick

    def chosen(name: str | None) -> None:
        if desk.composer is not None:
            desk.composer.insert(f"@{name} " if name else "@")

    names = desk.ws.tickets.agents(desk.composer.plan.account) if desk.composer else ()
    desk.app.push_screen(Pick("Mention", [Choice(name, name) for name in names]), chosen)


def _files(desk: Desk) -> None:
    from carecli.tui.screens.pick import Choice, Pick

    found = {f"{m.id}/{a.id}": (m, a) for m in (desk.talk.messages if desk.talk else ()) for a in m.attachments}
    if not found:
        desk.say("This ticket has no attachments")
        return
    choices = [
        Choice(key, line(a.filename), f"{size(a.bytes)} · {a.mime} · from {line(m.author.name or '')}")
        for key, (m, a) in reversed(found.items())
    ]

    def chosen(key: str | None) -> None:
        if key:
            fetch(desk, found[key][1])

    desk.app.push_screen(Pick("Attachments", choices), chosen)


def fetch(desk: Desk, attachment: Attachment) -> None:
    """Get a file in the background and open it when it is here."""
    desk.say(f"Getting {line(attachment.filename)}…")

    paths, app = desk.ws.paths, desk.app

    def work() -> None:
        from carecli.tui.files import bring

        try:
            path = bring(paths, attachment.id)
        except CareError as error:
            app.post_message(WorkFailed(f"{error.message} {error.help}".strip()))
        else:
            app.post_message(FileFetched(path))

    desk.run_worker(work, thread=True, group="files", exit_on_error=False)


def _browser(desk: Desk) -> None:
    url = desk.ws.tickets.get(ticket_id).url if (ticket_id := desk.subject_id) is not None else None
    if not url or not url.startswith(("https://", "http://")):
        desk.say("This ticket has no page at the vendor's site", "warn")
        return
    desk.app.open_url(url)
    desk.say("Opened in the browser")


def copy_text(desk: Desk, text: str, words: str) -> None:
    """Copy a text and say so."""
    from carecli.tui import clipboard

    driver = desk.app._driver  # noqa: SLF001 - the only way to send OSC 52 through Textual's own output
    clipboard.copy(text, driver.write if driver is not None else lambda _: None)
    desk.say(words, "good")


def _copy(desk: Desk) -> None:
    from carecli.tui.screens.pick import Choice, Pick

    if desk.talk is None:
        return
    ticket = desk.talk.ticket
    last = next((m for m in reversed(desk.talk.messages) if m.visibility is Visibility.PUBLIC), None)
    values = {
        "Reference": ticket.ref,
        "Link": ticket.url or "",
        "Address": ticket.requester.email or ticket.requester.phone or "",
        "Subject": ticket.subject,
        "Last message": last.body_text if last else "",
    }
    choices = [Choice(name, name, line(value)[:80]) for name, value in values.items() if value]

    def chosen(name: str | None) -> None:
        if name:
            copy_text(desk, values[name], f"{name} copied")

    desk.app.push_screen(Pick("Copy", choices), chosen)


def _sync(desk: Desk) -> None:
    desk.ws.background.nudge()
    desk.status.stand(progress="syncing…")


def _theme(desk: Desk) -> None:
    from carecli.tui.screens.pick import Choice, Pick
    from carecli.tui.theme import NAMES

    ours = [Choice(name, f"care {short}" if name.startswith("care") else short) for short, name in NAMES.items()]
    others = [Choice(name, name) for name in sorted(desk.app.available_themes) if name not in NAMES.values()]

    def chosen(name: str | None) -> None:
        if name:
            desk.app.theme = name
            desk.refresh(recompose=False, layout=True)

    desk.app.push_screen(Pick("Theme", ours + others), chosen)


def _density(desk: Desk) -> None:
    desk.inbox.compact = not desk.inbox.compact
    desk.inbox.choose_height()


def _events(desk: Desk) -> None:
    desk.conversation.toggle(events=True)


def _quotes(desk: Desk) -> None:
    desk.conversation.toggle(quotes=True)


def _jump(desk: Desk) -> None:
    from carecli.tui.screens.jump import Jump

    def chosen(action_id: str | None) -> None:
        if action_id:
            desk.run_action_id(action_id)

    desk.app.push_screen(Jump(desk), chosen)


HANDLERS: dict[str, Callable[[Desk], None]] = {
    "app.search": _search,
    "find.next": partial(_match, step=1),
    "find.previous": partial(_match, step=-1),
    "app.palette": _palette,
    "app.help": _help,
    "ticket.timeline": _timeline,
    "know.link": partial(_know, how="link"),
    "know.excerpt": partial(_know, how="excerpt"),
    "know.steps": partial(_know, how="steps"),
    "know.search": articles,
    "draft.know": articles,
    "ticket.events": _events,
    "ticket.quotes": _quotes,
    "ticket.files": _files,
    "ticket.browser": _browser,
    "ticket.copy": _copy,
    "app.sync": _sync,
    "app.theme": _theme,
    "app.density": _density,
    "app.jump": _jump,
}
