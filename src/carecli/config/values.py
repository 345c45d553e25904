"""Values of settings: from TOML or from text to the declared type, with errors that name the place."""

from __future__ import annotations

import os

from carecli.config.schema import OptionSpec, Value
from carecli.domain.errors import ConfigError

_WORDS = {
    "str": "text in quotes",
    "int": "a whole number",
    "bool": "true or false",
    "list": 'a list of texts, like ["a", "b"]',
    "path": "a path in quotes",
    "choice": "text in quotes",
}
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


def from_toml(spec: OptionSpec, value: object, place: str, folder: str = "") -> Value:
    """A value as TOML holds it, checked against its declaration; relative paths count from ``folder``.

    Raises ``ConfigError`` (``CONFIG_TYPE``, ``CONFIG_VALUE``) that names ``place``; the value itself stays out of it.
    """
    match spec.type:
        case "int" if isinstance(value, int) and not isinstance(value, bool):
            return _bounded(spec, value, place)
        case "bool" if isinstance(value, bool):
            return value
        case "list" if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(str(item) for item in value)
        case "path" if isinstance(value, str):
            return _path(value, folder)
        case "choice" if isinstance(value, str):
            return _chosen(spec, value, place)
        case "str" if isinstance(value, str):
            return value
        case _:
            raise wrong_type(spec.name, _WORDS[spec.type], value, place)


def from_text(spec: OptionSpec, text: str, place: str, folder: str = "") -> Value:
    """A value as the environment or ``--set`` gives it; lists are separated by commas.

    Raises ``ConfigError`` (``CONFIG_TYPE``, ``CONFIG_VALUE``) that names ``place``.
    """
    word = text.strip()
    match spec.type:
        case "int":
            try:
                return _bounded(spec, int(word), place)
            except ValueError:
                raise wrong_type(spec.name, _WORDS["int"], text, place) from None
        case "bool":
            if word.lower() in _TRUE:
                return True
            if word.lower() in _FALSE:
                return False
            raise wrong_type(spec.name, _WORDS["bool"], text, place)
        case "list":
            return tuple(item.strip() for item in text.split(",") if item.strip())
    return from_toml(spec, text, place, folder)


def wrong_type(name: str, wanted: str, value: object, place: str) -> ConfigError:
    """The ``CONFIG_TYPE`` error; it tells the kind of the value that was found, never the value."""
    kinds = {
        str: "text",
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    found = kinds.get(type(value), "a date or time")
    return ConfigError(
        f"{place}: {name} must be {wanted}, not {found}; nothing was changed",
        code="CONFIG_TYPE",
        help="Correct that line; 'carecli config schema' lists every setting with its type.",
    )


def _bounded(spec: OptionSpec, value: int, place: str) -> int:
    minimum = getattr(spec, "minimum", None)
    if minimum is not None and value < minimum:
        raise ConfigError(
            f"{place}: {spec.name} must be {minimum} or more; nothing was changed",
            code="CONFIG_VALUE",
            help="Correct that line; 'carecli config schema' lists every setting.",
        )
    return value


def _chosen(spec: OptionSpec, value: str, place: str) -> str:
    if value not in spec.choices:
        raise ConfigError(
            f"{place}: {spec.name} must be one of {', '.join(spec.choices)}; nothing was changed",
            code="CONFIG_VALUE",
            help="Correct that line; 'carecli config schema' lists every setting.",
        )
    return value


def _path(value: str, folder: str) -> str | None:
    if not value:
        return None
    return os.path.normpath(os.path.join(folder, os.path.expanduser(value)))
