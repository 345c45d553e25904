"""Key events turned into actions: sequences, contexts, and what is pending."""

from __future__ import annotations

from textual import events

from carecli.tui.keymap import Keymap


def token_of(event: events.Key) -> str:
    """How the keymap names the key that was pressed."""
    char = event.character
    if char is not None and len(char) == 1 and char.isprintable() and not char.isspace():
        return char
    return event.key


class KeyReader:
    """Collects keys until they are an action or nothing."""

    def __init__(self, keymap: Keymap) -> None:
        self.keymap = keymap
        self.pending: tuple[str, ...] = ()

    def read(self, event: events.Key, context: str) -> tuple[str | None, bool]:
        """The action a key completes (or ``None``), and whether the key was taken."""
        name = token_of(event)
        waiting = self.pending
        pressed = (*waiting, name)
        self.pending = ()
        if waiting and name == "escape":
            return None, True
        if self.keymap.begins(context, pressed):
            self.pending = pressed
            return None, True
        action = self.keymap.find(context, pressed)
        if action is None and waiting:
            # The sequence led nowhere: the last key counts by itself.
            return self.read(event, context)
        return action, action is not None
