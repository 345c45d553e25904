"""The one list of what can be done in the console; keys, footer, help, palette and the key reference read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

LISTS = ("inbox", "conversation", "customer", "knowledge")
"""Contexts in which single letters are commands."""

CONTEXTS = (*LISTS, "composer", "decide", "drafts", "global")
"""``decide`` and ``drafts`` are screens with keys of their own; ``global`` holds wherever nothing nearer binds the key;
in the composer only keys that type nothing reach it.
"""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do.

    ``keys`` are the defaults, each a sequence of key names with blanks between (``g g``). ``needs`` are facts asked of
    the desk (``Facts.lack``) before it runs. ``hint`` is the short word for the footer (empty: not shown there).
    """

    id: str
    title: str
    keys: tuple[str, ...]
    contexts: tuple[str, ...]
    what: str
    group: str
    needs: tuple[str, ...] = ()
    hint: str = ""


class Facts(Protocol):
    """What an action may ask about the moment it is in."""

    def lack(self, need: str) -> str | None:
        """Why a need is not met, in words for people; ``None`` when it is."""
        ...


def refusal(action: Action, facts: Facts) -> str | None:
    """Why an action cannot run now, in words for people; ``None`` when it can."""
    for need in action.needs:
        if reason := facts.lack(need):
            return reason
    return None


_GLOBAL = ("global",)
_TICKET = ("ticket",)


def _move(name: str, title: str, keys: tuple[str, ...], what: str, hint: str = "") -> Action:
    return Action(f"move.{name}", title, keys, LISTS, what, "Moving", hint=hint)


def _ticket(
    name: str, title: str, keys: tuple[str, ...], what: str, *needs: str, hint: str = "", group: str = "Tickets"
) -> Action:
    return Action(f"ticket.{name}", title, keys, LISTS, what, group, (*_TICKET, *needs), hint)


def _decide(name: str, title: str, key: str, what: str) -> Action:
    return Action(f"decide.{name}", title, (key,), ("decide",), what, "Deciding")


def _shelf(name: str, title: str, keys: tuple[str, ...], what: str) -> Action:
    return Action(f"drafts.{name}", title, keys, ("drafts",), what, "Drafts")


