"""The command tree: loads only the module of the noun that was asked for."""

from __future__ import annotations

import importlib
import inspect

import click
import typer
import typer.core
import typer.models

from carecli.cli import errors, flags
from carecli.cli.help import overview
from carecli.cli.nouns import NOUNS
from carecli.domain.errors import CareError, UsageError


class _Noun(typer.core.TyperGroup):
    """The commands of a noun. Typer would read the parameters of all of them; here only the one that is called pays."""

    def __init__(self, app: typer.Typer) -> None:
        self._declared = {command_name(info): info for info in app.registered_commands}
        listed = {
            name: click.Command(name, help=info.help or inspect.getdoc(info.callback))
            for name, info in self._declared.items()
        }
        super().__init__(
            commands=listed,
            help=app.info.help,
            no_args_is_help=True,
            context_settings=app.info.context_settings,
            rich_markup_mode=None,
        )

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        info = self._declared.get(cmd_name)
        if info is None:
            return None
        return typer.main.get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        limit = formatter.width - 6 - max(map(len, self.commands))  # as click does
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(limit)) for name, each in self.commands.items()])


def command_name(info: typer.models.CommandInfo) -> str:
    """The word of a declared command."""
    assert info.callback is not None  # noqa: S101  (narrows the type)
    return info.name or typer.main.get_command_name(info.callback.__name__)


class _Root(click.Group):
    """All nouns, each imported when it is needed."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(NOUNS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = NOUNS.get(cmd_name)
        if found is None:
            return None
        app = importlib.import_module(f"carecli.cli.commands.{found[0]}").app
        # A noun says what it is for; a command without a verb (sync, doctor …) leaves that to its only function.
        command = _Noun(app) if isinstance(app.info.help, str) else typer.main.get_command(app)
        command.name = cmd_name
        command.context_settings = {**command.context_settings, "help_option_names": ["-h", "--help"]}
        return command

    def get_help(self, _ctx: click.Context) -> str:
        return overview()


def run(arguments: list[str]) -> int:
    """Runs one command of the tree, or the console without one; returns its exit code."""
    taken = flags.asked_for_json(arguments)
    try:
        taken, rest = flags.take(arguments)
        flags.use(taken)
        if not rest and not _completing():
            from carecli.cli.console import open_console

            return open_console(taken)
        return _Root("carecli").main(rest, prog_name="carecli", standalone_mode=False) or 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        words = error.format_message()
        hint = f"See 'carecli {' '.join(rest[:2] if rest else [])} --help'." if not _completing() else ""
        return errors.report(UsageError(words, help=hint), taken)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except CareError as error:
        return errors.report(error, taken)
    except Exception as error:
        return errors.unexpected(error, taken)


def _completing() -> bool:
    import os

    return "_CARECLI_COMPLETE" in os.environ
