from __future__ import annotations

import base64
import email
import hashlib
import time
from email.message import Message

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carecli.connectors.imap.bodies import bare_name, content_of, unflowed
from carecli.connectors.imap.charsets import codec_of, text_of
from carecli.connectors.imap.headers import addresses, message_ids, own_message_id
from carecli.connectors.imap.mime import split
from carecli.connectors.imap.parse import UNREADABLE, Mail, parse
from carecli.domain.conversation import Address

ARRIVED = 1_790_000_000_000


def read(text: str | bytes) -> Mail:
    source = text.encode() if isinstance(text, str) else text
    return parse(source.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), ARRIVED)


def test_a_plain_mail() -> None:
    mail = read(
        "From: Jane Doe <jane@customers.test>\nTo: Support <support@care.test>, b@c.test\nCc: d@e.test\n"
        "Subject: Hello\nDate: Tue, 03 Mar 2026 10:00:00 +0100\nMessage-ID: <a@b>\nIn-Reply-To: <c@d>\n"
        "References: <x@y>\n <c@d>\n\nLine one\n\nLine two\n"
    )
    assert mail.sender == Address("jane@customers.test", "Jane Doe")
    assert mail.to == (Address("support@care.test", "Support"), Address("b@c.test"))
    assert mail.cc == (Address("d@e.test"),)
    assert (mail.subject, mail.message_id, mail.in_reply_to) == ("Hello", "<a@b>", ("<c@d>",))
    assert mail.references == ("<x@y>", "<c@d>")
    assert mail.sent_at == 1_772_528_400_000
    assert mail.text == "Line one\n\nLine two"


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?UTF-8?B?5rOo5paH?= plain", "注文 plain"),
        ("=?iso-8859-1?q?a?= =?iso-8859-1?q?b?=", "ab"),
        ("=?utf-8?q?=E6=B3?=\r\n =?utf-8?q?=A8?=", "注"),
        ("=?iso-2022-jp?B?GyRCQ21KOBsoQg==?=", "注文"),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("=?utf-8*en?q?tagged?=", "tagged"),
        ("=?utf-8?q?no end", "=?utf-8?q?no end"),
        ("=?nonsense?q?caf=C3=A9?=", "café"),
        ("=?utf-8?b?4pyT4pyT4pyTa?=", "✓✓✓"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?q?two_words?=", "two words"),
    ],
)
def test_encoded_words(raw: str, meant: str) -> None:
    assert read(f"Subject: {raw}\n\nx").subject == meant


def test_raw_8_bit_headers_use_the_charset_of_the_body() -> None:
    head = "Subject: Привет\nFrom: Ольга <o@c.test>\nContent-Type: text/plain; charset=koi8-r\n\nтекст"
    mail = read(head.encode("koi8-r"))
    assert (mail.subject, mail.text) == ("Привет", "текст")
    assert mail.sender == Address("o@c.test", "Ольга")
    assert read("Subject: Straße\n\nx".encode("latin-1")).subject == "Straße"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-2022-jp", "注文番号"),
        ("shift_jis", "注文①"),
        ("gb2312", "订单號"),
        ("big5", "訂單"),
        ("euc-kr", "주문"),
        ("windows-1256", "طلب"),
        ("windows-1255", "הזמנה"),
        ("iso-8859-1", "naïve “quote”"),
        ("us-ascii", "naïve €"),
        ("UTF-16", "wide"),
    ],
)
@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_charsets_and_encodings(charset: str, text: str, encoding: str) -> None:
    if charset == "UTF-16" and encoding != "base64":
        return  # line ends of UTF-16 do not survive other encodings
    codec = codec_of(charset)
    assert codec
    body = text.encode("cp1252" if charset in ("iso-8859-1", "us-ascii") else codec)
    if encoding == "base64":
        body = base64.encodebytes(body)
    elif encoding == "quoted-printable":
        body = "".join(f"={byte:02X}" for byte in body).encode()
    head = f'Content-Type: text/plain; charset="{charset}"\nContent-Transfer-Encoding: {encoding}\n\n'
    assert parse(head.encode() + body, ARRIVED).text == text


