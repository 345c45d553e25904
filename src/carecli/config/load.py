"""Reading the configuration: flag before environment before account section before file before default."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from carecli.config.lines import Lines
from carecli.config.paths import Paths
from carecli.config.schema import ACCOUNT_SETTINGS, SECTIONS, SETTINGS, OptionSpec, SecretSpec, Value, looks_secret
from carecli.config.settings import AccountSettings, ConfigWarning, Settings, Sourced
from carecli.config.values import from_text, from_toml, wrong_type
from carecli.domain.errors import ConfigError

OptionsOf = Callable[[str], Sequence[OptionSpec]]
"""From a connector kind to its option declarations; raises ``ConfigError`` for a kind that is not installed."""
SecretsOf = Callable[[str], Sequence[SecretSpec]]

_ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9-]*")
_COMMAND = "_command"


def load(
    paths: Paths,
    environ: Mapping[str, str],
    connector_options: OptionsOf | None = None,
    connector_secrets: SecretsOf | None = None,
    flags: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force. A missing file is an empty one.

    ``connector_options`` ``None`` leaves the options of accounts unchecked, as the file holds them (hot reads).
    ``flags`` maps dotted setting names to texts from the command line. Raises ``ConfigError``: ``CONFIG_BROKEN``,
    ``CONFIG_TYPE``, ``CONFIG_VALUE``, ``CONFIG_MISSING``, ``BAD_ACCOUNT_NAME``, ``SECRET_IN_CONFIG``,
    ``CONFIG_UNREADABLE``; each names file and line.
    """
    text = read_text(paths.config_file)
    data = parse(text or "", paths.config_file)
    reading = _Reading(paths.config_file, data, Lines(text or ""), environ, flags or {})
    values = reading.settings()
    default_undo = cast("int", values["console.undo_seconds"].value)
    accounts = reading.accounts(connector_options, connector_secrets, default_undo)
    reading.unknown_variables(accounts, connector_options)
    return Settings(
        values=values,
        accounts=accounts,
        warnings=tuple(reading.warnings),
        file=paths.config_file,
        file_exists=text is not None,
    )


def read_text(file: str) -> str | None:
    """Text of the configuration file, ``None`` when there is none. Raises ``ConfigError`` when it cannot be read."""
    try:
        with open(file, "rb") as stream:
            return stream.read().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}; nothing was changed",
            code="CONFIG_UNREADABLE",
            help="Check the file's owner and mode, or name another with --config.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{file} is not UTF-8 text (byte {error.start}); nothing was changed",
            code="CONFIG_BROKEN",
            help="Save the file as UTF-8.",
        ) from None


