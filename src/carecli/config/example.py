"""The example configuration, generated from the declarations: documentation after ``# ``, settings after ``#``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from carecli.config.schema import ACCOUNT_SETTINGS, SECTIONS, SETTINGS, ConnectorSpec, OptionSpec, Value

_SAMPLES: dict[str, Value] = {
    "agent.name": "Your Name",
    "agent.email": "you@example.com",
    "address": "support@example.com",
    "imap_host": "mail.example.com",
    "smtp_host": "mail.example.com",
    "username": "support@example.com",
    "base_url": "https://example.com",
    "undo_seconds": 10,
}

_HEAD = """\
# Configuration of carecli. Every line is optional; what is commented out shows the default or a sample.
# Take away the '#' right before a key to set it. Precedence: flag, CARECLI_* environment, this file, default.
# No secret ever stands here: run 'carecli account login NAME', set CARECLI_SECRET_<ACCOUNT>_<FIELD>,
# or name a program that prints it, for example: password_command = "pass show mail/support"
"""


def example(connectors: Sequence[ConnectorSpec]) -> str:
    """Text of ``config.example.toml``; with its settings uncommented it loads without a warning."""
    parts = [_HEAD]
    for section, doc in SECTIONS:
        parts.append(f"\n# {doc}\n#[{section}]\n")
        inside = [spec for spec in SETTINGS if spec.name.startswith(section + ".")]
        parts.extend(_line(spec, spec.name.partition(".")[2]) for spec in inside)
    for connector in connectors:
        parts.append(f"\n# {connector.title}: connector kind '{connector.kind}'.\n")
        if connector.secrets:
            fields = ", ".join(f"{secret.name} ({secret.doc})" for secret in connector.secrets)
            parts.append(f"# Secrets, kept elsewhere: {fields}.\n")
        parts.append(f"#[accounts.my-{connector.kind}]\n#connector = {_toml(connector.kind)}\n")
        parts.extend(_line(spec, spec.name) for spec in ACCOUNT_SETTINGS[1:])
        parts.extend(_line(spec, spec.name) for spec in connector.options)
    return "".join(parts)


def uncommented(text: str) -> str:
    """The example with every setting in force."""
    return "".join(_uncomment(line) for line in text.splitlines(keepends=True))


def _uncomment(line: str) -> str:
    return line[1:] if line.startswith("#") and not line.startswith(("# ", "#\n")) else line


def _line(spec: OptionSpec, key: str) -> str:
    needed = " (required)" if spec.required else ""
    choices = f": {', '.join(spec.choices)}" if spec.choices and not _named(spec.choices, spec.doc) else ""
    return f"# {spec.doc}{choices}{needed}\n#{key} = {_toml(_sample(spec))}\n"


def _named(choices: Iterable[str], doc: str) -> bool:
    return all(choice in doc for choice in choices)


def _sample(spec: OptionSpec) -> Value:
    if spec.default is not None:
        return spec.default
    if spec.name in _SAMPLES:
        return _SAMPLES[spec.name]
    if spec.choices:
        return spec.choices[0]
    empty: dict[str, Value] = {"int": 0, "bool": False, "list": ()}
    return empty.get(spec.type, "…" if spec.required else "")


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, int):
        return str(value)
    return json.dumps(value or "", ensure_ascii=False)  # a JSON string is a valid TOML basic string