ACTIONS: tuple[Action, ...] = (
    _move("down", "Down", ("j", "down"), "Moves down one row or line."),
    _move("up", "Up", ("k", "up"), "Moves up one row or line."),
    _move("top", "To the start", ("g g", "home"), "Goes to the first row or line."),
    _move("bottom", "To the end", ("G", "end"), "Goes to the last row or line."),
    _move("half_down", "Half a page down", ("ctrl+d", "pagedown"), "Moves down half a page."),
    _move("half_up", "Half a page up", ("ctrl+u", "pageup"), "Moves up half a page."),
    _move("open", "Open", ("enter",), "Opens what the cursor is on.", hint="open"),
    Action(
        "app.back", "Back", ("escape",), LISTS, "Closes what is on top, clears marks, or goes a pane back.", "Moving"
    ),
    Action("pane.next", "Next pane", ("tab",), LISTS, "Moves to the next pane.", "Moving"),
    Action("pane.previous", "Previous pane", ("shift+tab",), LISTS, "Moves to the pane before.", "Moving"),
    Action("pane.1", "Inbox", ("1",), LISTS, "Moves to the inbox.", "Moving"),
    Action("pane.2", "Conversation", ("2",), LISTS, "Moves to the conversation.", "Moving"),
    Action("pane.3", "Customer record", ("3",), LISTS, "Moves to the customer record.", "Moving"),
    Action("pane.4", "Knowledge", ("4", "K"), LISTS, "Moves to the knowledge suggestions.", "Moving"),
    Action(
        "app.jump",
        "Jump",
        ("ctrl+o",),
        _GLOBAL,
        "Shows a letter on every pane and view; press it to go there.",
        "Moving",
    ),
    *(
        Action(f"view.{n}", f"View {n}", (f"g {n}",), LISTS, f"Shows the view with the number {n}.", "Views")
        for n in range(1, 10)
    ),
    Action("view.next", "Next view", ("]",), LISTS, "Shows the view after this one.", "Views"),
    Action("view.previous", "View before", ("[",), LISTS, "Shows the view before this one.", "Views"),
    Action(
        "app.search",
        "Search",
        ("/",),
        LISTS,
        "Searches tickets, messages, people and articles.",
        "Finding",
        hint="search",
    ),
    Action("find.next", "Next match", ("n",), LISTS, "Opens the next result of the last search.", "Finding", ("hits",)),
    Action("find.previous", "Match before", ("N",), LISTS, "Opens the result before.", "Finding", ("hits",)),
    _ticket(
        "reply",
        "Reply",
        ("r",),
        "Writes a public reply: the customer will see it.",
        "reply",
        hint="reply",
        group="Writing",
    ),
    _ticket(
        "reply_all",
        "Reply to all",
        ("R",),
        "Writes a public reply to everybody on the last message.",
        "reply",
        group="Writing",
    ),
    _ticket(
        "note",
        "Internal note",
        ("i",),
        "Writes a note the customer will not see.",
        "note",
        hint="note",
        group="Writing",
    ),
    _ticket("forward", "Forward", ("f",), "Sends the conversation on to somebody else.", "forward", group="Writing"),
    _ticket("macro", "Macro", ("m",), "Runs a macro.", "later", group="Writing"),
    _ticket(
        "editor", "Reply in an editor", ("E",), "Writes the reply in $VISUAL or $EDITOR.", "reply", group="Writing"
    ),
    Action("app.new", "New conversation", (), _GLOBAL, "Writes to a customer first.", "Writing", ("accounts",)),
    Action("app.drafts", "Drafts", ("g d",), LISTS, "Lists texts that are not sent yet.", "Writing"),
    _ticket("solve", "Solve and next", ("x",), "Solves the ticket and goes to the next one.", "status", hint="solve"),
    Action(
        "ticket.next",
        "Work on the next best",
        ("w",),
        LISTS,
        "Opens the most urgent ticket you may work on.",
        "Tickets",
        (),
        "next best",
    ),
    _ticket("assign", "Assign", ("a",), "Gives the ticket to a person, or to nobody.", "assign", hint="assign"),
    _ticket("status", "Status", ("s",), "Sets the status.", "status", hint="status"),
    _ticket("priority", "Priority", ("p",), "Sets the priority.", "priority"),
    _ticket("tag", "Tags", ("t",), "Adds tags, or removes them with a minus in front.", "tag"),
    _ticket("snooze", "Snooze", ("z",), "Hides the ticket until a time or until the customer writes.", hint="snooze"),
    _ticket("escalate", "Escalate", ("e",), "Hands the ticket on with a summary.", "later"),
    _ticket("call", "Log a call", ("L",), "Writes down a telephone call.", "later"),
    Action(
        "ticket.decide",
        "Decide",
        ("!",),
        LISTS,
        "Settles what waits for you on this ticket: a reply that was stopped or refused, a field both sides changed.",
        "Tickets",
        ("waiting",),
    ),
    _ticket("history", "History", ("H",), "Shows every change of the ticket: when, who, from where."),
    _ticket("read", "Read or unread", ("U",), "Marks the ticket as read, or as unread again."),
    _ticket("again", "Repeat", (".",), "Does the last change again, on this ticket.", "repeat"),
    _ticket("browser", "Open in the browser", ("o",), "Opens the ticket at the vendor's site."),
    _ticket("copy", "Copy…", ("y",), "Copies the reference, link, address or last message."),
    _ticket(
        "timeline",
        "Timeline",
        ("T",),
        "Shows all that happened with the customer, over all accounts.",
        group="Customer",
    ),
    _ticket("events", "Show events", ("v",), "Shows or hides changes between the messages.", group="Conversation"),
    _ticket("quotes", "Show quoted text", ("h",), "Unfolds or folds quoted history.", group="Conversation"),
    _ticket("files", "Attachments", ("A",), "Opens or saves an attached file.", group="Conversation"),
    Action(
        "mark.toggle", "Mark", ("space",), ("inbox",), "Marks the ticket for a bulk change.", "Marking", _TICKET, "mark"
    ),
    Action(
        "mark.range",
        "Mark a range",
        ("V",),
        ("inbox",),
        "Starts a range; moving extends it, V again ends it.",
        "Marking",
        _TICKET,
    ),
    Action(
        "mark.all", "Mark all that match", ("*",), ("inbox",), "Marks every ticket of the view.", "Marking", _TICKET
    ),
    Action(
        "know.link",
        "Insert link",
        ("l",),
        ("knowledge",),
        "Puts the article's link into the draft.",
        "Knowledge",
        ("article",),
        "link",
    ),
    Action(
        "know.excerpt",
        "Insert excerpt",
        ("c",),
        ("knowledge",),
        "Puts the article's first paragraph into the draft.",
        "Knowledge",
        ("article",),
        "excerpt",
    ),
    Action(
        "know.steps",
        "Insert steps",
        ("b",),
        ("knowledge",),
        "Puts the article's steps, numbered, into the draft.",
        "Knowledge",
        ("article",),
        "steps",
    ),
    Action(
        "know.search", "Search knowledge", (), _GLOBAL, "Searches the articles; in the composer type ??.", "Knowledge"
    ),
    Action("draft.send", "Send", ("ctrl+s",), ("composer",), "Shows the review bar; y sends.", "Composer", (), "send"),
    Action(
        "draft.keep",
        "Keep and close",
        ("escape",),
        ("composer",),
        "Closes the composer; the draft is kept.",
        "Composer",
        (),
        "keep draft",
    ),
    Action(
        "draft.editor",
        "Edit in an editor",
        ("f4",),
        ("composer",),
        "Opens the text in $VISUAL or $EDITOR.",
        "Composer",
        (),
        "editor",
    ),
    Action(
        "draft.attach",
        "Attach a file",
        ("ctrl+t",),
        ("composer",),
        "Adds a file from this machine.",
        "Composer",
        (),
        "attach",
    ),
    Action(
        "draft.field", "Next field", ("tab",), ("composer",), "Moves between text, To and Cc.", "Composer", (), "fields"
    ),
    Action(
        "draft.know",
        "Knowledge",
        ("f3",),
        ("composer",),
        "Searches the articles and inserts one.",
        "Composer",
        (),
        "knowledge",
    ),
    Action(
        "edit.undo",
        "Undo",
        ("u",),
        LISTS,
        "Takes back the last change, or a reply that is still held.",
        "Tickets",
        (),
        "undo",
    ),
    Action("edit.redo", "Redo", ("ctrl+r",), LISTS, "Makes the change again.", "Tickets"),
    _decide("edit", "Edit", "e", "Takes the text back into the composer, with recipients, files and staged actions."),
    _decide("send", "Send", "s", "Sends it anyway, or tries again."),
    _decide("discard", "Do not send", "d", "Gives it up; a text is kept among the drafts for 7 days."),
    _decide("mine", "Keep mine", "m", "Keeps your value of a field that both sides changed."),
    _decide("theirs", "Keep theirs", "t", "Keeps the vendor's value of a field that both sides changed."),
    _decide("look", "Look again", "l", "Looks at the vendor whether a text of unknown fate arrived."),
    _shelf("open", "Open", ("enter",), "Opens the draft where it belongs; a discarded one is brought back."),
    _shelf("copy", "Copy the text", ("y",), "Copies the draft's text."),
    _shelf("move", "Move", ("v",), "Opens the text on another ticket, as an answer to its customer."),
    _shelf("discard", "Discard", ("d",), "Discards the draft; it is kept for 7 days."),
    _shelf("restore", "Bring back", ("b",), "Brings a discarded draft back."),
    Action(
        "app.today", "What I changed today", (), _GLOBAL, "Lists your changes of today; enter goes there.", "Console"
    ),
    Action("app.outbox", "Outbox", ("g o",), LISTS, "Shows what waits to be sent, and what needs you.", "Console"),
    Action("app.sync", "Sync now", ("f5",), _GLOBAL, "Asks every account for news.", "Console"),
    Action("app.theme", "Theme", (), _GLOBAL, "Chooses the colours.", "Console"),
    Action("app.density", "Compact list", (), _GLOBAL, "Draws inbox rows on one line, or on two again.", "Console"),
    Action(
        "app.palette", "All commands", ("ctrl+p", ":"), _GLOBAL, "Finds any command by name.", "Console", (), "commands"
    ),
    Action("app.help", "Help", ("?", "f1"), _GLOBAL, "Shows the keys that apply here.", "Console", (), "help"),
    Action(
        "app.quit",
        "Quit",
        ("q", "ctrl+q"),
        _GLOBAL,
        "Leaves the console; drafts and queued changes are kept.",
        "Console",
    ),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}
