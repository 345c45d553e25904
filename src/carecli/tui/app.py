"""The console as a Textual app: themes, first screen, the desk, and what workers report to it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import App
from textual.screen import Screen

from carecli.bootstrap import Workspace
from carecli.tui.keymap import Keymap, build, load
from carecli.tui.messages import DraftKept, FileFetched, OthersWrote, SyncReported, WorkFailed
from carecli.tui.panes.conversation import ConversationPane
from carecli.tui.panes.customer import CustomerPane
from carecli.tui.pulse import Pulse
from carecli.tui.screens.desk import Desk, wall_clock
from carecli.tui.theme import NAMES, THEMES
from carecli.tui.widgets.hint_line import HintLine
from carecli.tui.widgets.view_bar import ViewBar

if TYPE_CHECKING:
    from carecli.tui.panes.composer import Composer


class Console(App[int]):
    """Everything a person does goes through the desk; the app only owns what outlives a screen."""

    TITLE = "carecli"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = []
    ESCAPE_TO_MINIMIZE = False

    def __init__(
        self,
        workspace: Workspace,
        *,
        keymap: Keymap | None = None,
        now: Callable[[], int] = wall_clock,
        sync: bool = True,
    ) -> None:
        styles = ("console.tcss",) if workspace.settings.accounts else ("console.tcss", "welcome.tcss")
        super().__init__(css_path=[Path(__file__).with_name("styles") / name for name in styles])
        self.workspace = workspace
        self.keymap = keymap or build()
        self.now = now
        self.desk: Desk | None = None
        self.pulse: Pulse | None = None
        self.wish = ""
        self._sync = sync
        self.animation_level = "none"
        for theme in THEMES:
            self.register_theme(theme)
        wanted = NAMES.get(workspace.settings.theme, workspace.settings.theme)
        self.theme = wanted if wanted in self.available_themes else "care-dark"

    def get_default_screen(self) -> Screen[Any]:
        """The desk, or the welcome when nothing is connected."""
        if not self.workspace.accounts.health():
            from carecli.tui.screens.welcome import Welcome

            return Welcome(self.keymap)
        self.desk = Desk(self.workspace, self.keymap, self.now)
        self.pulse = Pulse(self, self.desk)
        return self.desk

    def on_mount(self) -> None:
        """Leave everything that can wait until the first frame is on the screen."""
        if self.desk is not None:
            self.set_timer(0.2, self._settle)

    def _settle(self) -> None:
        """Work that waits until the first frame is on the screen."""
        if self.pulse is not None:
            self.pulse.start(sync=self._sync)
        # So that the first reply opens at once.
        for name in ("carecli.tui.commands.table", "carecli.tui.panes.composer"):
            import_module(name)
        self._read_composer_styles()
        if self.desk is not None and any(one.queued for one in self.desk.status.standing.health):
            from carecli.tui.commands.sending import show_held

            show_held(self.desk)
        # The command line switches the collector off while it starts; what lives now lives to the end.
        gc.freeze()
        gc.enable()

    def _read_composer_styles(self) -> None:
        self.stylesheet.read(Path(__file__).with_name("styles") / "composer.tcss")
        self.stylesheet.parse()

    def welcome_chosen(self, door: str) -> None:
        """A door of the welcome screen was chosen."""
        if door == "quit":
            self.exit(0)
        elif door == "lesson":
            from carecli.tui.screens.reader import Reader
            from carecli.tui.screens.texts import lesson_text

            self.push_screen(Reader("Tutorial", lesson_text(self.keymap), self.keymap))
        elif door == "demo":
            self.wish = "demo"
            self.exit(0)
        else:
            self.exit(0, message="Run: carecli account add")

    @on(SyncReported)
    def _sync_reported(self, event: SyncReported) -> None:
        if self.pulse is not None:
            self.pulse.reported(event.line)

    @on(OthersWrote)
    def _others_wrote(self) -> None:
        if self.desk is not None and self.pulse is not None:
            self.desk.attempt(self.pulse.others_wrote)

    @on(DraftKept)
    def _draft_kept(self, event: DraftKept) -> None:
        from carecli.tui.commands.keeping import told

        if self.desk is not None:
            told(self.desk, event)

    @on(FileFetched)
    def _file_fetched(self, event: FileFetched) -> None:
        if self.desk is not None:
            self.desk.say(f"Saved as {event.path}", "good")
        self.open_url(Path(event.path).absolute().as_uri())

    @on(WorkFailed)
    def _work_failed(self, event: WorkFailed) -> None:
        if self.desk is not None:
            self.desk.say(event.text, "bad")

    @on(HintLine.Chosen)
    def _hint_chosen(self, event: HintLine.Chosen) -> None:
        if self.desk is not None:
            self.desk.run_action_id(event.action_id)

    @on(ViewBar.Chosen)
    def _view_chosen(self, event: ViewBar.Chosen) -> None:
        if self.desk is not None:
            self.desk.show_view(event.name)

    @on(CustomerPane.Picked)
    def _ticket_picked(self, event: CustomerPane.Picked) -> None:
        if self.desk is not None:
            self.desk.go_to_ticket(event.ticket_id)

    @on(ConversationPane.Picked)
    def _file_picked(self, event: ConversationPane.Picked) -> None:
        from carecli.tui.commands.looking import fetch

        if self.desk is not None:
            fetch(self.desk, event.attachment)

    def on_composer_asked(self, event: Composer.Asked) -> None:
        """A marker was typed in the composer."""
        from carecli.tui.commands.looking import articles, mention

        if self.desk is not None:
            (articles if event.marker == "??" else mention)(self.desk)

    async def action_quit(self) -> None:
        """Textual's own key for leaving: the same as ours, so that nothing is left unsaid."""
        if self.desk is not None:
            self.desk.run_action_id("app.quit")
        else:
            self.exit(0)

    def on_unmount(self) -> None:
        """Nothing runs on after the screen is gone, and nothing that was typed is lost."""
        if self.desk is not None and self.desk.keeper is not None:
            self.desk.keeper.close()
        if self.pulse is not None and self._sync:
            self.workspace.background.stop()


def run(workspace: Workspace) -> tuple[int, str]:
    """Run the console until the person quits; gives back the exit code, and what they want next (``demo`` or nothing)."""
    app = Console(workspace, keymap=load(workspace.paths.keymap_file))
    code = app.run()
    return code if isinstance(code, int) else app.return_code or 0, app.wish
