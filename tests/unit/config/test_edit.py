import stat
from pathlib import Path

import pytest

from carecli.config import edit
from carecli.config.load import load
from carecli.config.paths import Paths, find
from carecli.domain.errors import CareError, ConfigError, NotFoundError, UsageError

TEXT = """\
# My desk
[agent]
name = "Jo"   # as on the badge

[accounts.support]   # the big one
connector = "imap"
# keep this
address = "a@example.com"

[console]
theme = "nord"
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find(str(tmp_path / "home"), None, {})


@pytest.fixture
def written(paths: Paths) -> Path:
    file = Path(paths.config_file)
    file.parent.mkdir()
    file.write_text(TEXT, encoding="utf-8")
    return file


def test_an_account_is_added_and_removed_and_comments_stay(paths: Paths, written: Path) -> None:
    edit.add_account(paths, "sales", "imap", {"address": "s@example.com", "folders": ("A", "B"), "since": None})
    text = written.read_text(encoding="utf-8")
    assert all(line in text for line in TEXT.splitlines())
    account = load(paths, {}).accounts["sales"]
    assert account.options == {"address": "s@example.com", "folders": ("A", "B")}
    edit.remove_account(paths, "sales")
    assert written.read_text(encoding="utf-8").strip() == TEXT.strip()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_the_first_account_makes_the_file(paths: Paths) -> None:
    edit.add_account(paths, "demo", "demo", {"seed": 7, "live": True})
    file = Path(paths.config_file)
    assert file.read_text(encoding="utf-8").strip() == '[accounts.demo]\nconnector = "demo"\nseed = 7\nlive = true'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    edit.remove_account(paths, "demo")
    assert load(paths, {}).accounts == {}


def test_values_are_set_and_taken_out(paths: Paths, written: Path) -> None:
    edit.set_value(paths, "console.theme", "ansi")
    edit.set_value(paths, "console.undo_seconds", "5")
    edit.set_value(paths, "sync.interval_seconds", "90")
    edit.set_account_value(paths, "support", "imap_port", 143)
    settings = load(paths, {})
    assert (settings.theme, settings.undo_seconds, settings.sync_interval_seconds) == ("ansi", 5, 90)
    assert settings.accounts["support"].options["imap_port"] == 143
    assert "# keep this" in written.read_text(encoding="utf-8")
    edit.set_value(paths, "sync.interval_seconds", None)
    edit.set_value(paths, "agent.email", None)
    edit.set_account_value(paths, "support", "imap_port", None)
    assert load(paths, {}).sync_interval_seconds == 60
    assert "imap_port" not in load(paths, {}).accounts["support"].options


def test_what_is_refused_changes_nothing(paths: Paths, written: Path) -> None:
    refusals: list[tuple[type[CareError], str, object]] = [
        (UsageError, "ACCOUNT_EXISTS", lambda: edit.add_account(paths, "support", "imap", {})),
        (ConfigError, "BAD_ACCOUNT_NAME", lambda: edit.add_account(paths, "No", "imap", {})),
        (ConfigError, "SECRET_IN_CONFIG", lambda: edit.add_account(paths, "no", "imap", {"password": "hunter2"})),
        (ConfigError, "SECRET_IN_CONFIG", lambda: edit.set_account_value(paths, "support", "token", "hunter2")),
        (NotFoundError, "UNKNOWN_ACCOUNT", lambda: edit.remove_account(paths, "sales")),
        (NotFoundError, "UNKNOWN_ACCOUNT", lambda: edit.set_account_value(paths, "sales", "a", 1)),
        (UsageError, "UNKNOWN_SETTING", lambda: edit.set_value(paths, "console.colour", "x")),
        (ConfigError, "CONFIG_TYPE", lambda: edit.set_value(paths, "console.undo_seconds", "x")),
    ]
    for kind, code, call in refusals:
        assert callable(call)
        with pytest.raises(kind) as caught:
            call()
        assert caught.value.code == code
        assert "hunter2" not in caught.value.message
    assert written.read_text(encoding="utf-8") == TEXT


def test_a_broken_file_is_refused_untouched(paths: Paths, written: Path) -> None:
    written.write_text("[agent\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        edit.add_account(paths, "sales", "imap", {})
    assert caught.value.code == "CONFIG_BROKEN"
    assert written.read_text(encoding="utf-8") == "[agent\n"


def test_a_section_that_is_none_is_refused(paths: Paths, written: Path) -> None:
    written.write_text("console = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        edit.set_value(paths, "console.theme", "x")
    assert caught.value.code == "CONFIG_TYPE"


def test_a_failed_write_leaves_the_old_file_and_no_litter(
    paths: Paths, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigError) as caught:
        edit.set_value(paths, "console.theme", "x")
    assert caught.value.code == "CONFIG_UNWRITABLE"
    assert written.read_text(encoding="utf-8") == TEXT
    assert [found.name for found in written.parent.iterdir() if found.is_file()] == ["config.toml"]


def test_a_symbolic_link_stays(paths: Paths, written: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    written.rename(real)
    written.symlink_to(real)
    edit.set_value(paths, "console.theme", "ansi")
    assert written.is_symlink()
    assert 'theme = "ansi"' in real.read_text(encoding="utf-8")
