"""Secrets of accounts: environment, command, system keyring, private file; the first one that has it wins."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import threading
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, Protocol, TypeVar

from carecli.config.edit import write_private
from carecli.config.paths import Paths, make_folders
from carecli.config.schema import SecretSpec
from carecli.domain.errors import AuthError, ConfigError

Source = Literal["environment", "command", "keyring", "file"]

COMMAND_SECONDS = 20.0
KEYRING_SECONDS = 3.0

_T = TypeVar("_T")


class Keyring(Protocol):
    """The part of a keyring backend that is used."""

    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class SecretReader:
    """Reads and keeps the secrets of one account; values are never cached, shown or logged.

    ``section`` is the account's section as written (``<field>_command`` is taken from it). The system keyring must
    answer one probe within ``keyring_seconds``; one that fails or stalls counts as absent for this object.
    """

    def __init__(
        self,
        account: str,
        fields: Sequence[SecretSpec],
        section: Mapping[str, object],
        paths: Paths,
        environ: Mapping[str, str],
        *,
        keyring_seconds: float = KEYRING_SECONDS,
        command_seconds: float = COMMAND_SECONDS,
    ) -> None:
        self._account = account
        self._fields = tuple(field.name for field in fields)
        self._section = section
        self._paths = paths
        self._environ = environ
        self._keyring_seconds = keyring_seconds
        self._command_seconds = command_seconds
        self._keyring_found: Keyring | None = None
        self._keyring_asked = False
        place = f"@{paths.home}" if paths.home else ""
        self._service = f"carecli{place}/{account}"

    def __repr__(self) -> str:
        return f"SecretReader({self._account!r})"

    def get(self, name: str) -> str:
        """Value of a field. Raises ``AuthError`` ``AUTH_REQUIRED`` when no source has it, ``ConfigError`` when its
        command fails or the private file is readable by others.
        """
        found = self._find(name)
        if found is None:
            raise AuthError(
                f"account '{self._account}' has no {name}; nothing was sent",
                code="AUTH_REQUIRED",
                help=f"Run: carecli account login {self._account}",
            )
        return found[1]

    def source(self, name: str) -> Source | None:
        """Where the value of a field comes from, ``None`` when there is none."""
        found = self._find(name)
        return found[0] if found else None

    def probe(self) -> Literal["keyring", "file"]:
        """Where ``put`` would keep a secret: the system keyring if it answers in time, else the private file."""
        return "keyring" if self._keyring() is not None else "file"

    def put(self, name: str, value: str, *, allow_file: bool = False) -> None:
        """Keeps a secret where it came from; a new one goes to the keyring, or to the private file with consent.

        Raises ``ConfigError``: ``SECRET_FIXED`` when the environment or a command gives this field (a kept value
        would never be read), ``NO_SECRET_STORE`` when there is no keyring and the file is not allowed.
        """
        fixed = self._variable(name) if self._variable(name) in self._environ else f"{name}_command"
        if fixed in self._environ or fixed in self._section:
            raise ConfigError(
                f"the {name} of account '{self._account}' comes from {fixed}; the new one was not kept",
                code="SECRET_FIXED",
                help=f"Change it there, or take {fixed} away and run: carecli account login {self._account}",
            )
        in_file = name in self._file().get(self._account, {})
        keyring = None if in_file else self._keyring()
        if keyring is not None and self._within(lambda: _stored(keyring, self._service, name, value)):
            return
        if not in_file and not allow_file:
            raise ConfigError(
                f"no system keyring answers, so the {name} of account '{self._account}' was not kept",
                code="NO_SECRET_STORE",
                help=f"Allow the private file {self._paths.secrets_file} (mode 0600), set {self._variable(name)}, "
                f"or name a program that prints it: {name}_command",
            )
        content = self._file()
        content.setdefault(self._account, {})[name] = value
        self._write(content)

    def forget(self) -> None:
        """Deletes every field of this account from the keyring and from the private file."""
        keyring = self._keyring()
        if keyring is not None:
            for name in self._fields:
                self._within(partial(keyring.delete_password, self._service, name))
        content = self._file()
        if content.pop(self._account, None) is not None:
            self._write(content)

    def _find(self, name: str) -> tuple[Source, str] | None:
        if value := self._environ.get(self._variable(name)):
            return "environment", value
        if command := self._section.get(f"{name}_command"):
            return "command", self._run(name, command)
        keyring = self._keyring()
        if keyring is not None and (value := self._within(lambda: keyring.get_password(self._service, name))):
            return "keyring", value
        if value := self._file().get(self._account, {}).get(name):
            return "file", value
        return None

    def _variable(self, name: str) -> str:
        return f"CARECLI_SECRET_{self._account}_{name}".upper().replace("-", "_")

    def _run(self, name: str, command: object) -> str:
        """First line that the command prints; its words never pass a shell."""
        setting = f"{name}_command of account '{self._account}'"
        try:
            words = shlex.split(command) if isinstance(command, str) else [str(word) for word in _listed(command)]
            done = subprocess.run(  # noqa: S603  (the person's own command, split without a shell)
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._command_seconds,
                check=False,
                env=dict(self._environ),
            )
        except subprocess.TimeoutExpired:
            raise _command_failed(setting, f"gave no answer within {self._command_seconds:g} s") from None
        except (OSError, ValueError, IndexError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "is no command"
            raise _command_failed(setting, f"cannot be run: {reason}") from None
        if done.returncode != 0:
            raise _command_failed(setting, f"ended with status {done.returncode}")
        value = done.stdout.decode(errors="replace").partition("\n")[0].strip()
        if not value:
            raise _command_failed(setting, "printed nothing")
        return value

    def _keyring(self) -> Keyring | None:
        if not self._keyring_asked:
            self._keyring_asked = True
            found = self._within(system_keyring)
            # One read proves that it answers: a locked one would ask on another screen, or wait for ever.
            if found is not None and self._within(lambda: _answers(found, self._service)):
                self._keyring_found = found
        return self._keyring_found

    def _within(self, call: Callable[[], _T]) -> _T | None:
        """Result of a call, ``None`` when it fails or takes longer than the limit (its thread is left behind)."""
        results: list[_T] = []

        def work() -> None:
            try:
                results.append(call())
            except Exception:
                return  # a keyring can fail in every way its desktop can; the next source is asked

        thread = threading.Thread(target=work, name="carecli-keyring", daemon=True)
        thread.start()
        thread.join(self._keyring_seconds)
        return results[0] if results else None

    def _file(self) -> dict[str, dict[str, str]]:
        """The private file. Raises ``ConfigError`` when others can read it, or when it is broken."""
        file = self._paths.secrets_file
        try:
            with open(file, "rb") as stream:
                mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
                if mode & 0o077:
                    raise ConfigError(
                        f"{file} can be read by others (mode {mode:04o}), so it was not used",
                        code="SECRETS_EXPOSED",
                        help=f"Run: chmod 600 {shlex.quote(file)} and consider changing the secrets in it.",
                    )
                content = tomllib.load(stream)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(
                f"{file} cannot be read: {error.strerror}", code="SECRETS_UNREADABLE", help="Check its owner and mode."
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            raise ConfigError(  # the parser's words could hold a part of a secret
                f"{file} is not valid TOML, so it was not used",
                code="SECRETS_BROKEN",
                help="Correct it by hand, or delete it and sign in again with 'carecli account login'.",
            ) from None
        return {
            account: {str(name): str(value) for name, value in fields.items()}
            for account, fields in content.items()
            if isinstance(fields, dict)
        }

    def _write(self, content: Mapping[str, Mapping[str, str]]) -> None:
        import tomlkit

        make_folders(self._paths)
        write_private(self._paths.secrets_file, tomlkit.dumps({a: dict(f) for a, f in content.items() if f}))


def system_keyring() -> Keyring | None:
    """The system's keyring, ``None`` when there is none that keeps anything."""
    import keyring
    from keyring.backends import fail, null

    backend = keyring.get_keyring()
    if isinstance(backend, fail.Keyring | null.Keyring):
        return None
    return backend


def _answers(keyring: Keyring, service: str) -> bool:
    keyring.get_password(service, "carecli-probe")
    return True


def _stored(keyring: Keyring, service: str, name: str, value: str) -> bool:
    keyring.set_password(service, name, value)
    return keyring.get_password(service, name) == value


def _listed(command: object) -> Sequence[object]:
    if isinstance(command, list | tuple):
        return command
    raise ValueError("neither text nor a list")


def _command_failed(setting: str, reason: str) -> ConfigError:
    return ConfigError(
        f"{setting} {reason}; nothing was sent",
        code="SECRET_COMMAND",
        help="Run the command by hand; its first line of output must be the secret, within 20 seconds.",
    )
