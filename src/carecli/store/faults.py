"""Turns SQLite's errors into errors for people: what happened, what was kept, what to do next."""

from __future__ import annotations

import errno
import os

from carecli.domain.errors import StoreError
from carecli.store.driver import DatabaseError, Error


def explain(error: BaseException, path: str) -> StoreError | None:
    """The store error behind an exception, or ``None`` when it is none of SQLite's."""
    if not isinstance(error, Error):
        return None
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        return StoreError(
            "another program holds the store; nothing was changed",
            code="STORE_LOCKED",
            help="Try again; if it stays, look for a stuck carecli process.",
        )
    if "readonly" in text or "read-only" in text or "unable to open" in text:
        return _read_only(path)
    if "full" in text or "disk i/o" in text:
        return _full()
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return StoreError(
            f"the store {path} is damaged",
            code="STORE_DAMAGED",
            help="'carecli db rescue' puts it aside, starts anew (--from BACKUP: from a backup) and carries over your texts.",
        )
    if isinstance(error, DatabaseError):
        return StoreError(f"the store refused: {error}", code="STORE_REFUSED", help="Run 'carecli db check'.")
    return StoreError(f"the store failed: {error}", help="Run 'carecli db check'.")


def explain_opening(error: BaseException, path: str) -> StoreError | None:
    """As ``explain``, also for errors of the file system met while the store was opened or made."""
    if isinstance(error, OSError):
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            return _read_only(path)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _full()
        return StoreError(
            f"the store {path} cannot be opened: {os.strerror(error.errno or 0)}",
            help="Check its folder ('carecli db path').",
        )
    return explain(error, path)


def _read_only(path: str) -> StoreError:
    return StoreError(
        f"the store {path} cannot be written; nothing was changed",
        code="STORE_READ_ONLY",
        help="Check the permissions and the mount of its folder ('carecli db path'), or read with --read-only.",
    )


def _full() -> StoreError:
    return StoreError(
        "the disk is full or failing; the store is as it was before",
        code="STORE_FULL",
        help="Free some space and repeat the command; 'carecli db check' proves that the store is intact.",
    )
