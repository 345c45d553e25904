"""``carecli account``: connect, test and remove accounts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from carecli.bootstrap import Workspace
from carecli.cli import complete, errors, flags, workspace
from carecli.cli.output import emit_values, instant
from carecli.domain.errors import ConfigError, UsageError

app = workspace.noun("Connect, test and remove accounts.")
Name = Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete.accounts)]
COLUMNS = ("name", "connector", "state", "last_sync_at", "base_url")


def _rows(ws: Workspace) -> dict[str, dict[str, object]]:
    rows: dict[str, dict[str, object]] = {}
    for health in ws.accounts.health():
        options = ws.settings.accounts[health.name].options
        body: dict[str, object] = {
            "name": health.name,
            "connector": health.connector,
            "base_url": options.get("base_url") or options.get("imap_host"),
            "state": health.state,
            "last_sync_at": instant(health.last_sync_at),
            "capabilities": list(ws.context.capabilities(health.name).names()),
            "error": health.error,
            "queued": health.queued,
            "needs_person": health.needs_person,
        }
        rows[health.name] = body
    return rows


@app.command("list")
def list_() -> None:
    """List the configured accounts and how they are doing."""
    with workspace.opened() as ws:
        emit_values(list(_rows(ws).values()), flags.current(), COLUMNS)


@app.command()
def show(name: Name) -> None:
    """Show an account."""
    with workspace.opened() as ws:
        ws.accounts.require(name)
        emit_values(
            [_rows(ws)[name]],
            flags.current(),
            (*COLUMNS, "error", "queued", "needs_person", "capabilities"),
            single=True,
        )


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower case letters, digits and -")],
    connector: Annotated[str, typer.Option("--connector", autocompletion=complete.kinds)],
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An option (repeatable)")] = None,
) -> None:
    """Connect an account; options come from 'carecli connector show KIND'."""
    with workspace.opened(writing=True, plans=True) as ws:
        given = {}
        for pair in set_ or ():
            key, equals, value = pair.partition("=")
            if not equals:
                raise UsageError(f"'{pair}' is not KEY=VALUE", help="For example --set imap_host=mail.example.com")
            given[key] = value
        if flags.current().dry_run:
            ws.accounts.check(name, connector, given)
            emit_values(
                [{"name": name, "connector": connector, "state": "planned"}],
                flags.current(),
                COLUMNS,
                single=True,
            )
            return
        ws.accounts.add(name, connector, given)
    with workspace.opened() as ws:
        emit_values([_rows(ws)[name]], flags.current(), COLUMNS, single=True)
        missing = ws.accounts.missing_secret(name)
        if missing:
            errors.say(f"carecli: next: carecli account login {name}")
        else:
            errors.say(f"carecli: next: carecli account test {name}; carecli sync {name}")


@app.command()
def test(name: Name) -> None:
    """Sign in to an account and look around."""
    with workspace.opened() as ws:
        ws.accounts.require(name)
        identity, notes = ws.syncing.test(name)
        body = {"name": name, "state": "ok", "identity": identity, "notes": list(notes)}
        emit_values([body], flags.current(), ("name", "state", "identity", "notes"), single=True)


@app.command()
def login(
    name: Name,
    field: Annotated[str | None, typer.Option("--field", help="Which secret; default: the first")] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the secret from standard input")] = False,
) -> None:
    """Keep the password or token of an account in the system keyring (or a private file)."""
    taken = flags.current()
    with workspace.opened(writing=True) as ws:
        ws.accounts.require(name)
        wanted = field or ws.accounts.secret_name(name)
        store = ws.accounts.probe(name)
        if store == "file":
            errors.say(
                f"carecli: no system keyring answers; the secret goes to {ws.paths.secrets_file} (readable by you alone)"
            )
            asked = sys.stdin.isatty() and not taken.no_input and not stdin
            if not taken.yes and not (asked and typer.confirm("Keep it there?", default=False, err=True)):
                raise ConfigError(
                    "the secret was not kept",
                    code="NO_CONSENT",
                    help=f"Repeat with --yes, or set {ws.accounts.variable(name, field)} in the environment.",
                )
        if stdin:
            value = sys.stdin.readline().rstrip("\n")
        elif sys.stdin.isatty() and not taken.no_input:
            value = typer.prompt(f"{wanted} of {name}", hide_input=True, err=True)
        else:
            raise UsageError(
                "there is no terminal to ask on",
                code="NO_TERMINAL",
                help=f"Pipe it in with --stdin, or set {ws.accounts.variable(name, field)} in the environment.",
            )
        if not value:
            raise UsageError("the secret is empty; nothing was kept", code="EMPTY_SECRET")
        ws.accounts.keep_secret(name, wanted, value, allow_file=store == "file")
        body = {"name": name, "field": wanted, "kept_in": store}
        emit_values([body], taken, ("name", "field", "kept_in"), single=True)


@app.command()
def logout(name: Name) -> None:
    """Forget the kept secrets of an account."""
    with workspace.opened(writing=True) as ws:
        ws.accounts.require(name)
        ws.accounts.forget_secrets(name)
        emit_values([{"name": name, "state": "signed_out"}], flags.current(), ("name", "state"), single=True)


@app.command()
def remove(name: Name) -> None:
    """Remove an account from the configuration and its tickets from the lists."""
    taken = flags.current()
    with workspace.opened(writing=True, plans=True) as ws:
        ws.accounts.require(name)
        waiting = ws.accounts.unfinished(name)
        if waiting and not taken.yes:
            words = f"{waiting} operations of {name} have not reached the vendor"
            if taken.no_input or not sys.stdin.isatty():
                raise UsageError(words, code="UNFINISHED", help="Sync first, or repeat with --yes.")
            typer.confirm(f"{words}. Remove it all the same?", abort=True, err=True)
        if not taken.dry_run:
            ws.accounts.remove(name)
        emit_values([{"name": name, "state": "removed"}], taken, ("name", "state"), single=True)
