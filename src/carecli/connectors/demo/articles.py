"""The demo's knowledge articles: Markdown in ``data/articles.md``, each below a line with its facts."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from carecli.connectors.demo.calendar import DAY
from carecli.connectors.spi.records import ArticleRecord
from carecli.domain.conversation import Visibility

_HEAD = re.compile(
    r"^=== (\S+) \| (public|internal) \| (\w+) \| (verified|unverified) \| (\d+) d \| (.+)$", re.MULTILINE
)


@cache
def _text() -> str:
    return (files("carecli.connectors.demo") / "data" / "articles.md").read_text(encoding="utf-8")


def articles(now: int, base_url: str) -> tuple[ArticleRecord, ...]:
    """All articles; they were last changed so many days before ``now`` (milliseconds)."""
    pieces = _HEAD.split(_text())
    found = []
    for at in range(1, len(pieces), 7):
        key, visibility, language, verified, days, title, body = pieces[at : at + 7]
        found.append(
            ArticleRecord(
                external_id=key,
                source="Larkfield Help Centre" if visibility == "public" else "Team handbook",
                title=title,
                body_text=body.strip(),
                visibility=Visibility(visibility),
                updated_at=now - int(days) * DAY,
                url=f"{base_url.rstrip('/')}/help/{key}",
                language=language,
                verified=verified == "verified",
            )
        )
    return tuple(found)
