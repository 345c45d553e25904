"""Where the configuration, the store and everything else of carecli lies on this machine."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Paths:
    """Absolute paths; ``home`` is the one folder that holds them all (``None``: XDG folders)."""

    __slots__ = (
        "attachments_dir",
        "cache_dir",
        "config_file",
        "home",
        "keymap_file",
        "log_dir",
        "macros_dir",
        "secrets_file",
        "state_dir",
        "store_file",
        "views_dir",
    )

    def __init__(
        self, *, settings: str, data: str, state: str, cache: str, config: str | None, home: str | None
    ) -> None:
        self.config_file = config or os.path.join(settings, "config.toml")
        self.keymap_file = os.path.join(settings, "keymap.toml")
        self.macros_dir = os.path.join(settings, "macros")
        self.views_dir = os.path.join(settings, "views")
        self.secrets_file = os.path.join(settings, "secrets.toml")
        self.store_file = os.path.join(data, "carecli.db")
        self.attachments_dir = os.path.join(data, "attachments")
        self.state_dir = state
        self.log_dir = os.path.join(state, "log")
        self.cache_dir = cache
        self.home = home

    def folders(self) -> tuple[str, ...]:
        """Every folder that has to exist, parents first."""
        found = (
            os.path.dirname(self.config_file),
            os.path.dirname(self.secrets_file),
            os.path.dirname(self.store_file),
            self.state_dir,
            self.cache_dir,
            self.log_dir,
            self.attachments_dir,
            self.macros_dir,
            self.views_dir,
        )
        return tuple(dict.fromkeys(found))


def find(home: str | None, config: str | None, environ: Mapping[str, str]) -> Paths:
    """The paths that hold for these flags (``--home``, ``--config``) and this environment; touches no disk.

    ``--home`` or ``CARECLI_HOME`` put everything below one folder; otherwise the XDG Base Directory
    Specification holds.
    ``--config`` or ``CARECLI_CONFIG`` move the configuration file alone.
    """
    chosen = config or environ.get("CARECLI_CONFIG") or None
    config_file = _absolute(chosen, environ) if chosen else None
    root = home or environ.get("CARECLI_HOME") or None
    if root:
        root = _absolute(root, environ)
        cache = os.path.join(root, "cache")
        return Paths(settings=root, data=root, state=root, cache=cache, config=config_file, home=root)
    return Paths(
        settings=_xdg(environ, "XDG_CONFIG_HOME", ".config"),
        data=_xdg(environ, "XDG_DATA_HOME", ".local/share"),
        state=_xdg(environ, "XDG_STATE_HOME", ".local/state"),
        cache=_xdg(environ, "XDG_CACHE_HOME", ".cache"),
        config=config_file,
        home=None,
    )


def make_folders(paths: Paths) -> None:
    """Creates the missing folders for the owner alone (0700); folders that exist keep their mode.

    Raises ``OSError`` when the disk refuses.
    """
    for folder in paths.folders():
        _make(folder)


def _make(folder: str) -> None:
    if not folder or os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    if parent != folder:
        _make(parent)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:  # another process was faster, or a file stands in the way
        if not os.path.isdir(folder):
            raise


def _absolute(path: str, environ: Mapping[str, str]) -> str:
    if path == "~" or path.startswith("~/"):
        path = _user_home(environ) + path[1:]
    return os.path.abspath(path)


def _user_home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or os.path.expanduser("~")


def _xdg(environ: Mapping[str, str], variable: str, default: str) -> str:
    base = environ.get(variable, "")
    if not os.path.isabs(base):  # the specification: relative and empty values are ignored
        base = os.path.join(_user_home(environ), *default.split("/"))
    return os.path.join(base, "carecli")
