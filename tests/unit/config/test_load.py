from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from carecli.config.load import load, parse_options
from carecli.config.paths import Paths, find
from carecli.config.schema import OptionSpec, SecretSpec, Setting
from carecli.config.settings import Settings
from carecli.domain.errors import ConfigError


@dataclass(frozen=True)
class Field:
    name: str
    doc: str = "A secret"
    required: bool = True


OPTIONS: Sequence[OptionSpec] = (
    Setting("address", "Address", required=True),
    Setting("imap_host", "Server"),
    Setting("imap_port", "Port", type="int", default=993),
    Setting("tls", "Encryption", type="choice", choices=("implicit", "starttls", "none"), default="implicit"),
    Setting("folders", "Folders", type="list", default=("INBOX",)),
    Setting("quote_original", "Quote", type="bool", default=True),
    Setting("ca_file", "Certificates", type="path"),
)


def options_of(_kind: str) -> Sequence[OptionSpec]:
    return OPTIONS


def secrets_of(_kind: str) -> Sequence[SecretSpec]:
    return (Field("password"), Field("pin"))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find(str(tmp_path), None, {})


def read(paths: Paths, text: str, environ: Mapping[str, str] | None = None, **flags: str) -> Settings:
    Path(paths.config_file).write_text(text, encoding="utf-8")
    named = {key.replace("__", "."): value for key, value in flags.items()}
    return load(paths, environ or {}, options_of, secrets_of, named)


def refused(paths: Paths, text: str, environ: Mapping[str, str] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(paths, text, environ)
    assert caught.value.exit_code == 10
    assert caught.value.help
    return caught.value


SUPPORT = '[accounts.support]\nconnector = "imap"\naddress = "a@example.com"\n'


def test_without_a_file_the_defaults_hold(paths: Paths) -> None:
    settings = load(paths, {})
    assert (settings.agent_name, settings.agent_email, settings.theme) == (None, None, "dark")
    assert (settings.undo_seconds, settings.sync_interval_seconds, settings.stale_after_seconds) == (10, 60, 900)
    assert not settings.mark_read_on_open
    assert not settings.file_exists
    assert settings.values["console.theme"].origin == "default"
    assert settings.accounts == {}


def test_precedence_and_origins(paths: Paths) -> None:
    text = '# who\n[agent]\nname = "File"\nemail = "f@example.com"\n\n[console]\nundo_seconds = 3\n'
    environ = {"CARECLI_AGENT_NAME": "Environment", "CARECLI_SYNC_INTERVAL_SECONDS": " 30 "}
    settings = read(paths, text, environ, console__undo_seconds="0")
    assert settings.values["agent.email"].origin == f"{paths.config_file}:4"
    assert settings.agent_name == "Environment"
    assert settings.values["agent.name"].origin == "environment CARECLI_AGENT_NAME"
    assert settings.sync_interval_seconds == 30
    assert (settings.undo_seconds, settings.values["console.undo_seconds"].origin) == (0, "flag")
    assert settings.warnings == ()


def test_an_account_section_comes_with_every_declared_option(paths: Paths) -> None:
    text = SUPPORT + 'ca_file = "ca.pem"\nundo_seconds = 0\n'
    environ = {"CARECLI_ACCOUNTS_SUPPORT_IMAP_PORT": "143", "CARECLI_ACCOUNTS_SUPPORT_FOLDERS": "INBOX, Sales"}
    account = read(paths, text, environ).accounts["support"]
    assert account.connector == "imap"
    assert account.undo_seconds == 0
    assert account.options == {
        "address": "a@example.com",
        "imap_host": None,
        "imap_port": 143,
        "tls": "implicit",
        "folders": ("INBOX", "Sales"),
        "quote_original": True,
        "ca_file": str(Path(paths.config_file).parent / "ca.pem"),
    }
    assert account.values["imap_port"].origin == "environment CARECLI_ACCOUNTS_SUPPORT_IMAP_PORT"
    assert account.values["tls"].origin == "default"
    assert ("accounts.support.address", account.values["address"]) in read(paths, text).rows()


def test_the_environment_alone_can_define_an_account(paths: Paths) -> None:
    environ = {"CARECLI_ACCOUNTS_NIGHT_DESK_CONNECTOR": "imap", "CARECLI_ACCOUNTS_NIGHT_DESK_ADDRESS": "n@example.com"}
    settings = read(paths, "", environ)
    assert settings.accounts["night-desk"].options["address"] == "n@example.com"
    assert settings.accounts["night-desk"].undo_seconds == 10
    assert settings.warnings == ()


def test_an_unknown_key_is_a_warning_with_the_nearest_key_and_the_line(paths: Paths) -> None:
    text = SUPPORT + 'imap_hots = "x"\n[consol]\n[console]\n"them" = "nord"\nzzz = 1\n'
    settings = read(paths, text, {"CARECLI_CONSOLE_THEMES": "x", "CARECLI_EDITOR": "vi"})
    found = {warning.key: (warning.line, warning.nearest) for warning in settings.warnings}
    assert found == {
        "accounts.support.imap_hots": (4, "imap_host"),
        "consol": (5, "console"),
        "console.them": (7, "theme"),
        "console.zzz": (8, None),
        "CARECLI_CONSOLE_THEMES": (None, "CARECLI_CONSOLE_THEME"),
    }
    assert "config.toml:4: unknown key 'accounts.support.imap_hots'; did you mean 'imap_host'?" in " ".join(
        warning.message for warning in settings.warnings
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("imap_port = '993'", "imap_port must be a whole number, not text"),
        ("imap_port = true", "imap_port must be a whole number, not true or false"),
        ("folders = 'INBOX'", "folders must be a list"),
        ("folders = [1]", "folders must be a list"),
        ("quote_original = 1", "quote_original must be true or false"),
        ("imap_host = 1.5", "imap_host must be text in quotes, not a number"),
        ("imap_host = 2026-01-01", "not a date or time"),
        ("tls = 1", "tls must be text"),
        ("ca_file = []", "ca_file must be a path"),
        ("password_command = 4", "password_command must be a command"),
    ],
)
def test_a_wrong_type_names_the_line_and_not_the_value(paths: Paths, line: str, words: str) -> None:
    error = refused(paths, SUPPORT + "\n\n" + line)
    assert error.code == "CONFIG_TYPE"
    assert f"{paths.config_file}:6: " in error.message
    assert words in error.message


