"""What a connector author provides: the desk behind the connector, and how to make the vendor misbehave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Literal, NoReturn

from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.options import Options, OptionValue
from carecli.connectors.spi.protocols import Source
from carecli.domain.conversation import Address
from carecli.domain.errors import AuthError

Side = Literal["pull", "push"]
"""Which requests meet a fault: those that read, or those that write."""


class Fault(StrEnum):
    """How a vendor misbehaves."""

    AUTH = "auth"  # refuses the sign-in that was good before (401)
    THROTTLE = "throttle"  # asks for fewer calls and says for how long (429 with Retry-After)
    DOWN = "down"  # cannot answer now (5xx, or nobody listens); nothing happens
    REJECT = "reject"  # refuses this request in words (4xx)
    LOST = "lost"  # acts, and its answer is lost
    SILENT = "silent"  # takes the request and never answers
    GARBAGE = "garbage"  # answers with bytes that make no sense


@dataclass(frozen=True, slots=True)
class Scripted:
    """What the vendor will say: its ``words``, the seconds it asks to wait, and changes to a write's payload that are
    needed to provoke it (for example a recipient that does not exist).
    """

    words: str = ""
    retry_after: int | None = None
    payload: Mapping[str, object] = field(default_factory=dict)


class HookMissingError(Exception):
    """A check needs a hook that the desk does not provide; the text says what to implement."""


class FixedSecrets:
    """Secrets from a mapping; implements ``spi.protocols.Secrets``. Change ``values`` to revoke or rotate one."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def get(self, name: str) -> str:
        """Value of a secret; raises ``AuthError`` when there is none."""
        if name not in self.values:
            raise AuthError(f"there is no secret '{name}'", help="Give it to FixedSecrets.")
        return self.values[name]

    def put(self, name: str, value: str) -> None:
        """Keeps a rotated secret."""
        self.values[name] = value


def options_of(manifest: Manifest, **changes: OptionValue) -> Options:
    """Validated options as the product would hand them over: every declared one with its default, and ``changes``."""
    unknown = changes.keys() - {option.name for option in manifest.options}
    if unknown:
        raise TypeError(f"{manifest.kind} declares no option {', '.join(sorted(unknown))}")
    return {option.name: option.default for option in manifest.options} | changes


class Desk:
    """The desk behind the connector under test. Subclass it and give what the checks ask for.

    ``manifest`` is the connector's card and ``manifest_at`` where it is found (``module:NAME``, as in the entry
    point). ``impossible`` maps a hook (``"delete"``), a fault (``"throttle on push"``) or ``"news"`` (they cannot be
    made to come) to the reason why this vendor has no such thing: the check then skips with that reason.
    ``secret_values`` are all credentials in use, good and bad. ``customer`` writes to the desk; ``colleague`` is an
    agent that tickets can be assigned to.
    """

    manifest: ClassVar[Manifest]
    manifest_at: ClassVar[str]
    impossible: ClassVar[Mapping[str, str]] = {}
    secret_values: Sequence[str] = ()
    customer: Address = Address("jo.kit@example.com", "Jo Kit")
    colleague: str | None = None

    def connector(self, *, good: bool = True) -> Source:
        """A new connector on this desk, as another process would make it; ``good=False``: with bad credentials."""
        return _missing(self, "connector(*, good=True) -> Source", "make a connector with good or bad credentials")

    def say(self, text: str) -> None:
        """A customer writes: a new ticket with that text (at a source of articles: a new article)."""
        _missing(self, "say(text)", "let a customer open a ticket with that text")

    def say_html(self, html: str) -> None:
        """A customer writes an HTML message."""
        _missing(self, "say_html(html)", "let a customer open a ticket with that HTML body")

    def fill(self) -> None:
        """Puts so much on the desk that a full pull takes three pages or more."""
        _missing(self, "fill()", "put enough on the desk for three pages (or lower the connector's page size)")

    def delete(self, ticket: str) -> None:
        """Deletes a ticket (external id) at the vendor."""
        _missing(self, "delete(ticket)", "delete that ticket at the vendor")

    def strange(self) -> str:
        """Gives some ticket a status (or priority, type, channel) that nobody has heard of; returns that word."""
        return _missing(self, "strange() -> str", "give a ticket an unknown status word and return the word")

    def change_elsewhere(self, ticket: str) -> None:
        """A colleague changes a ticket (external id) at the vendor's own site."""
        _missing(self, "change_elsewhere(ticket)", "change that ticket as somebody else would")

    def public(self) -> Sequence[str]:
        """Every text of ours that a customer can see, or that was sent towards one, whole."""
        return _missing(self, "public() -> Sequence[str]", "return every text that reached the public")

    def notes(self) -> Sequence[str]:
        """Every internal note that the vendor keeps."""
        return _missing(self, "notes() -> Sequence[str]", "return the internal notes that the vendor keeps")

    def script(self, fault: Fault, on: Side) -> Scripted:
        """Makes all requests of one side meet a fault until ``heal``; connectors for it are made afterwards."""
        return _missing(self, "script(fault, on) -> Scripted", f"make the vendor answer with '{fault}' on {on}")

    def heal(self) -> None:
        """Ends the faults that were scripted."""
        _missing(self, "heal()", "end the scripted faults")


def _missing(desk: Desk, signature: str, task: str) -> NoReturn:
    hook = signature.partition("(")[0]
    raise HookMissingError(
        f"{type(desk).__name__} has no hook '{hook}', which this check needs. Implement 'def {signature}': {task}; "
        f"or, if this vendor has no such thing, say why in impossible = {{'{hook}': '…'}}."
    )
