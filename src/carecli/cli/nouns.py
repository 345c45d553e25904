"""The commands there are: noun → module and one line of help. Read without loading any of them."""

from __future__ import annotations

NOUNS: dict[str, tuple[str, str]] = {
    "account": ("account", "Connect, test and remove accounts"),
    "audit": ("audit", "See who changed what"),
    "completion": ("completion", "Print a completion script for bash, zsh or fish"),
    "config": ("config", "Show, check and edit the configuration"),
    "connector": ("connector", "List the kinds of accounts and what they can do"),
    "customer": ("customer", "Find customers and read their history"),
    "db": ("db", "Back up, check and migrate the local store"),
    "demo": ("demo", "Open the console on a private demo workspace"),
    "doctor": ("doctor", "Check the installation, the store and the accounts"),
    "draft": ("draft", "List, show, send and discard drafts"),
    "kb": ("kb", "Search and read knowledge articles"),
    "keys": ("keys", "Print the console's keys, or check the keymap"),
    "outbox": ("outbox", "See what waits to be sent, and decide about it"),
    "search": ("search", "Search tickets, messages, customers and articles"),
    "sync": ("sync", "Bring accounts and the local store into step"),
    "ticket": ("ticket", "List, read, answer and change tickets"),
    "view": ("view", "List the views and how many tickets they hold"),
}
