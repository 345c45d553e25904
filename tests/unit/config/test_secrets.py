import shlex
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from carecli.config import secrets
from carecli.config.paths import Paths, find
from carecli.config.secrets import Keyring, SecretReader
from carecli.domain.errors import AuthError, ConfigError


@dataclass(frozen=True)
class Field:
    name: str
    doc: str = "A secret"
    required: bool = True


class Memory:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Locked(Memory):
    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(5)
        return super().get_password(service, username)


class Broken(Memory):
    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"no session bus for {service} {username}")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find(str(tmp_path), None, {})


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Memory:
    memory = Memory()
    monkeypatch.setattr(secrets, "system_keyring", lambda: memory)
    return memory


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "system_keyring", lambda: None)


def reader(
    paths: Paths, section: dict[str, object] | None = None, environ: dict[str, str] | None = None, seconds: float = 3.0
) -> SecretReader:
    fields = (Field("password"), Field("token"))
    return SecretReader(
        "night-desk", fields, section or {}, paths, environ or {}, keyring_seconds=seconds, command_seconds=seconds
    )


def program(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


def write_file(paths: Paths, text: str, mode: int = 0o600) -> None:
    file = Path(paths.secrets_file)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)


def test_the_first_source_that_has_it_wins(paths: Paths, keyring: Memory) -> None:
    write_file(paths, '[night-desk]\npassword = "from-file"\n')
    assert (reader(paths).source("password"), reader(paths).get("password")) == ("file", "from-file")
    reader(paths, environ={}).get("password")
    keyring.set_password(f"carecli@{paths.home}/night-desk", "password", "from-keyring")
    assert (reader(paths).source("password"), reader(paths).get("password")) == ("keyring", "from-keyring")
    section: dict[str, object] = {"password_command": program("print(' from-command ');print('user: x')")}
    assert (reader(paths, section).source("password"), reader(paths, section).get("password")) == (
        "command",
        "from-command",
    )
    environ = {"CARECLI_SECRET_NIGHT_DESK_PASSWORD": "from-environment"}
    assert reader(paths, section, environ).get("password") == "from-environment"
    assert reader(paths, section, environ).source("token") is None


@pytest.mark.usefixtures("no_keyring")
def test_a_missing_secret_says_how_to_sign_in(paths: Paths) -> None:
    with pytest.raises(AuthError) as caught:
        reader(paths).get("password")
    assert caught.value.code == "AUTH_REQUIRED"
    assert caught.value.help == "Run: carecli account login night-desk"


@pytest.mark.parametrize("keyring_class", [Locked, Broken])
def test_a_keyring_that_stalls_or_fails_counts_as_absent(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, keyring_class: type[Memory]
) -> None:
    monkeypatch.setattr(secrets, "system_keyring", keyring_class)
    stalled = reader(paths, seconds=0.05)
    assert stalled.probe() == "file"
    stalled.put("password", "hunter2", allow_file=True)
    assert stalled.get("password") == "hunter2"


def test_secrets_are_kept_and_forgotten_in_the_keyring(paths: Paths, keyring: Memory) -> None:
    kept = reader(paths)
    assert kept.probe() == "keyring"
    kept.put("password", "hunter2")
    assert list(keyring.kept.values()) == ["hunter2"]
    assert not Path(paths.secrets_file).exists()
    kept.forget()
    assert keyring.kept == {}
    assert kept.source("password") is None