def test_charsets_that_lie_lose_nothing_that_can_be_read() -> None:
    assert text_of("café".encode(), "us-ascii") == "café"
    assert text_of("café".encode(), "x-unknown-8bit") == "café"
    assert text_of("café".encode("latin-1"), "x-unknown-8bit") == "café"
    assert text_of("café".encode("latin-1"), "utf-8") == "caf�"
    assert text_of("Привет".encode("koi8-r"), None, "koi8-r") == "Привет"
    assert text_of(b"\x81\x8d", "us-ascii") == "\x81\x8d"
    for name in ("base64", "rot13", "punycode", "idna", "unicode_escape", "undefined", "no\0thing", "", "zlib"):
        assert codec_of(name) is None


def test_html_only_mail_becomes_clean_text() -> None:
    mail = read(
        "Content-Type: text/html; charset=utf-8\n\n<html><head><title>no</title><style>p{}</style></head><body>"
        "<div style='display:none'>preheader</div><p>Dear&nbsp;team &amp; all,</p><script>alert(1)</script>"
        "<ul><li>one</li><li>two</li></ul><a href='https://x.test/y'>order</a><br>"
        "<img src='https://t.test/p.gif' width=1><img alt='Logo' src=cid:a><blockquote>old</blockquote></body></html>"
    )
    assert mail.text == "Dear team & all,\n\n- one\n- two\n\norder <https://x.test/y>\n[Logo]\n\n> old"


def test_plain_text_wins_unless_it_is_empty() -> None:
    template = (
        'Content-Type: multipart/alternative; boundary="b"\n\npreamble\n--b\nContent-Type: text/plain\n\n{plain}\n'
        "--b\nContent-Type: text/html\n\n<p>rich</p>\n--b--\nepilogue"
    )
    assert read(template.format(plain="words")).text == "words"
    assert read(template.format(plain="  ")).text == "rich"
    assert read(template.format(plain="words")).attachments == ()


def test_attachments_of_every_sort() -> None:
    mail = read(
        'Content-Type: multipart/mixed; boundary="m"\n\n'
        '--m\nContent-Type: multipart/related; boundary="r"\n\n'
        "--r\nContent-Type: text/html\n\n<p>See <img src=cid:pic></p>\n"
        "--r\nContent-Type: image/png\nContent-ID: <pic>\nContent-Transfer-Encoding: base64\n\niVBORw==\n--r--\n"
        "--m\nContent-Type: application/pdf\nContent-Disposition: attachment;\n filename*0*=UTF-8''Rechnung%20%C3%9C;\n"
        " filename*1*=%E2%82%AC.pdf\n\n%PDF\n"
        '--m\nContent-Type: text/csv; name="=?UTF-8?B?6K+75Y+WLmNzdg==?="\n\na;b\n'
        "--m\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n"
        "--m\nContent-Type: message/rfc822\n\nSubject: Old/news\nMessage-ID: <o@x>\n\nold text\n"
        "--m\nContent-Type: application/octet-stream\nContent-Disposition: attachment; "
        'filename="../../etc/passwd"\n\nx\n'
        "--m\nContent-Type: application/ms-tnef\n\ntnef\n"
        "--m\nContent-Type: text/plain\n\nfooter of a list\n"
        "--m--\n"
    )
    assert mail.text == "See\n\nfooter of a list"
    assert [(each.external_id, each.filename, each.mime) for each in mail.attachments] == [
        ("1.2", "attachment-1.2.png", "image/png"),
        ("2", "Rechnung Ü€.pdf", "application/pdf"),
        ("3", "读取.csv", "text/csv"),
        ("4", "invite.ics", "text/calendar"),
        ("5", "Old-news.eml", "message/rfc822"),
        ("6", "passwd", "application/octet-stream"),
        ("7", "winmail.dat", "application/ms-tnef"),
    ]
    assert mail.attachments[0].content_id == "pic"
    assert mail.attachments[0].bytes == 4
    assert mail.attachments[1].sha256 == hashlib.sha256(b"%PDF").hexdigest()