def test_wrong_types_in_the_environment_and_of_sections(paths: Paths) -> None:
    assert "environment CARECLI_SYNC_INTERVAL_SECONDS" in (
        refused(paths, "", {"CARECLI_SYNC_INTERVAL_SECONDS": "often"}).message
    )
    assert refused(paths, "", {"CARECLI_CONSOLE_MARK_READ_ON_OPEN": "maybe"}).code == "CONFIG_TYPE"
    assert read(paths, "", {"CARECLI_CONSOLE_MARK_READ_ON_OPEN": "Yes"}).mark_read_on_open
    assert not read(paths, "", {"CARECLI_CONSOLE_MARK_READ_ON_OPEN": "off"}).mark_read_on_open
    assert read(paths, "", {"CARECLI_SYNC_INTERVAL_SECONDS": ""}).sync_interval_seconds == 60
    assert "must be a section" in refused(paths, "console = 1").message
    assert ":1:" in refused(paths, "accounts = 1").message


def test_values_out_of_bounds(paths: Paths) -> None:
    assert refused(paths, "[sync]\ninterval_seconds = 0").code == "CONFIG_VALUE"
    error = refused(paths, SUPPORT + "tls = 'ssl'")
    assert error.code == "CONFIG_VALUE"
    assert "implicit, starttls, none" in error.message


def test_broken_toml_names_line_and_column(paths: Paths) -> None:
    error = refused(paths, '[agent]\nname = "A"\nemail = nonsense\n')
    assert error.code == "CONFIG_BROKEN"
    assert f"{paths.config_file}:3:9" in error.message
    assert refused(paths, "[agent]\nname =").code == "CONFIG_BROKEN"
    Path(paths.config_file).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(paths, {})


