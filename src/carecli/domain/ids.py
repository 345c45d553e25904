"""Names of things: ULIDs, message keys that rise with time, ticket references, addresses as they are compared."""

from __future__ import annotations

from carecli.domain.errors import UsageError

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SEQUENCE_BITS = 12
"""Low bits of a message key; the rest is milliseconds."""


def ulid(milliseconds: int, entropy: bytes) -> str:
    """A ULID (26 characters, Crockford base 32) from a time and 10 random bytes.

    Source: https://github.com/ulid/spec. Raises ``ValueError`` when the time or the entropy does not fit.
    """
    if not 0 <= milliseconds < 1 << 48 or len(entropy) != 10:
        raise ValueError("a ULID takes 48 bits of milliseconds and 10 bytes of entropy")
    number = milliseconds << 80 | int.from_bytes(entropy)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def message_key(milliseconds: int, sequence: int) -> int:
    """The integer key of a message sent at a time: it rises with time, so newest-first is a walk down the keys.

    ``sequence`` (any integer, its low 12 bits count) tells messages of one millisecond apart. Times before 1970
    count as 1970.
    """
    return max(milliseconds, 0) << SEQUENCE_BITS | sequence & (1 << SEQUENCE_BITS) - 1


def split_ref(text: str) -> tuple[str | None, str]:
    """Account and number of a ticket reference: ``support:12`` → (``support``, ``12``), ``12`` → (``None``, ``12``).

    Raises ``UsageError`` when the text is no reference.
    """
    account, colon, number = text.strip().rpartition(":")
    if not number or (colon and not account):
        raise UsageError(
            f"'{text}' is not a ticket reference",
            code="BAD_REF",
            help="Write account:number, for example support:12; 'carecli ticket list -q' prints them.",
        )
    return account or None, number


def normal_email(address: str) -> str:
    """The form of an e-mail address used for comparison: trimmed and lower-cased (RFC 5321 leaves the local part's
    case to the receiver; no known mailbox provider tells them apart).
    """
    return address.strip().lower()
