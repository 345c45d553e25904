"""Bytes of a mail as text: charset names as the world writes them, and what to do when they lie."""

from __future__ import annotations

import codecs
from functools import lru_cache

# What senders call a charset and what their bytes really are: supersets cost nothing and read more (WHATWG Encoding
# Standard, section 4.2, does the same).
_REALLY = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ksc5601": "cp949",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
}
# Registered as text encodings in Python, but never the charset of a mail; some of them are slow on hostile input.
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})


@lru_cache(maxsize=256)
def codec_of(charset: str) -> str | None:
    """Name of the Python codec for a charset as written in a mail; ``None`` when there is none."""
    name = charset.strip().strip("\"'").lower()
    name = _REALLY.get(name, name)
    if name.startswith("cp-"):
        name = "cp" + name[3:]
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):  # ValueError: NUL bytes in the name
        return None
    if found.name in _NOT_CHARSETS or not getattr(found, "_is_text_encoding", True):
        return None
    return found.name


def text_of(data: bytes, charset: str | None = None, hint: str | None = None) -> str:
    """Text of bytes that claim a charset. Never raises: a wrong claim falls back to UTF-8, then ``hint``, then Latin.

    ``hint`` is a charset that is likely in this mail, used when none was declared.
    """
    if data.isascii() and (charset is None or charset in ("utf-8", "us-ascii")):
        return data.decode("ascii")
    claimed = codec_of(charset) if charset else None
    for name in (claimed, "utf-8", codec_of(hint) if hint and not claimed else None):
        if name is not None:
            try:
                return data.decode(name)
            except (UnicodeError, ValueError):
                continue
    if claimed is not None and claimed != "ascii":
        try:
            return data.decode(claimed, "replace" if claimed != "cp1252" else "strict")
        except (UnicodeError, ValueError):
            pass  # cp1252 has holes, and a few stateful codecs raise even when told to replace
    try:
        return data.decode("cp1252")
    except UnicodeError:
        return data.decode("latin-1")
