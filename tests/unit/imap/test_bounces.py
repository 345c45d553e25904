from __future__ import annotations

import pytest

from carecli.connectors.imap.parse import Mail, parse


def read(text: str) -> Mail:
    return parse(text.replace("\n", "\r\n").encode(), 1_790_000_000_000)


def report(status: str, original: str, *, sender: str = "MAILER-DAEMON@mx.test") -> Mail:
    return read(
        f"From: {sender}\nReturn-Path: <>\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nI could not deliver it.\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n\n{status}\n"
        f"--b\n{original}\n--b--\n"
    )


FAILED = (
    "Final-Recipient: rfc822; gone@c.test\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 no\n such user\n"
)
ORIGINAL = "Content-Type: message/rfc822\n\nMessage-ID: <01@care.test>\nSubject: Re: order\n\nbody"


def test_a_delivery_report_names_its_original_and_the_reason() -> None:
    mail = report(FAILED, ORIGINAL)
    assert mail.report is not None
    assert mail.report.original == "<01@care.test>"
    assert mail.report.failure == "5.1.1 550 5.1.1 no such user (gone@c.test)"
    assert mail.report.failed
    assert mail.automatic
    assert mail.text == "I could not deliver it."
    assert [each.filename for each in mail.attachments] == ["delivery-status.txt", "Re- order.eml"]


def test_header_only_originals_and_several_recipients() -> None:
    two = FAILED + "\nFinal-Recipient: rfc822; b@c.test\nAction: failed\nStatus: 5.2.2\n"
    mail = report(two, "Content-Type: text/rfc822-headers\n\nSubject: x\nMessage-ID: <02@care.test>\n")
    assert mail.report is not None
    assert mail.report.original == "<02@care.test>"
    assert mail.report.failure.endswith("; 5.2.2 (b@c.test)")


def test_a_delay_is_no_failure() -> None:
    mail = report("Final-Recipient: rfc822; a@c.test\nAction: delayed\nStatus: 4.4.1\n", ORIGINAL)
    assert mail.report is not None
    assert not mail.report.failed


def test_old_reports_without_structure() -> None:
    mail = read(
        "From: Mail Delivery Subsystem <mailer-daemon@mx.test>\nSubject: Returned mail: see transcript\n\n"
        "550 5.1.1 <gone@c.test>... User unknown\n\nReceived: by x\nMessage-ID: <03@care.test>\n"
    )
    assert mail.report is not None
    assert mail.report.original == "<03@care.test>"
    assert mail.report.failure == "5.1.1 Returned mail: see transcript"


@pytest.mark.parametrize(
    "head",
    [
        "From: jane@c.test\nSubject: Undeliverable: where is my parcel?",
        "From: mailer-daemon@mx.test\nSubject: Weekly statistics",
        'From: jane@c.test\nContent-Type: multipart/report; report-type=disposition-notification; boundary="b"',
    ],
)
def test_what_is_no_report(head: str) -> None:
    assert read(f"{head}\n\nhello").report is None


@pytest.mark.parametrize(
    ("head", "automatic"),
    [
        ("Auto-Submitted: auto-replied (vacation)", True),
        ("Auto-Submitted: no", False),
        ("Auto-Submitted: auto-generated; x=y", True),
        ("X-Autoreply: yes", True),
        ("Precedence: bulk", True),
        ("Precedence: auto_reply", True),
        ("Precedence: first-class", False),
        ("List-Id: <news.c.test>", True),
        ("Return-Path: <>", True),
        ("Return-Path: <jane@c.test>", False),
        ("X-Priority: 1", False),
    ],
)
def test_automatic_mail(head: str, *, automatic: bool) -> None:
    assert read(f"From: jane@c.test\n{head}\n\nhello").automatic is automatic
