"""What is made from the code is up to date."""

from __future__ import annotations

import pytest

import generated


@pytest.mark.parametrize("name", generated.FILES)
def test_generated_files_are_not_stale(name: str) -> None:
    written = (generated.ROOT / name).read_text("utf-8")
    assert written == generated.FILES[name](), f"{name} is stale: run make gen"
