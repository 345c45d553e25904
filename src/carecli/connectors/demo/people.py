"""The people of the demo: colleagues, organisations, and any number of customers, each made from its index alone."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from importlib.resources import files

import msgspec

from carecli.connectors.spi.records import AgentRecord, OrganisationRecord, PersonRecord
from carecli.domain.customer import IdentityKind

SHOP_ADDRESS = "care@larkfield-home.example"
SHOP_NAME = "Larkfield Home Care"

COLLEAGUES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("a1", "Sam Rivera", ("en",)),
    ("a2", "Priya Natarajan", ("en",)),
    ("a3", "Dana Whitfield", ("en",)),
    ("a4", "Jonas Weber", ("de", "nl")),
    ("a5", "Amélie Laurent", ("fr",)),
    ("a6", "Marta Oliveira", ("pt", "es")),
    ("a7", "Tomasz Zieliński", ("pl", "de")),
    ("a8", "Bram de Vries", ("nl", "en")),
    ("a9", "Chiara Fontana", ("it", "es")),
    ("a10", "Kenji Watanabe", ("ja", "en")),
)
ME = COLLEAGUES[0][1]

# Fifty customers in a row speak these languages; the pattern repeats.
# fmt: off
_PATTERN = (
    "en", "en", "en", "de", "en", "fr", "en", "es", "en", "en", "de", "en", "it", "en", "fr", "nl", "en",
    "en", "pl", "de", "en", "pt", "en", "fr", "en", "es", "en", "ja", "en", "de", "en", "nl", "en", "en",
    "fr", "en", "it", "en", "de", "es", "en", "pt", "en", "pl", "en", "fr", "en", "de", "en", "nl",
)
# fmt: on
_SHARE = {language: _PATTERN.count(language) for language in set(_PATTERN)}
_RANK = tuple(_PATTERN[:at].count(language) for at, language in enumerate(_PATTERN))

# One zone a language: it must agree with the city and the telephone number beside it.
_ZONES = {
    "en": "Europe/London",
    "de": "Europe/Berlin",
    "fr": "Europe/Paris",
    "es": "Europe/Madrid",
    "it": "Europe/Rome",
    "nl": "Europe/Amsterdam",
    "pl": "Europe/Warsaw",
    "pt": "Europe/Lisbon",
    "ja": "Asia/Tokyo",
}
# Number ranges that are kept free for fiction or are assigned to nobody: (prefix, digits that follow).
_PHONES = {
    "en": ("+447700900", 3),
    "de": ("+493023125", 3),
    "fr": ("+33639980", 3),
    "es": ("+34500000", 3),
    "it": ("+39300000", 4),
    "nl": ("+3160000", 4),
    "pl": ("+48000000", 3),
    "pt": ("+351900000", 3),
    "ja": ("+81900000", 4),
}
_MAIL = ("postbox.example", "mailhaven.example", "inbox.example", "letterbird.example", "webpost.example")
_TIERS = (None, None, None, "bronze", "bronze", "silver", "silver", "gold", None, "bronze", None, "platinum")
_NOTES = (
    "Prefers e-mail to calls.",
    "Works nights: no calls before 14:00.",
    "Hard of hearing: please write, do not ring.",
    "Bought the first Harrier; likes to test new products.",
    "Deliveries to the neighbour at number 12.",
)


class _Names(msgspec.Struct):
    first: list[str]
    last: list[str]
    cities: list[str]


class _People(msgspec.Struct):
    names: dict[str, _Names]
    organisations: list[tuple[str, str, str]]


_DATA = msgspec.json.decode((files("carecli.connectors.demo") / "data" / "people.json").read_bytes(), type=_People)


def agents(me: str = ME) -> tuple[AgentRecord, ...]:
    """All colleagues; one of them sits at this keyboard."""
    return tuple(
        AgentRecord(external_id=key, name=name, email=agent_email(name), is_me=name == me)
        for key, name, _ in COLLEAGUES
    )


def agent_email(name: str) -> str:
    """A colleague's own address."""
    first, _, last = name.partition(" ")
    return f"{_ascii(first)}.{_ascii(last)}@larkfield-home.example"


def organisations() -> tuple[OrganisationRecord, ...]:
    """The companies that buy from the shop."""
    return tuple(
        OrganisationRecord(external_id=f"o{at}", name=name, domains=(domain,), tier=tier)
        for at, (name, domain, tier) in enumerate(_DATA.organisations, start=1)
    )


def language_of(index: int) -> str:
    """Language of a customer."""
    return _PATTERN[index % len(_PATTERN)]


def city_of(index: int) -> str:
    """Where a customer lives."""
    cities = _DATA.names[language_of(index)].cities
    return cities[index * 7 % len(cities)]


@lru_cache(maxsize=4096)
def customer(index: int) -> PersonRecord:
    """A customer by index; the first three are VIPs, every fourth belongs to an organisation."""
    slot = index % len(_PATTERN)
    language = _PATTERN[slot]
    rank = index // len(_PATTERN) * _SHARE[language] + _RANK[slot]
    names = _DATA.names[language]
    pairs = len(names.first) * len(names.last)
    # Neighbours differ in both names; a pair comes back only after all of them were used.
    turn = rank % pairs
    first = names.first[turn % len(names.first)]
    last = names.last[(turn // len(names.first) + turn % len(names.first) * 3) % len(names.last)]
    again = rank // pairs
    name = f"{last} {first}" if language == "ja" else f"{first} {last}"
    organisation = None
    domain = _MAIL[index % len(_MAIL)]
    if index % 4 == 1 or index < 3:
        organisation, domain, tier = _DATA.organisations[index // 4 % len(_DATA.organisations)]
    else:
        tier = _TIERS[index * 5 % len(_TIERS)] or ""
    local = f"{_ascii(first)}.{_ascii(last)}" if language != "ja" else f"user{rank + 101}"
    phone = _phone(language, rank)
    handles: list[tuple[IdentityKind, str]] = []
    if phone and index % 3 != 2:
        handles.append((IdentityKind.WHATSAPP, phone))
    if index % 5 == 0:
        handles.append((IdentityKind.INSTAGRAM, f"{local.replace('.', '_')}{again or ''}"))
    if index % 7 == 3:
        handles.append((IdentityKind.X, f"{local.replace('.', '')}{again or ''}"))
    vip = index < 3 or index % 97 == 50
    return PersonRecord(
        external_id=f"c{index + 1}",
        name=name,
        emails=(f"{local}{again + 1 if again else ''}@{domain}",),
        phones=(phone,) if phone else (),
        handles=tuple(handles),
        organisation=organisation,
        language=language,
        timezone=_ZONES[language],
        tier="platinum" if vip else tier or None,
        vip=vip,
        notes=_NOTES[index // 9 % len(_NOTES)] if index % 9 == 4 else "",
        tags=("vip",) if vip else (("early-adopter",) if index % 13 == 6 else ()),
        custom={"city": city_of(index), "customer_since": 2019 + index % 7},
    )


def first_name(index: int) -> str:
    """How an agent greets a customer: by first name, in Japanese by family name."""
    name = customer(index).name or ""
    return name.partition(" ")[0]


def _phone(language: str, rank: int) -> str | None:
    prefix, digits = _PHONES[language]
    return f"{prefix}{rank:0{digits}}" if rank < 10**digits else None


def _ascii(name: str) -> str:
    plain = name.replace("ł", "l").replace("Ł", "L").replace("ß", "ss").replace("ø", "o").replace("æ", "ae")
    folded = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return folded.lower().replace("'", "").replace(" ", "")
