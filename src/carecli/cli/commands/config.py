"""``carecli config``: show, check and edit the configuration."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from carecli.bootstrap import example_config, find_paths, load_settings
from carecli.cli import errors, flags, workspace
from carecli.cli.output import emit_one, emit_values, write
from carecli.domain.errors import ConfigError, UsageError

app = workspace.noun("Show, check and edit the configuration.")


@app.command()
def path() -> None:
    """Print where the configuration lies."""
    file = find_paths(flags.current().home, flags.current().config).config_file
    emit_one({"path": file, "exists": os.path.exists(file)}, flags.current(), file)


@app.command()
def show(origin: Annotated[bool, typer.Option("--origin", help="Where each value comes from")] = False) -> None:
    """Show the settings in force."""
    settings = load_settings(find_paths(flags.current().home, flags.current().config))
    rows: list[dict[str, object]] = []
    for name, sourced in settings.rows():
        value = list(sourced.value) if isinstance(sourced.value, tuple) else sourced.value
        row: dict[str, object] = {"name": name, "value": value}
        if origin:
            row["origin"] = sourced.origin
        rows.append(row)
    emit_values(rows, flags.current(), ("name", "value", "origin") if origin else ("name", "value"))


@app.command()
def validate() -> None:
    """Check the configuration; warnings do not fail."""
    settings = load_settings(find_paths(flags.current().home, flags.current().config))
    warnings = [{"message": w.message, "key": w.key, "line": w.line, "nearest": w.nearest} for w in settings.warnings]
    if flags.current().output == "table":
        for warning in settings.warnings:
            errors.say(f"carecli: {warning.message}")
        write("valid\n" if not warnings else f"valid, {len(warnings)} warnings\n")
    else:
        emit_values([{"valid": True, "warnings": warnings}], flags.current(), (), single=True)


@app.command()
def init() -> None:
    """Write a commented configuration file to start from."""
    from carecli.config.edit import write_private
    from carecli.config.paths import make_folders

    workspace.may_write()
    paths = find_paths(flags.current().home, flags.current().config)
    if os.path.exists(paths.config_file):
        raise UsageError(
            f"{paths.config_file} is there already; it was not touched",
            code="CONFIG_EXISTS",
            help="carecli config edit",
        )
    make_folders(paths)
    write_private(paths.config_file, example_config())
    emit_one({"path": paths.config_file, "created": True}, flags.current(), paths.config_file)


@app.command()
def edit() -> None:
    """Open the configuration in an editor and check it afterwards."""
    import click

    workspace.may_write()
    paths = find_paths(flags.current().home, flags.current().config)
    if not os.path.exists(paths.config_file):
        init()
    editor = os.environ.get("CARECLI_EDITOR") or os.environ.get("VISUAL") or os.environ.get("EDITOR")
    try:
        click.edit(filename=paths.config_file, editor=editor)
    except click.ClickException as error:
        raise ConfigError(error.format_message(), code="EDITOR_FAILED", help="Set $CARECLI_EDITOR.") from error
    validate()


@app.command()
def schema() -> None:
    """Print every setting with its type, default and meaning."""
    from carecli.bootstrap import setting_rows

    emit_values(
        setting_rows(),
        flags.current(),
        ("name", "type", "default", "doc"),
    )