def test_attachments_are_found_again_by_their_part() -> None:
    source = (
        b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n\r\nhi\r\n--m\r\nContent-Type: image/gif\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\nR0lG\r\n--m--\r\n"
    )
    (file,) = parse(source, ARRIVED).attachments
    assert content_of(split(source), file.external_id) == b"GIF"
    assert content_of(split(source), "9.9") is None


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("C:\\Users\\me\\bill.doc", "bill.doc"),
        ("/etc/passwd", "passwd"),
        ("..", ""),
        ("a\x00b\u202egpj.exe", "abgpj.exe"),
        (".htaccess", "htaccess"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("two\r\nlines.txt", "two lines.txt"),
        ("  ", ""),
    ],
)
def test_file_names_are_bare(name: str, bare: str) -> None:
    assert bare_name(name) == bare


@pytest.mark.parametrize(
    "date",
    ["", "yesterday at noon", "Thu, 01 Jan 1970 00:00:00 +0000", "Tue, 03 Mar 2099 10:00:00 +0000", "x" * 5000],
)
def test_dates_that_cannot_be_fall_back_to_arrival(date: str) -> None:
    assert read(f"Subject: x\nDate: {date}\n\nbody").sent_at == ARRIVED


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b"", ""),
        (b"no headers at all\r\n\r\nsecond", "no headers at all\n\nsecond"),
        (b"\r\nonly body", "only body"),
        (b"Subject: x", ""),
        (b"Subject: x\r\nbody without an empty line\r\nmore", "body without an empty line\nmore"),
        (b"Subject: x\rold mac\r\rbody", "body"),
        (b"From jane Tue Mar 3\nSubject: mbox\n\nbody", "body"),
        (b"Subject: x\r\n\r\nnul\x00 and \x07bell\x1b[31m", "nul and bell[31m"),
        (b"Content-Type: multipart/mixed\r\n\r\nno boundary", "no boundary"),
        (b'Content-Type: multipart/mixed; boundary="b"\r\n\r\nnever used', "never used"),
        (b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\ncut of', "cut of"),
        (b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>cut', "cut"),
        (b"Content-Type: garbage\r\n\r\nbody", "body"),
        (b"Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8gd29ybGQ", "Hello world"),
        (b"Content-Transfer-Encoding: base64\r\n\r\nSGVs!!bG8=\r\n", "Hello"),
        (b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=ZZ b=3D=\r\nc", "a=ZZ b=c"),
        (b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n#8V%T\r\n`\r\nend\r\n", "cat"),
    ],
)
def test_broken_mail_still_reads(source: bytes, text: str) -> None:
    mail = parse(source, ARRIVED)
    assert mail.text == text
    assert mail.subject != UNREADABLE


def test_very_long_lines_and_deep_or_wide_multiparts_are_bounded() -> None:
    assert len(read(b"Subject: " + b"x" * 1_000_000 + b"\n\n" + b"y" * 1_000_000).text) == 1_000_000
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(300))
    assert read(deep + b"\ntext").subject != UNREADABLE
    wide = read(b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 5000)
    assert wide.subject != UNREADABLE
    assert wide.text.startswith("x\n\nx")


@pytest.mark.parametrize(
    "source",
    [
        b"Content-Type: text/html\n\n" + b"<div>" * 200_000 + b"x",
        b"Content-Type: text/html\n\n" + b"<blockquote>x<br>" * 50_000,
        b"Content-Type: text/html\n\n" + b"<ul><li>x" * 50_000,
        b"From: " + b"<a@b>" * 100_000 + b"\n\nx",
        b"References: " + b"<" * 500_000 + b"\n\nx",
        b"Subject: " + b"=?a?q?" * 100_000 + b"\n\nx",
        b'Content-Type: multipart/mixed; boundary="-"\n\n' + b"-" * 1_000_000,
        b"\n" + b"On 1/1/2026 x wrote:\n> a\nno\n" * 20_000,
        b"\n" + b"-- \n" * 200_000,
        b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 200_000,
    ],
    ids=range(10),
)
def test_hostile_mail_takes_no_time(source: bytes) -> None:
    began = time.process_time()
    assert parse(source, ARRIVED).subject != UNREADABLE
    assert time.process_time() - began < 3


def test_whatever_breaks_keeps_the_raw_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_source: bytes) -> None:
        raise RuntimeError

    monkeypatch.setattr("carecli.connectors.imap.parse.split", fail)
    mail = parse(b"Subject: x\r\n\r\nkept", ARRIVED)
    assert mail.subject == UNREADABLE
    assert mail.text == "Subject: x\n\nkept"
    assert mail.subject == "(unreadable mail)"
    assert mail.sha256 == hashlib.sha256(b"Subject: x\r\n\r\nkept").hexdigest()


