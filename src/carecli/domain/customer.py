"""Customers: people, their identities across accounts, and the organisations they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class IdentityKind(StrEnum):
    """What sort of contact point or foreign key an identity is."""

    EMAIL = "email"
    PHONE = "phone"
    WHATSAPP = "whatsapp"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    X = "x"
    TELEGRAM = "telegram"
    LINE = "line"
    VENDOR_USER = "vendor_user"
    CRM_CONTACT = "crm_contact"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Identity:
    """One way to recognise a customer in one account; ``value`` is normalised, ``raw`` as it was received."""

    account: str
    kind: IdentityKind
    value: str
    raw: str
    verified: bool
    shared: bool


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer over all accounts; counts are of tickets that are not merged away or tombstones."""

    id: int
    name: str | None
    organisation: str | None
    language: str | None
    timezone: str | None
    tier: str | None
    vip: bool
    notes: str
    tags: tuple[str, ...]
    identities: tuple[Identity, ...]
    tickets_open: int
    tickets_total: int
    last_contact_at: int | None
    custom: Mapping[str, object] = field(default_factory=dict)

    def values(self, kind: IdentityKind) -> tuple[str, ...]:
        """The customer's values of one identity kind, without repeats, in stored order."""
        return tuple(dict.fromkeys(i.value for i in self.identities if i.kind is kind))

    @property
    def handles(self) -> tuple[str, ...]:
        """Social handles, each as ``kind:value``."""
        plain = (IdentityKind.EMAIL, IdentityKind.PHONE, IdentityKind.VENDOR_USER, IdentityKind.CRM_CONTACT)
        return tuple(dict.fromkeys(f"{i.kind}:{i.value}" for i in self.identities if i.kind not in plain))
