"""The overview that ``carecli --help`` prints."""

from __future__ import annotations

from carecli.cli.nouns import NOUNS


def overview() -> str:
    """What the program is, its commands and its global flags."""
    width = max(len(noun) for noun in NOUNS)
    commands = "\n".join(f"  {noun:<{width}}  {text}" for noun, (_, text) in sorted(NOUNS.items()))
    return f"""Usage: carecli [COMMAND] …

One terminal console for customer care: never slow, never lost, never doubled.
Without a command the console opens.

Commands:
{commands}

Global flags, before or after the command:
  --home DIR             Keep everything below one folder
  --config FILE          Configuration file
  --account NAME         Account that bare numbers belong to
  -o, --output FORMAT    table, json, jsonl, csv or ids
  --json                 Same as -o json
  -q                     Same as -o ids
  --fields a,b           Only these fields
  --dry-run              Show what a write would do
  --yes                  Answer questions with yes
  --no-input             Never ask
  --read-only            Never write to the local store
  --no-color             No colour
  -v, --verbose          More on stderr; -vv with stack traces
  --version              Print the version
  --help                 Help of a command: carecli COMMAND --help

Try: carecli demo
"""