@pytest.mark.usefixtures("no_keyring")
def test_the_private_file_needs_consent_once(paths: Paths) -> None:
    kept = reader(paths)
    with pytest.raises(ConfigError) as caught:
        kept.put("password", "hunter2")
    assert caught.value.code == "NO_SECRET_STORE"
    assert "hunter2" not in caught.value.message + caught.value.help
    kept.put("password", 'hunter2 "quoted" ü\n', allow_file=True)
    file = Path(paths.secrets_file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept.put("password", "rotated")
    assert kept.get("password") == "rotated"
    other = SecretReader("other", (Field("token"),), {}, paths, {})
    other.put("token", "x", allow_file=True)
    kept.forget()
    assert kept.source("password") is None
    assert other.get("token") == "x"
    other.forget()
    other.forget()


def test_a_rotated_secret_goes_back_where_it_came_from(paths: Paths, keyring: Memory) -> None:
    write_file(paths, '[night-desk]\ntoken = "old"\n')
    reader(paths).put("token", "new")
    assert reader(paths).get("token") == "new"
    assert keyring.kept == {}
    for kept in (
        reader(paths, {"token_command": "pass x"}),
        reader(paths, environ={"CARECLI_SECRET_NIGHT_DESK_TOKEN": "a"}),
    ):
        with pytest.raises(ConfigError) as caught:
            kept.put("token", "hunter2")
        assert caught.value.code == "SECRET_FIXED"
        assert "hunter2" not in caught.value.message + caught.value.help


@pytest.mark.usefixtures("no_keyring")
def test_a_file_that_others_can_read_is_refused(paths: Paths) -> None:
    write_file(paths, '[night-desk]\npassword = "hunter2"\n', 0o640)
    with pytest.raises(ConfigError) as caught:
        reader(paths).get("password")
    assert caught.value.code == "SECRETS_EXPOSED"
    assert "chmod 600" in caught.value.help


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("password = hunter2", "SECRETS_BROKEN"),
        ("[night-desk]\npassword = 'a'\npassword = 'hunter2'", "SECRETS_BROKEN"),
    ],
)
def test_a_broken_file_is_refused_without_its_content(paths: Paths, text: str, code: str) -> None:
    write_file(paths, text)
    with pytest.raises(ConfigError) as caught:
        reader(paths).get("password")
    assert caught.value.code == code
    assert "hunter2" not in f"{caught.value.message} {caught.value.help} {caught.value.__cause__}"


@pytest.mark.usefixtures("no_keyring")
def test_a_secrets_file_that_is_a_folder(paths: Paths) -> None:
    Path(paths.secrets_file).mkdir()
    with pytest.raises(ConfigError) as caught:
        reader(paths).get("password")
    assert caught.value.code in {"SECRETS_UNREADABLE", "SECRETS_EXPOSED"}


@pytest.mark.parametrize(
    "command",
    [
        program("import sys; print('hunter2'); sys.exit(3)"),
        program("print()"),
        program("import time; time.sleep(5)"),
        "/no/such/program",
        "'unbalanced",
        "   ",
        7,
    ],
)
def test_a_failing_command_is_named_without_its_output(paths: Paths, command: object) -> None:
    with pytest.raises(ConfigError) as caught:
        reader(paths, {"password_command": command}, seconds=0.5).get("password")
    assert caught.value.code == "SECRET_COMMAND"
    assert "hunter2" not in caught.value.message + caught.value.help


def test_a_command_passes_no_shell(paths: Paths, tmp_path: Path) -> None:
    section: dict[str, object] = {
        "password_command": [sys.executable, "-c", "import sys; print(sys.argv[1])", "$HOME; x"]
    }
    assert reader(paths, section).get("password") == "$HOME; x"
    assert not (tmp_path / "x").exists()


def test_values_are_never_shown(paths: Paths, keyring: Memory) -> None:
    kept = reader(paths)
    kept.put("password", "hunter2")
    kept.get("password")
    assert "hunter2" not in repr(kept) + repr(vars(kept)) + str(kept)
    assert isinstance(keyring, Memory)


def test_homes_do_not_share_a_keyring_entry(keyring: Memory, tmp_path: Path) -> None:
    reader(find(str(tmp_path / "a"), None, {})).put("password", "one")
    assert reader(find(str(tmp_path / "b"), None, {})).source("password") is None
    assert len(keyring.kept) == 1


def test_no_backend_means_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring as library
    from keyring.backends import fail, null

    for kind in (fail.Keyring, null.Keyring):
        backend: object = cast("type[object]", kind)()
        monkeypatch.setattr(library, "get_keyring", lambda backend=backend: backend)
        assert secrets.system_keyring() is None
    memory: Keyring = Memory()
    monkeypatch.setattr(library, "get_keyring", lambda: memory)
    assert secrets.system_keyring() is memory