def test_flowed_text_is_joined() -> None:
    assert unflowed("one \ntwo\n> q \n> r\n-- \nsig ") == "one two\n> q r\n-- \nsig "
    assert unflowed("a \nb", delete_space=True) == "ab"
    assert unflowed(" From here\n >x") == "From here\n>x"
    flowed = 'Content-Type: text/plain; format="flowed"\n\nlong \nline\n'
    assert read(flowed).text == "long line"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'"Doe, Jane" <j@x.test>, b@y.test', (Address("j@x.test", "Doe, Jane"), Address("b@y.test"))),
        (b"=?utf-8?q?Doe=2C_Jane?= <j@x.test>", (Address("j@x.test", "Doe, Jane"),)),
        (b"group: a@x.test, b@x.test;", (Address("a@x.test"), Address("b@x.test"))),
        (b"undisclosed-recipients:;", ()),
        (b"not an address", ()),
        (b"jane@x.test (Jane)", (Address("jane@x.test", "Jane"),)),
        (b"<@>, <a@b.test>", (Address("a@b.test"),)),
        (b"'Jane' <j@x.test>", (Address("j@x.test", "Jane"),)),
    ],
)
def test_addresses(value: bytes, found: tuple[Address, ...]) -> None:
    assert addresses(value) == found


def test_message_ids() -> None:
    assert message_ids(b"<a@b> <a@b>\t<c@d>") == ("<a@b>", "<c@d>")
    assert message_ids(b"Your message of Monday <a@b> (was: x)") == ("<a@b>",)
    assert own_message_id(b"naked@id.test") == "<naked@id.test>"
    assert own_message_id(b"<split id@x>") == "<splitid@x>"
    assert own_message_id(b"rubbish") is None
    many = message_ids(b" ".join(b"<%d@x>" % n for n in range(500)))
    assert len(many) == 100
    assert (many[0], many[-1]) == ("<0@x>", "<499@x>")


def _leaves(message: Message) -> list[tuple[str, bytes]]:
    return [
        (part.get_content_type(), part.get_payload(decode=True))  # type: ignore[misc]
        for part in message.walk()
        if not part.is_multipart()
    ]


_TOKENS = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: multipart/alternative; boundary=bb\r\n",
        b"Content-Type: text/html; charset=utf-8\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: multipart/report; boundary=b\r\n",
        b"Content-Type: message/delivery-status\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b'Content-Disposition: attachment; filename="=?utf-8?b?4pyT?="\r\n',
        b"Subject: =?utf-8?q?=E2=9C?= =?utf-7?b?K0FBLQ==?=\r\n",
        b"From: =?x?q?y?= <a@b>, (\r\n",
        b"Date: Tue, 03 Mar 2026 10:00:00 +9999\r\n",
        b"\r\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"--bb\r\n",
        b"=E2=98\r\n",
        b"<blockquote><table><td>&#0;&#xD800;</b><p hidden>\r\n",
        b"On Tue, 3 Mar 2026, Bob wrote:\r\n> hi\r\n",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(_TOKENS, st.binary(max_size=40)), max_size=30).map(b"".join))
def test_no_bytes_make_an_exception_or_lose_a_mail(source: bytes) -> None:
    mail = parse(source, ARRIVED)
    assert mail.subject != UNREADABLE
    assert mail.sha256 == hashlib.sha256(source).hexdigest()
    mail.text.encode()
    mail.subject.encode()
    for mark in (mail.quoted_from, mail.signature_from):
        assert mark is None or 0 <= mark < len(mail.text)
    for file in mail.attachments:
        assert file.filename
        assert not set(file.filename) & set("/\\\0\r\n")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([b"text", b"", b"a\r\nb", b"--x", b"--bx", b" "]), min_size=1, max_size=6))
def test_parts_are_those_of_the_standard_library(parts: list[bytes]) -> None:
    source = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    source += b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\n%s\r\n" % part for part in parts) + b"--b--\r\n"
    ours = [(leaf.mime, leaf.content()) for leaf in split(source).leaves()]
    assert ours == _leaves(email.message_from_bytes(source))
