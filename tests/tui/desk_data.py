"""Workspaces for tests and measurements."""

from __future__ import annotations

from typing import Any


def bench_workspace(home: str) -> Any:
    if home:
        from carecli.bootstrap import open_workspace

        return open_workspace(home)
    from fake import fake

    return fake(1000)
