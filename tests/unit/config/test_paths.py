import os
import stat
import subprocess
import sys
from pathlib import Path

from carecli.config.paths import find, make_folders


def test_a_home_holds_everything(tmp_path: Path) -> None:
    paths = find(str(tmp_path / "h"), None, {"CARECLI_HOME": "/elsewhere", "XDG_CONFIG_HOME": "/x"})
    root = str(tmp_path / "h")
    assert paths.home == root
    assert paths.config_file == f"{root}/config.toml"
    assert paths.store_file == f"{root}/carecli.db"
    assert (paths.log_dir, paths.attachments_dir) == (f"{root}/log", f"{root}/attachments")
    assert (paths.macros_dir, paths.views_dir) == (f"{root}/macros", f"{root}/views")
    assert paths.secrets_file == f"{root}/secrets.toml"
    assert paths.keymap_file == f"{root}/keymap.toml"


def test_home_comes_from_the_environment_and_the_configuration_file_can_lie_elsewhere() -> None:
    paths = find(None, None, {"CARECLI_HOME": "/srv/desk", "CARECLI_CONFIG": "/etc/carecli.toml"})
    assert (paths.home, paths.config_file) == ("/srv/desk", "/etc/carecli.toml")
    assert find(None, "/one.toml", {"CARECLI_CONFIG": "/two.toml", "HOME": "/u"}).config_file == "/one.toml"
    assert find("~/desk", None, {"HOME": "/u"}).home == "/u/desk"


def test_without_a_home_the_xdg_folders_hold() -> None:
    paths = find(None, None, {"HOME": "/u", "XDG_DATA_HOME": "/data", "XDG_CACHE_HOME": "relative is ignored"})
    assert paths.home is None
    assert paths.config_file == "/u/.config/carecli/config.toml"
    assert paths.store_file == "/data/carecli/carecli.db"
    assert paths.state_dir == "/u/.local/state/carecli"
    assert paths.log_dir == "/u/.local/state/carecli/log"
    assert paths.cache_dir == "/u/.cache/carecli"


def test_new_folders_are_for_the_owner_alone_and_existing_ones_keep_their_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    paths = find(str(tmp_path / "a" / "home"), None, {})
    make_folders(paths)
    make_folders(paths)
    for folder in (*paths.folders(), str(tmp_path / "a")):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700, folder
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_paths_import_nothing_but_os() -> None:
    code = (
        "import os, sys; before = set(sys.modules); import carecli.config.paths;"
        "print(*sorted(set(sys.modules) - before))"
    )
    source = str(Path(find.__code__.co_filename).parents[2])
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": source, "PATH": os.defpath},
    )
    assert set(done.stdout.split()) <= {"carecli", "carecli.config", "carecli.config.paths", "__future__"}
