"""Errors people meet: each has a stable code, an exit code, and says what to do next."""

from __future__ import annotations


class CareError(Exception):
    """Base of all errors that are shown to people.

    ``message`` says what happened and what was kept, ``help`` what to do next, ``retry_after`` seconds to wait (or
    ``None``). ``code`` is stable and listed in docs/errors.md; ``exit_code`` follows the command line contract.
    """

    code = "UNEXPECTED"
    exit_code = 1

    def __init__(self, message: str, *, help: str = "", retry_after: int | None = None, code: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.help = help
        self.retry_after = retry_after
        if code:
            self.code = code


class UsageError(CareError):
    """The words of the command are off."""

    code = "USAGE"
    exit_code = 2


class AuthError(CareError):
    """Not signed in, or the sign-in has expired."""

    code = "AUTH_REQUIRED"
    exit_code = 3


class ForbiddenError(CareError):
    """Not allowed, or not a capability of this connector."""

    code = "FORBIDDEN"
    exit_code = 4


class NotFoundError(CareError):
    """There is no such thing."""

    code = "NOT_FOUND"
    exit_code = 5


class RejectedError(CareError):
    """The vendor refused."""

    code = "REJECTED"
    exit_code = 6


class ConflictError(CareError):
    """Two changes meet; a person decides."""

    code = "CONFLICT"
    exit_code = 7


class PartialError(CareError):
    """Some of several accounts or tickets failed."""

    code = "PARTIAL"
    exit_code = 8


class UnreachableError(CareError):
    """Unreachable, ambiguous or rate-limited: try again."""

    code = "UNREACHABLE"
    exit_code = 9


class ConfigError(CareError):
    """Configuration, certificate or secret store."""

    code = "CONFIG_INVALID"
    exit_code = 10


class StoreError(CareError):
    """The local store is locked, damaged, read-only, full or newer than this program."""

    code = "STORE_UNAVAILABLE"
    exit_code = 11
