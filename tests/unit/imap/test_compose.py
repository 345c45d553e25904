from __future__ import annotations

import hashlib
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carecli.connectors.imap.bodies import unflowed
from carecli.connectors.imap.compose import Outgoing, compose, envelope, flowed, subject_of
from carecli.connectors.imap.manifest import MANIFEST
from carecli.connectors.imap.parse import Mail, parse
from carecli.connectors.imap.settings import Settings, settings_of
from carecli.connectors.spi.errors import BadSetup, Rejected
from carecli.connectors.spi.records import OutgoingFile, QuotedMessage, ReplyRequest, TicketHandle
from carecli.domain.conversation import Address

MARK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def setup(**changes: Any) -> Settings:
    options = {option.name: option.default for option in MANIFEST.options}
    options |= {"address": "support@care.test", "imap_host": "127.0.0.1"}
    return settings_of("support", options | changes)


def request(**changes: Any) -> ReplyRequest:
    given: dict[str, Any] = {
        "operation_id": MARK,
        "created_at": 1_772_528_400_000,
        "ticket": TicketHandle(external_id="thread:" + "a" * 32, number="12", subject="Order"),
        "body_text": "Hello",
        "to": (Address("jane@customers.test", "Jané, Doe"),),
        "answers": QuotedMessage(
            author="Jané Doe",
            sent_at=1_772_500_000_000,
            body_text="It is late.\n> earlier",
            message_id="<2@c>",
            references=("<1@c>",),
        ),
    }
    return ReplyRequest(**(given | changes))


def sent(made: Outgoing) -> EmailMessage:
    return message_from_bytes(made.content, policy=policy.default)


def pulled(made: Outgoing) -> Mail:
    return parse(made.content, 1_790_000_000_000)


def test_a_reply_says_what_it_should() -> None:
    made = compose(request(), setup(from_name="Care Team", signature="Sam\nCare"))
    mail = sent(made)
    assert made.message_id == mail["Message-ID"] == f"<{MARK}@care.test>"
    assert mail["From"] == "Care Team <support@care.test>"
    assert mail["To"].addresses[0].display_name == "Jané, Doe"
    assert mail["Subject"] == "Re: Order"
    assert mail["Date"].datetime.isoformat() == "2026-03-03T09:00:00+00:00"
    assert mail["In-Reply-To"] == "<2@c>"
    assert str(mail["References"]).split() == ["<1@c>", "<2@c>"]
    assert mail["Auto-Submitted"] is None
    assert mail["Bcc"] is None
    read = pulled(made)
    assert read.text == (
        "Hello\n\n-- \nSam\nCare\n\nOn 2026-03-03 01:06 UTC, Jané Doe wrote:\n> It is late.\n>> earlier"
    )
    assert read.text[read.signature_from or 0 :].startswith("-- \nSam")
    assert read.text[read.quoted_from or 0 :].startswith("On 2026")
    assert all(len(line) <= 998 for line in made.content.split(b"\r\n"))
    assert b"\n" not in made.content.replace(b"\r\n", b"")
    assert made.content.isascii()


def test_options_of_quoting_and_signature() -> None:
    assert pulled(compose(request(), setup(quote_original=False))).text == "Hello"
    assert pulled(compose(request(answers=None), setup())).text == "Hello"


def test_recipients_and_the_copy_to_ourselves() -> None:
    made = compose(request(cc=(Address("c@x.test"),), bcc=(Address("hidden@x.test"),)), setup())
    assert list(envelope(made)) == [
        ("jane@customers.test", True),
        ("c@x.test", True),
        ("hidden@x.test", True),
        ("support@care.test", False),
    ]
    assert b"hidden@x.test" not in made.content
    to_us = compose(request(to=(Address("Support@care.test"),)), setup())
    assert list(envelope(to_us)) == [("Support@care.test", True)]


@pytest.mark.parametrize(
    "address",
    [
        "a@b\r\nBcc: evil@x.test",
        "a@b,c@d",
        "a b@c",
        "<a@b>",
        "a",
        "a@",
        "@b",
        "a@b@c",
        "ü@c.test",
        "a\0@b.test",
        "a@" + "x" * 70 + "é.test",
    ],
)
def test_addresses_that_could_smuggle_something_are_refused(address: str) -> None:
    for field in ("to", "cc", "bcc"):
        with pytest.raises(Rejected) as refused:
            compose(request(**{field: (Address(address),)}), setup())
        assert refused.value.code == "BAD_ADDRESS"


