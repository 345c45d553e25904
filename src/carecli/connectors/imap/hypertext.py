"""HTML bodies as clean text: nothing is loaded, run or styled; links, lists, tables and quotes stay readable."""

from __future__ import annotations

import re
from html import unescape

from selectolax.lexbor import LexborHTMLParser, LexborNode

_SKIPPED = frozenset(
    (
        "script",
        "style",
        "head",
        "title",
        "template",
        "noscript",
        "object",
        "iframe",
        "svg",
        "math",
        "audio",
        "video",
        "canvas",
        "select",
        "map",
        "meta",
        "link",
    )
)
_PARAGRAPHS = frozenset(
    (
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "ul",
        "ol",
        "dl",
        "pre",
        "table",
        "form",
        "fieldset",
        "figure",
    )
)
_LINES = frozenset(
    (
        "div",
        "tr",
        "li",
        "dt",
        "dd",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "nav",
        "aside",
        "address",
        "center",
        "caption",
        "body",
        "html",
        "hr",
        "tbody",
        "thead",
        "details",
        "summary",
        "option",
        "legend",
    )
)
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,20})")
_UNSEEN = re.compile(r"<(script|style|head)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_SELF_CLOSING = frozenset(
    (
        "br",
        "img",
        "hr",
        "meta",
        "link",
        "input",
        "col",
        "wbr",
        "p",
        "li",
        "td",
        "th",
        "tr",
        "dd",
        "dt",
        "option",
        "area",
    )
)
_MAX_OPEN = 1500
_MAX_URL = 300
_MAX_DEPTH = 12


def text_of_html(html: str) -> str:
    """Readable text of an HTML body. Never raises; without any markup the text comes back as it is."""
    if _too_deep(html):
        return _stripped(html)
    try:
        root = LexborHTMLParser(html.encode("utf-8", "replace")).root
    except Exception:  # the parser's own limits; the words matter more than the layout
        return _stripped(html)
    if root is None:
        return ""
    writer = _Writer()
    _walk(root, writer)
    return writer.text()


def _too_deep(html: str) -> bool:
    """Whether unclosed tags nest deeper than any honest mail; parsing time grows with the square of the depth."""
    if html.count("<") < _MAX_OPEN:
        return False
    open_tags: dict[str, int] = {}
    depth = 0
    for closing, name in _ANY_TAG.findall(html):
        tag = name.lower()
        if tag in _SELF_CLOSING:
            continue
        now = open_tags.get(tag, 0)
        if not closing:
            open_tags[tag] = now + 1
            depth += 1
        elif now:
            open_tags[tag] = now - 1
            depth -= 1
        if depth > _MAX_OPEN:
            return True
    return False


def _stripped(html: str) -> str:
    """Words without any layout, for markup that is not worth parsing."""
    return unescape(_TAG.sub(" ", _UNSEEN.sub(" ", html)))


class _Writer:
    """Collects words into lines; remembers quote depth, pending blank lines and list numbers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.space = False
        self.quotes = 0
        self.verbatim = 0
        self.lists: list[int | None] = []
        self.links: list[tuple[str, int, int]] = []

    def words(self, text: str) -> None:
        if self.verbatim:
            head, *rest = text.split("\n")
            self.line.append(head)
            for more in rest:
                self.end_line()
                self.line.append(more)
            return
        folded = " ".join(text.split())
        if not folded:
            self.space = self.space or bool(text)
            return
        if self.line and (self.space or text[0].isspace()):
            self.line.append(" ")
        self.line.append(folded)
        self.space = text[-1].isspace()

    def margin(self) -> str:
        """The quote marks before a line; capped, because nesting costs the sender nothing."""
        return "> " * min(self.quotes, _MAX_DEPTH)

    def end_line(self) -> None:
        self.lines.append(self.margin() + "".join(self.line).rstrip())
        self.line.clear()
        self.space = False

    def block(self, *, paragraph: bool) -> None:
        if self.line:
            self.end_line()
        if paragraph and self.lines and self.lines[-1].strip("> "):
            self.lines.append(self.margin())

    def text(self) -> str:
        if self.line:
            self.end_line()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in self.lines)).strip("\n")


def _walk(root: LexborNode, writer: _Writer) -> None:
    node: LexborNode | None = root
    while node is not None:
        if node.is_text_node:
            writer.words(node.text_content or "")
            below = None
        else:
            below = node.child if _enter(node, writer) else None
        if below is not None:
            node = below
            continue
        while node is not None:
            if node.is_element_node:
                _leave(node, writer)
            if node.mem_id == root.mem_id:
                return
            if node.next is not None:
                node = node.next
                break
            node = node.parent


def _enter(node: LexborNode, writer: _Writer) -> bool:
    tag = node.tag or ""
    if tag in _SKIPPED or not node.is_element_node:
        return False
    attributes = node.attributes
    if "hidden" in attributes or _HIDDEN.search(attributes.get("style") or ""):
        return False
    if tag == "br":
        writer.end_line()
    elif tag == "img":
        alt = " ".join((attributes.get("alt") or "").split())
        if alt:
            writer.words(f" [{alt}] ")
    elif tag in ("td", "th"):
        if writer.line:
            writer.space = True
    elif tag in _PARAGRAPHS or tag in _LINES:
        writer.block(paragraph=tag in _PARAGRAPHS and not (tag in ("ul", "ol") and writer.lists))
        _open_block(tag, writer)
    elif tag == "a":
        writer.links.append((attributes.get("href") or "", len(writer.lines), len(writer.line)))
    return True


def _open_block(tag: str, writer: _Writer) -> None:
    if tag == "blockquote":
        writer.quotes += 1
    elif tag == "pre":
        writer.verbatim += 1
    elif tag in ("ul", "ol"):
        writer.lists.append(0 if tag == "ol" else None)
    elif tag == "hr":
        writer.line.append("-" * 20)
        writer.end_line()
    elif tag == "li":
        number = writer.lists[-1] if writer.lists else None
        if number is not None:
            writer.lists[-1] = number + 1
        writer.line.append(
            "  " * min(len(writer.lists) - 1, _MAX_DEPTH) + (f"{number + 1}. " if number is not None else "- ")
        )


def _leave(node: LexborNode, writer: _Writer) -> None:
    tag = node.tag or ""
    if tag in _SKIPPED:
        return
    if tag == "a" and writer.links:
        _close_link(writer)
        return
    if tag not in _PARAGRAPHS and tag not in _LINES:
        return
    hidden = "hidden" in node.attributes or _HIDDEN.search(node.attributes.get("style") or "")
    if hidden:
        return
    if tag == "blockquote":
        writer.block(paragraph=False)
        writer.quotes -= 1
    elif tag == "pre":
        writer.verbatim -= 1
    elif tag in ("ul", "ol") and writer.lists:
        writer.lists.pop()
    writer.block(paragraph=tag in _PARAGRAPHS and not (tag in ("ul", "ol") and writer.lists))


def _close_link(writer: _Writer) -> None:
    href, lines, words = writer.links.pop()
    if not href.lower().startswith(("http://", "https://")) or len(href) > _MAX_URL:
        return
    shown = "".join(writer.line[words:]).strip() if len(writer.lines) == lines else "link"
    bare = href.partition("://")[2].rstrip("/")
    if shown and shown.rstrip("/") not in (href.rstrip("/"), bare, bare.removeprefix("www.")):
        writer.line.append(f" <{href}>")
