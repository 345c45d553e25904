"""Checks of what people write: all of Unicode, right to left, HTML, a megabyte, and control characters."""

from __future__ import annotations

import pytest

from carecli.domain.operation import OperationState
from carecli.domain.redact import clean_text
from carecli.testing.bench import Bench, folded

_TEXTS = {
    "unicode": "Grüße aus Łódź, señor! 日本語 한국어 Ωμέγα e\u0301 — „zitiert“ 😀 👩‍👩‍👧 𝔘",
    "right to left": "שלום, איפה ההזמנה שלי? السلام عليكم ١٢٣ kit 42",
    "markup": "1 < 2 && 3 > 2; <b>not bold</b> &amp; 'quotes' \"too\" \\n %s {x} $y",
    "dots": "First line.\n.\n..\nFrom here on\n> not a quotation of ours\nlast line.",
}
_LINE = "A kit weighs fifteen grams, as every schoolchild knows. "
_MEGABYTE = "\n".join(f"{number} {_LINE}" for number in range(1_000_000 // (len(_LINE) + 6) + 400))


class TextChecks:
    """Texts."""

    @pytest.mark.parametrize("name", _TEXTS)
    def test_any_text_comes_in_whole(self, bench: Bench, name: str) -> None:
        """What a customer writes is stored as it was written, in any script."""
        bench.has("say")
        bench.desk.say(_TEXTS[name])
        bench.local.pull(bench.source())
        assert any(folded(_TEXTS[name]) in text for text in bench.local.texts()), bench.local.texts()[-1][:500]

    @pytest.mark.parametrize("name", _TEXTS)
    def test_any_text_goes_out_whole(self, bench: Bench, name: str) -> None:
        """What we write reaches the customer as it was written, and comes back the same."""
        bench.needs("reply")
        ticket = bench.conversation()
        assert bench.settle(bench.reply(ticket, _TEXTS[name])).state is OperationState.DONE
        assert bench.count_public(_TEXTS[name]) == 1
        bench.local.pull(bench.source())
        assert any(folded(_TEXTS[name]) in text for text in bench.local.texts()), bench.local.texts()[-1][:500]

    def test_a_megabyte_comes_in(self, bench: Bench) -> None:
        """A message of a megabyte is stored whole."""
        bench.has("say")
        bench.desk.say(_MEGABYTE)
        bench.local.pull(bench.source())
        assert max(map(len, bench.local.texts())) >= 1_000_000
        assert any(folded(_MEGABYTE) in text for text in bench.local.texts())

    def test_a_megabyte_goes_out_or_is_refused(self, bench: Bench) -> None:
        """A reply of a megabyte arrives whole or is refused in words; nothing is cut short."""
        bench.needs("reply")
        ticket = bench.conversation()
        operation = bench.settle(bench.reply(ticket, _MEGABYTE))
        if operation.state is OperationState.DONE:
            assert bench.count_public(_MEGABYTE) == 1
        else:
            assert operation.state is OperationState.FAILED
            assert operation.last_error
            assert bench.count_public(_LINE) == 0

    def test_a_text_above_the_limit_is_refused(self, bench: Bench) -> None:
        """A text longer than ``max_chars`` of its channel is refused in words; nothing leaves."""
        bench.needs("reply")
        ticket = bench.conversation()
        channel = bench.local.column(ticket, "channel")
        limit = bench.can.max_chars.get(channel)
        if limit is None:
            pytest.skip(f"max_chars names no limit for {channel}")
        if limit > 2_000_000:
            pytest.skip(f"the limit of {limit} characters is too large to try")
        operation = bench.settle(bench.reply(ticket, "kit " * (limit // 4 + 1)))
        assert operation.state is OperationState.FAILED
        assert operation.last_error
        assert bench.count_public("kit kit kit") == 0

    def test_html_becomes_text(self, bench: Bench) -> None:
        """An HTML message is stored as clean text: no tags, no script, no style."""
        bench.has("say_html")
        bench.desk.say_html(
            "<html><head><style>p { color: red }</style></head><body><p>Hello <b>kit</b> &amp; friends</p>"
            "<script>alert('never')</script><p hidden>second</p></body></html>"
        )
        bench.local.pull(bench.source())
        (found,) = [text for text in bench.local.texts() if "Hello kit & friends" in text]
        assert not any(word in found for word in ("<p>", "<b>", "alert", "color:"))

    def test_control_characters_do_no_harm(self, bench: Bench) -> None:
        """A reply with terminal escapes and NUL arrives without them or is refused; what is stored is clean."""
        bench.needs("reply")
        ticket = bench.conversation()
        operation = bench.settle(bench.reply(ticket, "Red \x1b[31malert\x1b[0m \x00 kit \u202e end."))
        assert operation.state in (OperationState.DONE, OperationState.FAILED)
        bench.local.pull(bench.source())
        for (body,) in bench.local.rows("SELECT body_text FROM message"):
            assert clean_text(body) == body
