"""The query language: every text is a tree or a mistake with its place, and trees survive being written down."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from carecli.domain.query import _CLOSED, KEYS, Node, QueryError, parse, to_text, words_of

# Few letters and all the characters that mean something, so that random texts hit the grammar often.
SYNTAX = st.text(alphabet=st.sampled_from([*'ab or-()"*:<>=,/ \t\n1é²٣', "\x1f", "\u3000", "😀"]), max_size=30)
PIECES = st.lists(
    st.sampled_from(
        [
            *(f"{key}:" for key in KEYS),
            *("or", "OR", "-", "--", "(", ")", '"', " ", "kettle", "a,b", ">=", ">", "<2h", "status:open,new"),
            *('tag:"to pay"', "has:note", "support:12", "https://x.example/", "pre*", "is>open"),
        ]
    ),
    max_size=14,
).map("".join)
ANY = st.one_of(SYNTAX, PIECES, st.text(max_size=20))

BARE = st.text(alphabet=st.characters(exclude_characters='()"', exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: not any(char.isspace() for char in text)
)
OPERATORS = st.sampled_from([":", ">", "<", ">=", "<="])


def _is_plain_word(text: str) -> bool:
    return not (text.startswith("-") or text.endswith("*") or text.lower() == "or" or set(text) & set(":<>"))


WORDS = st.one_of(
    BARE.filter(_is_plain_word).map(lambda text: ("word", text)),
    st.just(("word", "support:12")),
    st.just(("word", "https://shop.example/x?a>b")),
    BARE.filter(_is_plain_word).map(lambda text: ("prefix", text)),
    st.text(alphabet=st.characters(exclude_characters='"', exclude_categories=["Cs"])).map(lambda t: ("phrase", t)),
)
OPEN_KEYS = sorted(KEYS.keys() - _CLOSED.keys())
QUOTED = st.text(alphabet=st.characters(exclude_characters='"', exclude_categories=["Cs"]), min_size=1)
SEVERAL = st.lists(BARE.filter(lambda text: "," not in text), min_size=1, max_size=3)
FIELDS = st.one_of(
    st.tuples(st.sampled_from(OPEN_KEYS), OPERATORS, QUOTED).map(lambda f: ("field", f[0], f[1], (f[2],))),
    st.tuples(st.sampled_from(OPEN_KEYS), OPERATORS, SEVERAL).map(lambda f: ("field", f[0], f[1], tuple(f[2]))),
    st.sampled_from(sorted(_CLOSED)).flatmap(
        lambda key: st.lists(st.sampled_from(_CLOSED[key]), min_size=1, max_size=3).map(
            lambda values: ("field", key, ":", tuple(values))
        )
    ),
)


def _branches(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.one_of(
        several.map(lambda parts: ("and", parts)),
        several.map(lambda parts: ("or", parts)),
        inner.map(lambda part: ("not", part)),
    )


TREES: st.SearchStrategy[Node] = st.recursive(st.one_of(WORDS, FIELDS), _branches, max_leaves=12)


@given(TREES)
@example(("field", "tag", ":", ("a,b",)))
@example(("field", "tag", ":", (">5",)))
@example(("field", "tag", ">", ("=5", "6")))
@example(("field", "tag", ":", ("//x",)))
@example(("field", "wait", ">", ("2 h",)))
def test_a_tree_survives_being_written_down(tree: Node) -> None:
    assert parse(to_text(tree)) == tree


@given(ANY)
@example("a -)")
@example("(a -) b")
@example('a or"b"')
@example('tag:""')
@example("-" * 3000 + "x")
@example("(" * 3000)
def test_any_text_is_a_tree_or_a_mistake_with_its_place(text: str) -> None:
    tree: Node | None = None
    mistake: QueryError | None = None
    try:
        tree = parse(text)
    except QueryError as error:
        mistake = error
    if mistake is None:
        assert parse(to_text(tree)) == tree
    else:
        assert 0 <= mistake.position <= len(text)
        assert mistake.expected
        assert mistake.exit_code == 2


@given(ANY)
def test_words_to_highlight_are_in_the_text(text: str) -> None:
    try:
        tree = parse(text)
    except QueryError:
        assume(False)
    assert all(word in text for word in words_of(tree))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("  \n", None),
        ("kettle", ("word", "kettle")),
        ("kettl*", ("prefix", "kettl")),
        ("*", ("word", "*")),
        ('"red kettle"', ("phrase", "red kettle")),
        ("-kettle", ("not", ("word", "kettle"))),
        ("- kettle", ("and", (("word", "-"), ("word", "kettle")))),
        ("(a -)", ("and", (("word", "a"), ("word", "-")))),
        ("a or b c", ("or", (("word", "a"), ("and", (("word", "b"), ("word", "c")))))),
        ("(a OR b) c", ("and", (("or", (("word", "a"), ("word", "b"))), ("word", "c")))),
        ('a or"b"', ("or", (("word", "a"), ("phrase", "b")))),
        ("order oregano", ("and", (("word", "order"), ("word", "oregano")))),
        ("STATUS:Open,NEW", ("field", "status", ":", ("open", "new"))),
        ('from:"Jo Doe"', ("field", "from", ":", ("Jo Doe",))),
        ("wait:>2h", ("field", "wait", ">", ("2h",))),
        ("wait>2h", ("field", "wait", ">", ("2h",))),
        ("created>=2026-10-05", ("field", "created", ">=", ("2026-10-05",))),
        ("created:<=2026", ("field", "created", "<=", ("2026",))),
        ('wait>"2h"', ("field", "wait", ">", ("2h",))),
        ('wait:>"2h"', ("field", "wait", ">", ("2h",))),
        ("support:12", ("word", "support:12")),
        ("https://x.example", ("word", "https://x.example")),
        (":)", None),
    ],
)
def test_examples(text: str, tree: Node | None) -> None:
    if text == ":)":
        with pytest.raises(QueryError):
            parse(text)
    else:
        assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("kettle (a b", 7, "a ) for this ("),
        ("a )", 2, "the end"),
        ("()", 1, "a word"),
        ("a or", 4, "a word"),
        ('say "hello', 4, 'a closing "'),
        ("colour:red", 0, "a known key instead of 'colour'"),
        ("x support:abc", 2, "a known key"),
        ("status:", 7, "a value"),
        ("tag:,,", 4, "a value"),
        ('tag:""', 4, "a value"),
        ("status:odd", 7, "one of new, open"),
        ("is:open,odd", 3, "one of open"),
        ("(" * 51 + "a" + ")" * 51, 50, "fewer"),
        ("-" * 51 + "a", 50, "fewer"),
    ],
)
def test_a_mistake_is_shown_where_it_is(text: str, position: int, expected: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert (caught.value.position, caught.value.code) == (position, "BAD_QUERY")
    assert caught.value.expected.startswith(expected)
    shown = caught.value.message.splitlines()
    assert shown[2].index("^") == position + 2
    assert "Keys: account, assignee" in caught.value.help


def test_no_tree_is_no_text_and_has_no_words() -> None:
    assert to_text(None) == ""
    assert words_of(None) == ()


def test_excluded_words_and_fields_are_not_highlighted() -> None:
    assert words_of(parse('kettle -tea ("red one" or pre*) tag:x')) == ("kettle", "red one", "pre")