def parse(text: str, file: str) -> dict[str, object]:
    """The TOML of the configuration file. Raises ``ConfigError`` ``CONFIG_BROKEN`` with line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        found = re.search(r"\(at line (\d+), column (\d+)\)", words)
        place = f"{file}:{found[1]}:{found[2]}" if found else f"{file}:{max(len(text.splitlines()), 1)}"
        reason = words.partition(" (at ")[0]
        raise ConfigError(
            f"{place}: not valid TOML: {reason}; nothing was changed",
            code="CONFIG_BROKEN",
            help="Correct that place; 'carecli config edit' opens the file.",
        ) from None


def check_account_name(name: str, place: str = "") -> None:
    """Raises ``ConfigError`` ``BAD_ACCOUNT_NAME`` when an account cannot be called that."""
    if not _ACCOUNT_NAME.fullmatch(name):
        raise ConfigError(
            f"{place + ': ' if place else ''}'{name}' is no account name; nothing was changed",
            code="BAD_ACCOUNT_NAME",
            help="Names start with a letter and hold lower-case letters, digits and hyphens, for example 'support-eu'.",
        )


def parse_options(specs: Sequence[OptionSpec], texts: Mapping[str, str], folder: str = "") -> dict[str, Value]:
    """Typed values of ``--set key=value`` pairs, to be written to an account section.

    Raises ``ConfigError``: ``SECRET_IN_CONFIG``, ``UNKNOWN_OPTION``, ``CONFIG_TYPE``, ``CONFIG_VALUE``,
    ``CONFIG_MISSING``.
    """
    known: dict[str, OptionSpec] = {spec.name: spec for spec in (*ACCOUNT_SETTINGS[1:], *specs)}
    found: dict[str, Value] = {}
    for key, text in texts.items():
        if key in known:
            found[key] = from_text(known[key], text, f"--set {key}", folder)
        elif looks_secret(key):
            raise _secret_in_config(f"--set {key}", key)
        elif key.endswith(_COMMAND):
            found[key] = text
        else:
            near = _nearest(key, known)
            raise ConfigError(
                f"there is no option '{key}'" + (f"; did you mean '{near}'?" if near else ""),
                code="UNKNOWN_OPTION",
                help="'carecli connector show KIND' lists the options.",
            )
    for spec in known.values():
        if spec.required and not found.get(spec.name):
            raise _missing(spec, "the account was not added", f"Add --set {spec.name}=…")
    return found


class _Reading:
    """One reading of the configuration; collects warnings on its way."""

    def __init__(
        self, file: str, data: dict[str, object], lines: Lines, environ: Mapping[str, str], flags: Mapping[str, str]
    ) -> None:
        self.file = file
        self.data = data
        self.lines = lines
        self.environ = environ
        self.flags = flags
        self.folder = os.path.dirname(file)
        self.warnings: list[ConfigWarning] = []

    def place(self, *key: str) -> str:
        return f"{self.file}:{self.lines.of(*key)}"

    def settings(self) -> dict[str, Sourced]:
        sections = [name for name, _ in SECTIONS]
        for name in self.data:
            if name not in sections and name != "accounts":
                self._refuse_secret((name,))
                self._warn_unknown((name,), [*sections, "accounts"])
        known = {spec.name: spec for spec in SETTINGS}
        values: dict[str, Sourced] = {}
        for section in sections:
            table = self._table(section)
            keys = [name.partition(".")[2] for name in known if name.startswith(section + ".")]
            for key in table:
                if key not in keys:
                    self._refuse_secret((section, key))
                    self._warn_unknown((section, key), keys)
            for key in keys:
                spec = known[f"{section}.{key}"]
                values[spec.name] = self._value(spec, (section, key), table, f"CARECLI_{section}_{key}".upper())
        return values

    def accounts(
        self, options_of: OptionsOf | None, secrets_of: SecretsOf | None, default_undo: int
    ) -> dict[str, AccountSettings]:
        tables = {name: self._account_table(name) for name in self._table("accounts")}
        for name in self._accounts_of_environment(tables):
            tables[name] = {}
        return {
            name: self._account(name, table, options_of, secrets_of, default_undo) for name, table in tables.items()
        }

    def unknown_variables(self, accounts: Mapping[str, AccountSettings], options_of: OptionsOf | None) -> None:
        """Warns about variables that are named like settings but set none."""
        names = {f"CARECLI_{spec.name}".upper().replace(".", "_") for spec in SETTINGS}
        prefixes = tuple(f"CARECLI_{section}_".upper() for section, _ in SECTIONS)
        if options_of is not None:
            prefixes = (*prefixes, "CARECLI_ACCOUNTS_")
            names.update(_variable(account.name, key) for account in accounts.values() for key in account.values)
        for variable in sorted(self.environ):
            if variable.startswith(prefixes) and variable not in names:
                self._warn(f"environment: {variable} sets nothing", variable, None, _nearest(variable, names))

    def _account(
        self,
        name: str,
        table: Mapping[str, object],
        options_of: OptionsOf | None,
        secrets_of: SecretsOf | None,
        default_undo: int,
    ) -> AccountSettings:
        key = ("accounts", name)
        common = {
            spec.name: self._value(spec, (*key, spec.name), table, _variable(name, spec.name))
            for spec in ACCOUNT_SETTINGS
        }
        kind = common["connector"].value
        if not kind:
            raise _missing(ACCOUNT_SETTINGS[0], f"account '{name}' cannot be used", f"Add it below {self.place(*key)}.")
        specs = tuple(options_of(str(kind))) if options_of else ()
        secrets = tuple(secrets_of(str(kind))) if secrets_of else None
        self._check_keys(key, table, {spec.name for spec in specs}, secrets, checked=options_of is not None)
        values = dict(common)
        if options_of is None:
            for option, value in table.items():
                if option not in common:
                    plain = tuple(value) if isinstance(value, list) else cast("Value", value)
                    values[option] = Sourced(plain, self.place(*key, option))
        for spec in specs:
            values[spec.name] = self._value(spec, (*key, spec.name), table, _variable(name, spec.name))
            if spec.required and values[spec.name].value in {None, ""}:
                where = f"[accounts.{name}] at {self.place(*key)}"
                help_ = f"Add '{spec.name} = …' to {where}, or set {_variable(name, spec.name)}."
                raise _missing(spec, f"account '{name}' cannot be used", help_)
        undo = common["undo_seconds"].value
        return AccountSettings(
            name=name,
            connector=str(kind),
            options={option: sourced.value for option, sourced in values.items() if option not in common},
            undo_seconds=undo if isinstance(undo, int) else default_undo,
            section=table,
            values=values,
        )

    def _check_keys(
        self,
        key: tuple[str, str],
        table: Mapping[str, object],
        options: set[str],
        secrets: tuple[SecretSpec, ...] | None,
        *,
        checked: bool,
    ) -> None:
        known = {*options, *(spec.name for spec in ACCOUNT_SETTINGS)}
        fields = {spec.name for spec in secrets or ()}
        for option in table:
            if option in known:
                continue
            if option in fields or (looks_secret(option) and option not in options):
                raise _secret_in_config(self.place(*key, option), option, key[1])
            if option.endswith(_COMMAND) and (secrets is None or option.removesuffix(_COMMAND) in fields):
                self._check_command(option, table[option], self.place(*key, option))
            elif checked:
                self._warn_unknown((*key, option), [*known, *(field + _COMMAND for field in fields)])
        prefix = _variable(key[1], "")
        for variable in self.environ:
            field = variable.removeprefix(prefix).lower()
            if variable.startswith(prefix) and field not in known and (field in fields or looks_secret(field)):
                raise _secret_in_config(f"environment {variable}", field, key[1])

    @staticmethod
    def _check_command(option: str, value: object, place: str) -> None:
        words = value if isinstance(value, list) else [value]
        if not words or not all(isinstance(word, str) and word for word in words):
            raise wrong_type(option, "a command in quotes or a list of its words", value, place)

    def _value(self, spec: OptionSpec, key: tuple[str, ...], table: Mapping[str, object], variable: str) -> Sourced:
        if (flag := self.flags.get(".".join(key))) is not None:
            return Sourced(from_text(spec, flag, "flag"), "flag")
        if text := self.environ.get(variable):  # an empty variable counts as unset
            return Sourced(from_text(spec, text, f"environment {variable}"), f"environment {variable}")
        if key[-1] in table:
            place = self.place(*key)
            return Sourced(from_toml(spec, table[key[-1]], place, self.folder), place)
        return Sourced(spec.default, "default")

    def _table(self, *key: str) -> Mapping[str, object]:
        found: object = self.data
        for part in key:
            found = cast("Mapping[str, object]", found).get(part, {})
            if not isinstance(found, dict):
                raise wrong_type(".".join(key), f"a section, [{'.'.join(key)}]", found, self.place(*key))
        return cast("Mapping[str, object]", found)

    def _account_table(self, name: str) -> Mapping[str, object]:
        check_account_name(name, self.place("accounts", name))
        return self._table("accounts", name)

    def _accounts_of_environment(self, known: Iterable[str]) -> list[str]:
        """Accounts that only the environment defines, by ``CARECLI_ACCOUNTS_<NAME>_CONNECTOR``."""
        there = {_variable(name, "connector") for name in known}
        found = []
        for variable in sorted(self.environ):
            if variable.startswith("CARECLI_ACCOUNTS_") and variable.endswith("_CONNECTOR") and variable not in there:
                name = variable.removeprefix("CARECLI_ACCOUNTS_").removesuffix("_CONNECTOR").lower().replace("_", "-")
                check_account_name(name, f"environment {variable}")
                found.append(name)
        return found

    def _refuse_secret(self, key: tuple[str, ...]) -> None:
        if looks_secret(key[-1]):
            raise _secret_in_config(self.place(*key), key[-1])

    def _warn_unknown(self, key: tuple[str, ...], known: Iterable[str]) -> None:
        name = ".".join(key)
        self._warn(f"{self.place(*key)}: unknown key '{name}'", name, self.lines.of(*key), _nearest(key[-1], known))

    def _warn(self, message: str, key: str, line: int | None, near: str | None) -> None:
        hint = f"; did you mean '{near}'?" if near else "; it has no effect"
        self.warnings.append(ConfigWarning(message + hint, key, line, near))


def _variable(account: str, option: str) -> str:
    return f"CARECLI_ACCOUNTS_{account}_{option}".upper().replace("-", "_")


def _nearest(word: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # only a mistake pays for it

    return next(iter(get_close_matches(word, sorted(known), n=1)), None)


def _missing(spec: OptionSpec, kept: str, help_: str) -> ConfigError:
    return ConfigError(f"'{spec.name}' is missing ({spec.doc}); {kept}", code="CONFIG_MISSING", help=help_)


def _secret_in_config(place: str, key: str, account: str = "") -> ConfigError:
    owner = (account or "ACCOUNT").upper().replace("-", "_")
    return ConfigError(
        f"{place}: '{key}' is a secret, and secrets are never configuration values; it was not read",
        code="SECRET_IN_CONFIG",
        help=f"Delete it there, then run 'carecli account login {account or 'NAME'}', "
        f"set CARECLI_SECRET_{owner}_{key.upper()}, "
        f'or name a program that prints it: {key}_command = "…".',
    )
