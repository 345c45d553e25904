from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from carecli.config.example import example, uncommented
from carecli.config.load import load
from carecli.config.paths import find
from carecli.config.schema import SETTINGS, OptionSpec, SecretSpec, looks_secret
from carecli.connectors import registry


@dataclass(frozen=True)
class Spec:
    kind: str
    title: str
    options: Sequence[OptionSpec]
    secrets: Sequence[SecretSpec]


def specs() -> list[Spec]:
    return [Spec(card.kind, card.title, card.options, card.secrets) for card in map(registry.load, ("demo", "imap"))]


def test_as_it_stands_it_sets_nothing(tmp_path: Path) -> None:
    paths = find(str(tmp_path), None, {})
    Path(paths.config_file).write_text(example(specs()), encoding="utf-8")
    settings = load(paths, {}, lambda kind: registry.load(kind).options)
    assert settings.accounts == {}
    assert {value.origin for value in settings.values.values()} == {"default"}


def test_uncommented_it_loads_without_a_warning_and_names_everything(tmp_path: Path) -> None:
    paths = find(str(tmp_path), None, {})
    text = uncommented(example(specs()))
    Path(paths.config_file).write_text(text, encoding="utf-8")
    settings = load(paths, {}, lambda kind: registry.load(kind).options, lambda kind: registry.load(kind).secrets)
    assert settings.warnings == ()
    for spec in SETTINGS:
        assert settings.values[spec.name].origin.startswith(paths.config_file)
    for card in specs():
        account = settings.accounts[f"my-{card.kind}"]
        assert all(value.origin.startswith(paths.config_file) for value in account.values.values())


def test_every_setting_says_what_it_is() -> None:
    for spec in SETTINGS:
        assert spec.doc
        assert not spec.doc.endswith(".")
        assert not looks_secret(spec.name)
