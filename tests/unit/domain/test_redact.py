"""Text from outside made safe: nothing that moves the cursor, turns the text round or tells a secret survives."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carecli.domain.redact import calm_combining, clean_line, clean_text, clean_value, without_secrets

C0_C1 = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
BIDI = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]
HOSTILE = st.text(st.one_of(st.sampled_from([*C0_C1, *BIDI, "\u2028", "\u2029", "\ud800"]), st.characters()))


@given(HOSTILE)
def test_clean_text_holds_no_control_character_but_tab_and_newline(text: str) -> None:
    found = clean_text(text)
    assert not set(found) & (set(C0_C1) - {"\t", "\n"})
    assert not set(found) & set(BIDI)
    assert not set(found) & {"\u2028", "\u2029"}
    found.encode("utf-8")  # lone surrogates are gone, so it can be stored and printed
    assert clean_text(found) == found


@given(HOSTILE)
def test_clean_line_is_one_line(text: str) -> None:
    found = clean_line(text)
    assert not set(found) & {*C0_C1, *BIDI}
    assert len(found.splitlines()) <= 1
    assert found == found.strip()
    assert "  " not in found
    assert clean_line(found) == found


def test_texts_inside_values_are_clean() -> None:
    assert clean_value({"a\x07": ["b\x1b", ("c", 1, None, True)], 2: {"d": "\u202ee"}}) == {
        "a": ["b", ["c", 1, None, True]],
        "2": {"d": "e"},
    }


@given(st.text())
def test_clean_text_takes_nothing_else_away(text: str) -> None:
    gone = {*C0_C1, *BIDI, "\u2028", "\u2029"}
    kept = [char for char in text if char not in gone]
    assert [char for char in clean_text(text) if char not in gone] == kept


def test_line_ends_become_newlines() -> None:
    assert clean_text("a\r\nb\rc\x0bd\x0ce\x85f\u2028g\u2029h\ti") == "a\nb\nc\nd\ne\nf\ng\nh\ti"


def test_an_escape_sequence_loses_its_escape() -> None:
    assert clean_text("\x1b[2Jhello\x1b]0;title\x07") == "[2Jhello]0;title"
    assert clean_text("\x9b31mred") == "31mred"
    assert clean_text("invoice\u202egnp.exe") == "invoicegnp.exe"


def test_marks_that_right_to_left_text_needs_stay() -> None:
    assert clean_text("שלום\u200f (a)\n") == "שלום\u200f (a)\n"


def test_plain_text_is_handed_back_as_it_is() -> None:
    text = "Grüße aus Köln"
    assert clean_text(text) is text


@given(st.text(st.one_of(st.sampled_from("ae\u0301\u0300\u0489"), st.characters())))
def test_no_character_carries_more_than_four_marks(text: str) -> None:
    run = 0
    for char in calm_combining(text):
        run = run + 1 if unicodedata.combining(char) else 0
        assert run <= 4


def test_ascii_needs_no_calming() -> None:
    text = "plain"
    assert calm_combining(text) is text
    assert calm_combining("e" + "\u0301" * 9) == "e" + "\u0301" * 4


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cr3t-value",
        "authorization: basic s3cr3t-value",
        "token=s3cr3t-value",
        'password: "s3cr3t-value"',
        '{"access_token":"s3cr3t-value", "x": 1}',
        "https://x.example/?api_key=s3cr3t-value&page=2",
        "client_secret = s3cr3t-value;",
        "refresh_token='s3cr3t-value'",
        "{'password': 's3cr3t-value'}",
        "smtp_password=s3cr3t-value",
        '{"token": "s3cr3t-value"}',
    ],
)
def test_secrets_are_taken_out(text: str) -> None:
    found = without_secrets(text)
    assert "s3cr3t-value" not in found
    assert "***" in found


def test_what_is_no_secret_stays() -> None:
    text = "the parcel with token number and no password was sent to basic address"
    assert without_secrets("ticket 12 was refused: subject too long") == "ticket 12 was refused: subject too long"
    assert "parcel" in without_secrets(text)
