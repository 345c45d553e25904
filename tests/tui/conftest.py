"""The console on a copy of the demo desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from carecli.bootstrap import Workspace, open_workspace
from carecli.tui.app import Console
from carecli.tui.screens.desk import Desk

Open = Callable[..., AbstractAsyncContextManager[tuple[Desk, Pilot[int]]]]


@pytest.fixture
def workspace(demo_copy: Path) -> Iterator[Workspace]:
    found = open_workspace(str(demo_copy))
    yield found
    found.close()


@pytest.fixture
def console(workspace: Workspace) -> Open:
    """Opens the console at a size: ``async with console() as (desk, pilot)``."""

    @asynccontextmanager
    async def opened(size: tuple[int, int] = (160, 45)) -> AsyncIterator[tuple[Desk, Pilot[int]]]:
        app = Console(workspace, sync=False)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            assert app.desk is not None
            yield app.desk, pilot

    return opened


@pytest.fixture
def settled() -> Callable[[Pilot[int], Callable[[], bool]], Awaitable[None]]:
    """Waits until something is so; a test that waits too long fails by name."""

    async def wait(pilot: Pilot[int], so: Callable[[], bool]) -> None:
        for _ in range(300):
            await pilot.pause(0.01)
            if so():
                return
        raise AssertionError("it did not come to be so")

    return wait


@pytest.fixture
def shown() -> Callable[[Desk], str]:
    """The text of the screen as a terminal would show it."""

    def text(desk: Desk) -> str:
        screen = desk.app.screen
        return "\n".join("".join(s.text for s in strip) for strip in screen._compositor.render_strips())

    return text