def test_a_file_that_cannot_be_read(paths: Paths) -> None:
    Path(paths.config_file).mkdir()
    with pytest.raises(ConfigError) as caught:
        load(paths, {})
    assert caught.value.code == "CONFIG_UNREADABLE"


def test_a_byte_order_mark_is_no_harm(paths: Paths) -> None:
    assert read(paths, "\ufeff[agent]\nname = 'A'\n").agent_name == "A"


@pytest.mark.parametrize("name", ["Support", "1st", "a_b", "ü", '""', "'a b'"])
def test_account_names(paths: Paths, name: str) -> None:
    quoted = name if name.startswith(("'", '"')) or name.isascii() else f'"{name}"'
    assert refused(paths, f"[accounts.{quoted}]\nconnector = 'imap'\n").code == "BAD_ACCOUNT_NAME"


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        (SUPPORT + "password = 'hunter2'", {}),
        (SUPPORT + "pin = 'hunter2'", {}),
        (SUPPORT + "api_key = 'hunter2'", {}),
        ("[agent]\ntoken = 'hunter2'", {}),
        ("secret = 'hunter2'", {}),
        (SUPPORT, {"CARECLI_ACCOUNTS_SUPPORT_PASSWORD": "hunter2"}),
    ],
)
def test_a_secret_in_the_configuration_is_refused(paths: Paths, text: str, environ: dict[str, str]) -> None:
    error = refused(paths, text, environ)
    assert error.code == "SECRET_IN_CONFIG"
    assert "hunter2" not in error.message + error.help
    assert "CARECLI_SECRET_" in error.help


def test_missing_settings_of_an_account(paths: Paths) -> None:
    assert refused(paths, "[accounts.a]\n").code == "CONFIG_MISSING"
    error = refused(paths, "[accounts.a]\nconnector = 'imap'\n")
    assert error.code == "CONFIG_MISSING"
    assert "CARECLI_ACCOUNTS_A_ADDRESS" in error.help


def test_hot_reads_take_accounts_unchecked(paths: Paths) -> None:
    Path(paths.config_file).write_text(SUPPORT + "folders = ['x']\nwhatever = 3\n", encoding="utf-8")
    account = load(paths, {}).accounts["support"]
    assert account.options == {"address": "a@example.com", "folders": ("x",), "whatever": 3}


def test_lines_are_found_behind_values_of_many_lines(paths: Paths) -> None:
    text = (
        'title = """\n[agent]\nname = "no \\""" ]\n"""""\n'
        "other = '''\nx = 1\n'''\n"
        "[agent] # [x]\n'name' = \"a # b [\"\n"
        "[accounts.support]\nconnector = 'imap'\naddress = 'x'\n"
        "folders = [ # here\n  'a]', \"[b\",\n  '''c''',\n]\n\nimap_port = 1\n[[more]]\n"
    )
    settings = read(paths, text)
    assert settings.values["agent.name"].origin.endswith(":9")
    assert settings.accounts["support"].values["imap_port"].origin.endswith(":18")
    assert settings.accounts["support"].options["folders"] == ("a]", "[b", "c")
    inline = read(paths, "accounts = {support = {connector = 'imap', address = 'x'}}\n")
    assert inline.accounts["support"].values["address"].origin.endswith(":1")


def test_options_from_set_pairs() -> None:
    found = parse_options(
        OPTIONS, {"address": "x", "imap_port": "1", "undo_seconds": "5", "password_command": "pass x"}
    )
    assert found == {"address": "x", "imap_port": 1, "undo_seconds": 5, "password_command": "pass x"}
    for texts, code in (
        ({}, "CONFIG_MISSING"),
        ({"address": "x", "imap_hot": "y"}, "UNKNOWN_OPTION"),
        ({"address": "x", "password": "hunter2"}, "SECRET_IN_CONFIG"),
        ({"address": "x", "imap_port": "hunter2"}, "CONFIG_TYPE"),
    ):
        with pytest.raises(ConfigError) as caught:
            parse_options(OPTIONS, texts)
        assert caught.value.code == code
        assert "hunter2" not in caught.value.message
