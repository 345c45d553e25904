"""Changing the configuration file: comments and order stay, writes are atomic and for the owner alone."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from carecli.config.load import check_account_name, parse, read_text
from carecli.config.paths import Paths, make_folders
from carecli.config.schema import ACCOUNT_SETTINGS, SETTINGS, Value, looks_secret
from carecli.config.values import from_text
from carecli.domain.errors import ConfigError, NotFoundError, UsageError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def add_account(paths: Paths, name: str, connector: str, options: Mapping[str, Value]) -> None:
    """Appends the section ``[accounts.NAME]``; values must be checked already (``load.parse_options``).

    Raises ``UsageError`` ``ACCOUNT_EXISTS``, and ``ConfigError`` for a bad name, a secret, or a broken file.
    """
    check_account_name(name)
    for key in options:
        _refuse_secret(key)

    def change(document: TOMLDocument) -> None:
        import tomlkit

        if "accounts" not in document:
            document["accounts"] = tomlkit.table(is_super_table=True)
        accounts = _table_of(document, "accounts", paths.config_file)
        if name in accounts:
            raise UsageError(
                f"there is an account '{name}' already; nothing was changed",
                code="ACCOUNT_EXISTS",
                help="Choose another name, or 'carecli account remove' it first.",
            )
        section = tomlkit.table()
        section["connector"] = connector
        for key, value in options.items():
            if value is not None:
                section[key] = _plain(value)
        accounts[name] = section

    _edit(paths, change)


def remove_account(paths: Paths, name: str) -> None:
    """Removes an account's section. Raises ``NotFoundError`` when there is none."""

    def change(document: TOMLDocument) -> None:
        accounts = _table_of(document, "accounts", paths.config_file) if "accounts" in document else {}
        if name not in accounts:
            raise _no_account(name)
        del accounts[name]

    _edit(paths, change)


def set_account_value(paths: Paths, account: str, key: str, value: Value) -> None:
    """Sets one key of an account's section (checked already); ``None`` takes it out."""
    _refuse_secret(key)

    def change(document: TOMLDocument) -> None:
        accounts = _table_of(document, "accounts", paths.config_file) if "accounts" in document else {}
        if account not in accounts:
            raise _no_account(account)
        if value is None:
            accounts[account].pop(key, None)
        else:
            accounts[account][key] = _plain(value)

    _edit(paths, change)


def set_value(paths: Paths, name: str, text: str | None) -> None:
    """Sets a setting like ``console.theme`` from text; ``None`` takes it out, so that the default holds again.

    Raises ``UsageError`` ``UNKNOWN_SETTING`` and ``ConfigError`` for a wrong type or a broken file.
    """
    spec = next((setting for setting in SETTINGS if setting.name == name), None)
    if spec is None:
        raise UsageError(
            f"there is no setting '{name}'; nothing was changed",
            code="UNKNOWN_SETTING",
            help="'carecli config schema' lists every setting.",
        )
    value = None if text is None else from_text(spec, text, name)
    section, _, key = name.partition(".")

    def change(document: TOMLDocument) -> None:
        import tomlkit

        if value is None:
            if section in document:
                _table_of(document, section, paths.config_file).pop(key, None)
            return
        if section not in document:
            document[section] = tomlkit.table()
        _table_of(document, section, paths.config_file)[key] = _plain(value)

    _edit(paths, change)


def write_private(file: str, text: str) -> None:
    """Replaces a file in one step (temporary file, fsync, rename), mode 0600.

    A symbolic link stays and its target changes. Raises ``ConfigError`` ``CONFIG_UNWRITABLE``.
    The old file is whole then.
    """
    target = os.path.realpath(file)
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".carecli-", dir=os.path.dirname(target))  # mode 0600
        with open(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
        _sync_folder(os.path.dirname(target))
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise ConfigError(
            f"{file} cannot be written: {error.strerror}; it is as it was",
            code="CONFIG_UNWRITABLE",
            help="Check the folder's owner, mode and free space.",
        ) from error


def _sync_folder(folder: str) -> None:
    """Makes a rename durable where the file system allows opening folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _edit(paths: Paths, change: Callable[[TOMLDocument], None]) -> None:
    import tomlkit

    text = read_text(paths.config_file) or ""
    parse(text, paths.config_file)  # refuses a broken file, with its place
    document = tomlkit.parse(text)
    change(document)
    written = tomlkit.dumps(document)
    parse(written, paths.config_file)  # never replaces a good file by a broken one
    make_folders(paths)
    write_private(paths.config_file, written)


def _table_of(document: TOMLDocument, name: str, file: str) -> dict[str, Any]:
    table = document[name]
    if not isinstance(table, dict):
        raise ConfigError(
            f"{file}: '{name}' is no section; nothing was changed", code="CONFIG_TYPE", help=f"Write it as [{name}]."
        )
    return table


def _plain(value: Value) -> object:
    return list(value) if isinstance(value, tuple) else value


def _no_account(name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no account '{name}' in the configuration; nothing was changed",
        code="UNKNOWN_ACCOUNT",
        help="'carecli account list' shows them.",
    )


def _refuse_secret(key: str) -> None:
    if looks_secret(key) and key not in {spec.name for spec in ACCOUNT_SETTINGS}:
        raise ConfigError(
            f"'{key}' is a secret, and secrets are never configuration values; nothing was written",
            code="SECRET_IN_CONFIG",
            help="Run 'carecli account login NAME', or see 'Secrets' in the documentation.",
        )
