"""Colours: our themes, and the inks that line-drawn widgets write with under whichever theme is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

THEMES: tuple[Theme, ...] = (
    Theme(
        name="care-dark",
        primary="#6cb2eb",
        secondary="#b79be8",
        accent="#f2b35d",
        warning="#f2b35d",
        error="#ff7b7b",
        success="#74cf9b",
        foreground="#d7dde6",
        background="#12161c",
        surface="#12161c",
        panel="#1d242e",
        boost="#232c38",
        variables={"border": "#6cb2eb", "border-blurred": "#2f3947"},
    ),
    Theme(
        name="care-light",
        primary="#1763a8",
        secondary="#6a45ad",
        accent="#9a5b00",
        warning="#9a5b00",
        error="#b3261e",
        success="#18733f",
        foreground="#1e2630",
        background="#fbfaf7",
        surface="#fbfaf7",
        panel="#eceae4",
        boost="#e2e7ee",
        dark=False,
        variables={"border": "#1763a8", "border-blurred": "#cfcabd"},
    ),
    Theme(
        name="care-contrast",
        primary="#ffff55",
        secondary="#55ffff",
        accent="#ffd75f",
        warning="#ffd75f",
        error="#ff8787",
        success="#87ff87",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        boost="#303030",
        variables={"border": "#ffff55", "border-blurred": "#8a8a8a"},
    ),
)

NAMES: dict[str, str] = {
    "dark": "care-dark",
    "light": "care-light",
    "contrast": "care-contrast",
    "ansi": "ansi-dark",
    "ansi-light": "ansi-light",
}
"""Short names in the configuration → theme names."""


_CONTRAST = 4.0  # below this ratio thin glyphs are hard to read


@dataclass(frozen=True, slots=True)
class Ink:
    """Rich styles for line-drawn text; every one carries the background it stands on."""

    base: Style
    dim: Style
    faint: Style
    strong: Style
    primary: Style
    accent: Style
    second: Style
    good: Style
    warn: Style
    bad: Style
    cursor: Style
    cursor_away: Style
    mark: Style
    note: Style
    bar: Style
    key: Style
    match: Style
    link: Style
    reply_banner: Style
    note_banner: Style
    sending: Style
    alarm: Style


@lru_cache(maxsize=8)
def _ink(colours: tuple[tuple[str, str], ...], *, ansi: bool) -> Ink:
    if ansi:
        return _ansi_ink()
    at = {key: Color.parse(value) for key, value in colours}
    back, fore = at["background"], at["foreground"]

    def on(colour: Color, ground: Color = back, **more: Any) -> Style:
        return Style(color=colour.rich_color, bgcolor=ground.rich_color, **more)

    def ground(colour: Color) -> Style:
        return Style(bgcolor=colour.rich_color)

    at = {key: _readable(colour, back, fore) if key != "panel" else colour for key, colour in at.items()}
    dark_text = back if back.brightness < 0.5 else Color.parse("#ffffff")
    return Ink(
        base=on(fore),
        dim=on(fore.blend(back, 0.35)),
        faint=on(fore.blend(back, 0.58)),
        strong=on(fore, bold=True),
        primary=on(at["primary"]),
        accent=on(at["accent"]),
        second=on(at["secondary"]),
        good=on(at["success"]),
        warn=on(at["warning"]),
        bad=on(at["error"], bold=True),
        cursor=ground(back.blend(at["primary"], 0.26)),
        cursor_away=ground(back.blend(fore, 0.09)),
        mark=ground(back.blend(at["accent"], 0.2)),
        note=ground(back.blend(at["accent"], 0.09)),
        bar=on(fore.blend(at["panel"], 0.2), at["panel"]),
        key=on(at["primary"], bold=True),
        match=on(dark_text, at["accent"], bold=True),
        link=on(at["primary"], underline=True),
        reply_banner=on(dark_text, at["primary"], bold=True),
        note_banner=on(dark_text, at["accent"], bold=True),
        sending=on(dark_text, at["success"], bold=True),
        alarm=on(dark_text, at["error"], bold=True),
    )


def contrast(one: Color, other: Color) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio" and "relative luminance")."""

    def luminance(colour: Color) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _readable(colour: Color, back: Color, fore: Color) -> Color:
    """A theme's colour, drawn nearer to its text colour when it would be hard to read on the background."""
    for _ in range(4):
        if colour in (back, fore) or contrast(colour, back) >= _CONTRAST:
            break
        colour = colour.blend(fore, 0.3)
    return colour


def _ansi_ink() -> Ink:
    """Inks of the terminal's own sixteen colours."""
    of = Style.parse
    return Ink(
        base=of("default on default"),
        dim=of("dim"),
        faint=of("dim"),
        strong=of("bold"),
        primary=of("blue"),
        accent=of("yellow"),
        second=of("magenta"),
        good=of("green"),
        warn=of("yellow"),
        bad=of("bold red"),
        cursor=of("reverse"),
        cursor_away=of("underline"),
        mark=of("bold"),
        note=of("default"),
        bar=of("reverse"),
        key=of("bold blue"),
        match=of("black on yellow"),
        link=of("underline blue"),
        reply_banner=of("bold black on blue"),
        note_banner=of("bold black on yellow"),
        sending=of("bold black on green"),
        alarm=of("bold black on red"),
    )


def ink_of(app: App[Any]) -> Ink:
    """The inks of the theme an app shows now."""
    theme = app.current_theme
    names = ("primary", "secondary", "accent", "warning", "error", "success", "foreground", "background", "panel")
    if theme.ansi:
        return _ink((), ansi=True)
    generated = app.theme_variables
    return _ink(tuple((name, generated[name]) for name in names), ansi=False)
