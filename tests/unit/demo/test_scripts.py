import re
from random import Random

import pytest

from carecli.connectors.demo import goods
from carecli.connectors.demo.articles import articles
from carecli.connectors.demo.manifest import MANIFEST
from carecli.connectors.demo.scripts import LANGUAGES, Script, of_kind, scripts
from carecli.domain.conversation import Visibility
from carecli.domain.ticket import Channel, Priority, TicketType

EVERYTHING = [script for language in LANGUAGES for script in scripts(language)]


def filled(script: Script) -> list[str]:
    rng = Random(1)
    slots = goods.slots(rng, 3, script.product, 1_795_000_000_000, "Priya Natarajan")
    return [subject.format_map(slots) for subject in script.subjects] + [turn.text(slots, rng) for turn in script.turns]


def test_there_is_enough_to_read() -> None:
    assert len([script for script in EVERYTHING if script.kind == "case"]) >= 80
    assert len(of_kind("en", "case")) >= 50
    for language in LANGUAGES:
        assert len(of_kind(language, "case")) >= 4
        for kind in ("incident", "nudge", "follow"):
            assert of_kind(language, kind), (language, kind)


@pytest.mark.parametrize("script", EVERYTHING, ids=lambda script: f"{script.language}-{script.id}")
def test_a_script_is_whole(script: Script) -> None:
    assert script.subjects or script.kind == "follow"
    assert script.turns[0].who in "CK"
    assert all(Channel(channel) for channel in script.channels)
    assert Priority(script.priority)
    assert TicketType(script.type)
    for text in filled(script):
        assert text.strip() == text
        assert text
        assert not re.search(r"[{}]|\[\[|\]\]|  ", text), text
        assert len(text) < 1200


def test_alternatives_are_chosen_and_ids_are_unique() -> None:
    names = [(script.language, script.id) for script in EVERYTHING]
    assert len(names) == len(set(names))
    hello = next(script for script in EVERYTHING if script.id == "kettle-smell").turns[0]
    slots = goods.slots(Random(1), 3, "kettle", 1_795_000_000_000, "x")
    assert len({hello.text(slots, Random(seed)) for seed in range(20)}) == 2


def test_answers_by_sms_fit_into_one() -> None:
    limit = MANIFEST.capabilities.max_chars["sms"]
    for script in EVERYTHING:
        if "sms" in script.channels:
            rng = Random(2)
            slots = goods.slots(rng, 3, script.product, 1_795_000_000_000, "Priya Natarajan")
            assert all(len(turn.text(slots, rng)) <= limit for turn in script.turns if turn.who == "A"), script.id


def test_money_is_written_as_at_home() -> None:
    assert goods.money(8900, "en") == "£76.95"
    assert goods.money(249900, "de") == "2.498,95 €".replace(".", " ")
    assert goods.money(8900, "nl") == "€ 88,95"
    assert goods.money(249900, "nl") == "€ 2.498,95"
    assert goods.money(8900, "ja") == "¥14,700"
    assert goods.money(599, "pl") == "25,99 zł"


def test_articles_are_plenty_and_sorted_into_public_and_internal() -> None:
    found = articles(1_795_000_000_000, "https://demo.invalid/")
    assert len(found) >= 30
    assert len({article.external_id for article in found}) == len(found)
    assert sum(article.visibility is Visibility.INTERNAL for article in found) >= 10
    assert {article.language for article in found} == {"en", "de", "fr"}
    for article in found:
        assert article.title
        assert len(article.body_text) > 100
        assert article.url == f"https://demo.invalid/help/{article.external_id}"
