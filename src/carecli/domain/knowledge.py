"""Knowledge: the articles agents read and quote."""

from __future__ import annotations

from dataclasses import dataclass

from carecli.domain.conversation import Visibility


@dataclass(frozen=True, slots=True)
class Article:
    """One knowledge article; an internal one is never insertable into a public reply."""

    id: int
    source: str
    title: str
    url: str | None
    language: str | None
    visibility: Visibility
    updated_at: int
    verified: bool
    body_text: str
