"""What can go wrong with a vendor, named by how to recover; everything else a connector raises is a defect of it."""

from __future__ import annotations

from carecli.domain.errors import (
    AuthError,
    ConfigError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RejectedError,
    UnreachableError,
)


class Retryable(UnreachableError):
    """Nothing happened at the vendor (or the call was a read): safe to try again, after ``retry_after`` if given.

    ``throttled`` (a 429) stops all work of the account until then.
    """

    throttled = False


class Throttled(Retryable):
    """The vendor asks for fewer calls; stops all work of the account for ``retry_after`` seconds."""

    code = "RATE_LIMITED"
    throttled = True


class Ambiguous(UnreachableError):
    """A write may or may not have happened; ``verify`` must look before anything is sent again."""

    code = "AMBIGUOUS"


class Rejected(RejectedError):
    """The vendor refused this write in its own words; the same request will be refused again."""


class AuthNeeded(AuthError):
    """Credentials are missing, wrong, expired or revoked."""

    code = "AUTH_FAILED"


class Gone(NotFoundError):
    """The vendor has no such record (any more)."""

    code = "REMOTE_GONE"


class Conflicting(ConflictError):
    """A precondition failed: somebody changed the record since it was read."""


class Unsupported(ForbiddenError):
    """Not a capability of this connector, or not allowed to this sign-in."""

    code = "UNSUPPORTED"


class BadSetup(ConfigError):
    """Settings, certificate or address are wrong; trying again changes nothing."""

    code = "BAD_SETUP"
