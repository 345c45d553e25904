"""Writes everything in the repository that is made from the code: ``make gen``. The tests say when it is stale."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "carecli"
START, END = "<!-- code map: made by make gen -->", "<!-- end of code map -->"


def example_config() -> str:
    """``config.example.toml``."""
    from carecli.bootstrap import example_config as text

    return text()


def keys() -> str:
    """``docs/keys.md``."""
    from carecli.tui.keymap import key_reference

    return key_reference()


def commands() -> str:
    """``docs/cli.md``: every command with its arguments and options."""
    import importlib

    import click
    import typer

    from carecli.cli.nouns import NOUNS

    lines = ["# Command line", "", "Global flags stand before or after the command; `carecli --help` lists them.", ""]
    for noun, (module, text) in sorted(NOUNS.items()):
        app = importlib.import_module(f"carecli.cli.commands.{module}").app
        command = typer.main.get_command(app)
        lines += [f"## carecli {noun}", "", f"{text}.", ""]
        if isinstance(command, click.Group):
            for verb, inner in command.commands.items():
                lines += _command(f"carecli {noun} {verb}", inner)
        else:
            lines += _command(f"carecli {noun}", command, heading=False)
    return "\n".join(lines).rstrip() + "\n"


def _command(words: str, command: object, *, heading: bool = True) -> list[str]:
    import click

    assert isinstance(command, click.Command)
    context = click.Context(command, info_name=words)
    usage = command.get_usage(context).removeprefix("Usage: ")
    lines = [f"### {words}", ""] if heading else []
    lines += [f"    {' '.join(usage.split())}", "", (command.help or "").strip(), ""]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden and parameter.name != "help":
            record = parameter.get_help_record(context)
            if record:
                lines.append(f"- `{record[0]}` {' '.join(record[1].split())}".rstrip())
    if lines[-1]:
        lines.append("")
    return lines


def errors() -> str:
    """``docs/errors.md``: every error code in the source, with the exit code of its class."""
    from carecli.connectors.spi import errors as spi
    from carecli.domain import errors as domain

    exits: dict[str, int] = {}
    classes = {**vars(domain), **vars(spi)}
    for value in classes.values():
        if isinstance(value, type) and issubclass(value, domain.CareError):
            exits[value.__name__] = value.exit_code
    found: dict[str, set[int]] = {}
    for value in classes.values():
        if isinstance(value, type) and issubclass(value, domain.CareError):
            found.setdefault(value.code, set()).add(value.exit_code)
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in exits:
                for keyword in node.keywords:
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                        found.setdefault(str(keyword.value.value), set()).add(exits[node.func.id])
    rows = [f"| `{code}` | {', '.join(map(str, sorted(codes)))} |" for code, codes in sorted(found.items())]
    head = ["# Error codes", "", "Codes are stable. With JSON output an error is one line on standard error:", ""]
    head += ['    {"error":{"code":"…","message":"…","help":"…","exit_code":3,"retry_after":null}}', ""]
    head += ["| code | exit code |", "| --- | --- |"]
    return "\n".join(head + rows) + "\n"


def code_map() -> str:
    """The part of ``ARCHITECTURE.md`` that lists the modules with the line that says what each is for."""
    lines = [START, ""]
    for folder in sorted({path.parent for path in SOURCE.rglob("*.py")}):
        files = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
        where = folder.relative_to(SOURCE.parent).as_posix()
        if not files or "versions" in where:
            continue
        lines += [f"**`{where}/`**", ""]
        for path in files:
            docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
            first = " ".join(docstring.split("\n\n")[0].split())
            lines.append(f"- `{path.name}` {first}")
        lines.append("")
    return "\n".join([*lines, END])


def architecture() -> str:
    """``ARCHITECTURE.md`` with its code map brought up to date."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return before + code_map() + after


def conformance() -> str:
    """``docs/conformance.md`` with its list of checks brought up to date."""
    from carecli.testing.contract import checks

    start, end = "<!-- checks: made by make gen -->", "<!-- end of checks -->"
    text = (ROOT / "docs" / "conformance.md").read_text("utf-8")
    lines = [start, ""]
    for title, group in checks():
        lines += [f"**{title}**", ""]
        lines += [f"- {line.replace('``', '`')} `{name}`" for name, line in group]
        lines.append("")
    return text.partition(start)[0] + "\n".join([*lines, end]) + text.partition(end)[2]


FILES = {
    "config.example.toml": example_config,
    "docs/keys.md": keys,
    "docs/cli.md": commands,
    "docs/errors.md": errors,
    "docs/conformance.md": conformance,
    "ARCHITECTURE.md": architecture,
}


def main() -> int:
    """Writes all files; pictures of the console too, with ``--pictures``."""
    for name, make in FILES.items():
        path = ROOT / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(make(), "utf-8")
    if "--pictures" in sys.argv:
        from pictures import draw

        draw(ROOT / "docs" / "pictures")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
