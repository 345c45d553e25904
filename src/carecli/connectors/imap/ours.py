"""Which addresses are ours: they never become customers, and mail from them is our side of the conversation."""

from __future__ import annotations

import re
from collections.abc import Iterable

from carecli.domain.conversation import Address
from carecli.domain.ids import normal_email

_MARK = re.compile(r"<([0-7][0-9A-HJKMNP-TV-Z]{25})@([^<>@\s]+)>")


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


class Ours:
    """The mailbox's own address, its aliases, and every plus-address of them."""

    def __init__(self, address: str, aliases: Iterable[str] = ()) -> None:
        self.address = address.strip()
        self._plain = frozenset(normal_email(each) for each in (address, *aliases) if "@" in each)
        domains = {each.rpartition("@")[2] for each in self._plain}
        self.domains = frozenset(domains | {_ascii(each) for each in domains})

    def has(self, email: str) -> bool:
        """Whether an address is one of ours."""
        plain = normal_email(email)
        if plain in self._plain:
            return True
        local, _, domain = plain.rpartition("@")
        return "+" in local and f"{local.partition('+')[0]}@{domain}" in self._plain

    def others(self, people: Iterable[Address]) -> tuple[Address, ...]:
        """Those of the addresses that are not ours, in order."""
        return tuple(each for each in people if not self.has(each.email))

    def mark_of(self, message_id: str | None) -> str | None:
        """The operation id in a Message-ID that we made; ``None`` for anybody else's."""
        match = _MARK.fullmatch(message_id or "")
        return match[1] if match and match[2].lower() in self.domains else None
