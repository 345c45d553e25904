"""What the shop sells, and the numbers around an order: the values of the slots in the dialogues."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from carecli.connectors.demo import calendar, people
from carecli.connectors.demo.calendar import DAY

# (name, price in euro cents)
PRODUCTS: dict[str, tuple[tuple[str, int], ...]] = {
    "kettle": (("Arc kettle", 8900), ("Fen kettle 1.7 l", 5900), ("Brook glass kettle", 7400)),
    "kitchen": (("Tarn coffee grinder", 12900), ("Ember toaster", 6900), ("Alder hand blender", 4900)),
    "ebike": (("Harrier e-bike", 249900), ("Wren folding e-bike", 189900)),
    "router": (("Beacon mesh router", 17900), ("Beacon Mini", 8900)),
    "home": (("Moss air purifier", 21900), ("Sedge desk lamp", 5400), ("Heron floor fan", 9900)),
}
PRODUCTS["any"] = tuple(item for family in tuple(PRODUCTS.values()) for item in family)
PRODUCTS["plus"] = (("Larkfield Plus", 599),)

_RATES = {"en": 0.86, "pl": 4.3, "ja": 165.0}
_CARRIERS = ("ParcelJet", "Swiftway", "PostLink")


@lru_cache(maxsize=512)
def money(cents: int, language: str) -> str:
    """A price in the currency and the writing of a language."""
    if language == "ja":
        return f"¥{round(cents / 100 * 165, -2):,.0f}"
    value = round(cents / 100 * _RATES.get(language, 1.0)) - (0.05 if cents % 100 == 0 else 0.01)
    if language == "en":
        return f"£{value:,.2f}"
    if language == "nl":
        return "€ " + f"{value:,.2f}".translate({44: ".", 46: ","})
    unit = "zł" if language == "pl" else "€"
    return f"{value:,.2f}".translate({44: " ", 46: ","}) + " " + unit


def slots(rng: Random, index: int, family: str, created: int, agent: str) -> dict[str, str]:
    """Values of every slot for one matter of a customer."""
    language = people.language_of(index)
    items = PRODUCTS[family]
    product, cents = items[int(rng.random() * len(items))]
    number = int(rng.random() * 900_000_000)
    name = people.customer(index).name or ""
    return {
        "product": product,
        "amount": money(cents, language),
        "order": f"LH-{20000 + number % 69999}",
        "invoice": f"R{number // 7 % 900_000 + 100_000}",
        "tracking": f"PJ{number:09}GB",
        "carrier": _CARRIERS[number % 3],
        "ordered": calendar.date(created - (3 + number % 9) * DAY, language),
        "city": people.city_of(index),
        "first": people.first_name(index),
        "name": name,
        "agent": agent,
        "code": f"E-{(2, 4, 7, 11, 17, 21)[number % 6]:02}",
        "last4": f"{number % 9000 + 1000}",
    }
