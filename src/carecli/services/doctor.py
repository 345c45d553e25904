"""Checks what can be wrong on a machine: versions, files, store, accounts, keyring."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from carecli.config.paths import Paths
from carecli.domain.errors import CareError
from carecli.store.upgrade import sqlite_facts


@dataclass(frozen=True, slots=True)
class Check:
    """One check: whether it passed, what was found, what to do."""

    name: str
    ok: bool
    detail: str
    help: str = ""


def machine() -> list[Check]:
    """Python and SQLite are good enough."""
    version, full_text = sqlite_facts()
    new_enough = tuple(int(part) for part in version.split(".")) >= (3, 38)
    return [
        Check("python", sys.version_info >= (3, 11), sys.version.split()[0], "Python 3.11 or newer is needed."),
        Check(
            "sqlite",
            new_enough and full_text,
            version + (" with FTS5" if full_text else " without FTS5"),
            "SQLite 3.38 or newer with FTS5 is needed.",
        ),
    ]


def files(paths: Paths) -> list[Check]:
    """Folders and files are private and writable."""
    checks = []
    for name, path in (("config", paths.config_file), ("store", paths.store_file), ("secrets", paths.secrets_file)):
        if not os.path.exists(path):
            checks.append(Check(f"{name} file", True, f"{path} (not there yet)"))
            continue
        mode = os.stat(path).st_mode & 0o777
        private = mode & 0o077 == 0
        checks.append(
            Check(f"{name} file", private, f"{path} ({mode:04o})", "" if private else f"Run: chmod 600 {path}")
        )
    folder = os.path.dirname(paths.store_file)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    checks.append(Check("disk", free > 100_000_000, f"{free // 1_000_000:,} MB free", "Free some space."))
    writable = os.access(folder, os.W_OK)
    checks.append(Check("store folder", writable, folder, "" if writable else "It cannot be written."))
    return checks


def attempt(name: str, work: Callable[[], str]) -> Check:
    """A check that passes unless ``work`` raises an error for people; its result is the detail."""
    try:
        return Check(name, True, work())
    except CareError as error:
        return Check(name, False, error.message, error.help)
