from __future__ import annotations

import base64

import pytest
from textual.color import Color
from textual.geometry import Region, Size
from textual.theme import Theme

from carecli.domain.conversation import Visibility
from carecli.domain.knowledge import Article
from carecli.tui import cells, clipboard, editor, theme, wording
from carecli.tui.commands.looking import passage
from carecli.tui.commands.triage import parse_stretch, parse_tags, snooze_times
from carecli.tui.files import safe_name
from carecli.tui.screens.arrange import regions
from carecli.tui.screens.pick import rank

NOW = 1_795_000_000_000


@pytest.mark.parametrize(
    "text", ["plain", "配送状況を教えて", "🚲 bike", "e\u0301" * 9, "", "a" * 50, "👩‍👩‍👧‍👦 family"]
)
@pytest.mark.parametrize("width", [1, 2, 3, 7, 20])
def test_fit_is_exact(text: str, width: int) -> None:
    assert cells.width_of(cells.fit(text, width)) == width
    assert cells.width_of(cells.fit(text, width, right=True)) == width


@pytest.mark.parametrize(
    "text", ["one two three four", "x" * 33, "配送状況を教えてください" * 3, "  indented text here", "a\n\nb"]
)
def test_wrap_fits_and_loses_nothing(text: str) -> None:
    lines = cells.wrap(text, 10)
    assert all(cells.width_of(one) <= 10 for one in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")


def test_words_for_time() -> None:
    assert [wording.span(n) for n in (0, 59_000, 60_000, 3_600_000, 47 * 3_600_000, 3 * 86_400_000)] == [
        "0s", "59s", "1m", "1h", "47h", "3d",
    ]  # fmt: skip
    assert wording.deadline(None, NOW) == ("", "")
    assert wording.deadline(NOW - 60_000, NOW) == ("✗ 1m late", "late")
    assert wording.deadline(NOW + 60_000, NOW) == ("◔ 1m left", "soon")
    assert wording.deadline(NOW + 7_200_000, NOW) == ("○ 2h left", "fine")
    assert wording.ago(NOW - 40_000, NOW) == "40 s ago"
    assert wording.some(1, "ticket") == "1 ticket"
    assert wording.some(1214, "ticket") == "1,214 tickets"


def test_osc52_is_wrapped_for_tmux() -> None:
    plain = clipboard.osc52("Jürgen", {})
    assert base64.b64decode(plain.removeprefix("\x1b]52;c;").removesuffix("\a")).decode() == "Jürgen"
    assert clipboard.osc52("x", {"TMUX": "1"}).startswith("\x1bPtmux;\x1b\x1b]52")
    assert clipboard.osc52("x", {"TERM": "screen-256color"}).startswith("\x1bP\x1b]52")
    assert clipboard.native_tool({"SSH_CONNECTION": "1", "DISPLAY": ":0"}) is None


def test_editor_command() -> None:
    assert editor.command({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]


def test_editor_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "sh -c 'printf more >> \"$0\"'")
    assert editor.edit("text ") == "text more"
    monkeypatch.setenv("VISUAL", "false")
    with pytest.raises(OSError, match="as it was"):
        editor.edit("text")


def test_tags_and_stretches() -> None:
    assert parse_tags("billing, -vip #new -") == (["billing", "new"], ["vip"])
    assert parse_stretch("2h") == 7_200_000
    assert parse_stretch("+3d") == 3 * 86_400_000
    assert parse_stretch("soon") is None
    assert all(at > NOW for _, at in snooze_times(NOW))


def test_ranking() -> None:
    assert rank("ass", "Assign") == 0
    assert rank("tab", "Show tables") == 1
    assert rank("sgn", "Assign") == 3
    assert rank("zz", "Assign") is None


def test_passages() -> None:
    article = Article(1, "wiki", "T", "https://x.de", None, Visibility.PUBLIC, 0, True, "First.\n\n- one\n- two")
    assert passage(article, "link") == "T: https://x.de"
    assert passage(article, "excerpt") == "First."
    assert passage(article, "steps") == "1. one\n2. two"


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\x\\y.exe", "", "...", "a\x00b.pdf", "x" * 400])
def test_file_names_stay_in_their_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert "/" not in safe
    assert "\\" not in safe
    assert not safe.startswith(".")
    assert len(safe) <= 120


@pytest.mark.parametrize("width", [20, 60, 80, 99, 100, 120, 139, 140, 200, 400])
@pytest.mark.parametrize("height", [8, 24, 36, 60])
@pytest.mark.parametrize("pane", ["inbox", "conversation", "customer", "knowledge"])
def test_parts_never_overlap(width: int, height: int, pane: str) -> None:
    size = Size(width, height)
    drawer = pane in ("customer", "knowledge") and 100 <= width < 140
    found = regions(size, pane, drawer, 5, 3)
    assert {"hints", "status"} <= set(found)
    body = [r for name, r in found.items() if name not in ("hints", "status", "ask")]
    for number, one in enumerate(body):
        assert one.right <= width
        assert all(not one.overlaps(other) for other in body[number + 1 :])
    assert Region(0, 0, width, height).contains_region(found["status"])


@pytest.mark.parametrize("one", theme.THEMES, ids=lambda t: t.name)
def test_our_themes_can_be_read(one: Theme) -> None:
    back = Color.parse(one.background or "")
    for value in (one.primary, one.secondary, one.accent, one.error, one.success, one.foreground):
        assert theme.contrast(Color.parse(value or ""), back) >= 4.0, value