def test_header_text_cannot_smuggle_fields() -> None:
    made = compose(
        request(
            subject="Hi\r\nBcc: evil@x.test",
            to=(Address("j@c.test", "J\r\nX-Evil: 1"),),
            answers=QuotedMessage(
                author="A\r\nB",
                sent_at=0,
                body_text="x",
                message_id="<a@b>\r\nX-Evil: 2",
                references=("<c d>", "<e@f>"),
            ),
            files=(OutgoingFile(filename="a\r\nX-Evil: 3.txt", mime="text/plain\r\nX-Evil: 4", content=b"x"),),
        ),
        setup(from_name="Care\r\nX-Evil: 5"),
    )
    mail = sent(made)
    assert mail["X-Evil"] is None
    assert mail["Bcc"] is None
    assert mail["In-Reply-To"] is None
    assert mail["Subject"] == "Re: Hi Bcc: evil@x.test"
    assert b"\r\nX-Evil" not in made.content


def test_international_domains_travel_in_ascii() -> None:
    made = compose(request(to=(Address("jane@bücher.test"),)), setup())
    assert made.recipients == ("jane@xn--bcher-kva.test",)


@pytest.mark.parametrize(
    ("given_subject", "ticket", "answers", "subject"),
    [
        (None, "Re: AW: Order", True, "Re: Order"),
        ("Re: Order", "x", True, "Re: Order"),
        ("Fwd: Order", "x", True, "Fwd: Order"),
        ("New matter", "", False, "New matter"),
        (None, "Order", False, "Order"),
    ],
)
def test_subjects(given_subject: str | None, ticket: str, subject: str, *, answers: bool) -> None:
    made = request(
        subject=given_subject,
        ticket=TicketHandle(external_id="thread:0" if answers else None, number=None, subject=ticket),
        **({} if answers else {"answers": None}),
    )
    assert subject_of(made) == subject


def test_an_answer_to_nothing_names_its_thread() -> None:
    assert pulled(compose(request(answers=None), setup())).references == (f"<t.{'a' * 32}@care.test>",)
    unnamed = QuotedMessage(author="J", sent_at=0, body_text="x", message_id=None)
    assert pulled(compose(request(answers=unnamed), setup())).references == (f"<t.{'a' * 32}@care.test>",)


def test_long_message_ids_and_many_references_survive() -> None:
    ids = tuple(f"<{'x' * 150}{number}@customers.test>" for number in range(60))
    answers = QuotedMessage(author="J", sent_at=0, body_text="", message_id=ids[-1], references=ids[:-1])
    read = pulled(compose(request(answers=answers), setup()))
    assert read.in_reply_to == ids[-1:]
    assert read.references[0] == ids[0]
    assert read.references[-20:] == ids[-20:]
    assert len(read.references) == 22


@pytest.mark.parametrize("mime", ["application/pdf", "text/plain", "message/rfc822", "multipart/mixed", "nonsense"])
def test_attachments_keep_every_byte(mime: str) -> None:
    content = bytes(range(256)) * 9 + b"\r\n.\r\nFrom x\n"
    made = compose(request(files=(OutgoingFile(filename="Übersicht €.pdf", mime=mime, content=content),)), setup())
    (file,) = pulled(made).attachments
    assert file.filename == "Übersicht €.pdf"
    assert file.sha256 == hashlib.sha256(content).hexdigest()


@given(st.lists(st.text(st.sampled_from("ab >-\tFrom ü注."), max_size=200), max_size=8))
def test_flowed_text_comes_back(lines: list[str]) -> None:
    lines = [line if line == "-- " else line.rstrip() for line in lines]
    text = "\n".join(line for line in lines if not line.lstrip().startswith(">"))
    wire = flowed(text)
    assert unflowed(wire) == text
    long = [line for line in wire.split("\n") if len(line) > 78]
    assert all(" " not in line.strip() for line in long)


def test_no_recipient_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        compose(request(to=()), setup())
    assert refused.value.code == "NO_RECIPIENT"


def test_settings_that_are_unsafe_or_senseless() -> None:
    with pytest.raises(BadSetup) as plain:
        setup(imap_host="mail.example.com", tls="none")
    assert plain.value.code == "TLS_REQUIRED"
    with pytest.raises(BadSetup):
        setup(smtp_host="10.0.0.1", smtp_tls="none")
    assert setup(imap_host="::1", tls="none").imap.tls == "none"
    assert setup(imap_host="localhost", tls="none").smtp.host == "localhost"
    with pytest.raises(BadSetup):
        setup(since="last week")
