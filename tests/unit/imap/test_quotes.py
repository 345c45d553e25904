from __future__ import annotations

import pytest

from carecli.connectors.imap.quotes import marks_of

QUOTES = [
    "On Tue, 3 Mar 2026 at 10:00, Bob <b@x.test> wrote:\n> old",
    "On Mar 3, 2026, at 10:00 AM, Bob\n<b@x.test> wrote:\n\n> old\n> older",
    "Am 03.03.2026 um 10:00 schrieb Bob:\n> alt",
    "Am Di., 3. März 2026 um 10:00 Uhr schrieb Bob <b@x.test>:\n> alt",
    "Le mar. 3 mars 2026 à 10:00, Bob <b@x.test> a écrit :\n> vieux",
    "El mar, 3 mar 2026 a las 10:00, Bob (<b@x.test>) escribió:\n> viejo",
    "Il giorno mar 3 mar 2026 alle ore 10:00 Bob <b@x.test> ha scritto:\n> vecchio",
    "Em ter., 3 de mar. de 2026 às 10:00, Bob <b@x.test> escreveu:\n> velho",
    "Op di 3 mrt 2026 om 10:00 schreef Bob <b@x.test>:\n> oud",
    "W dniu 3.03.2026 o 10:00, Bob pisze:\n> stare",
    "Den tis 3 mars 2026 kl 10:00 skrev Bob <b@x.test>:\n> gammalt",
    "вт, 3 мар. 2026 г. в 10:00, Bob <b@x.test> написал:\n> старое",
    "2026年3月3日(火) 10:00 Bob <b@x.test>のメール:\n> 古い",
    "Bob <b@x.test> 于2026年3月3日周二 10:00写道：\n> 旧",
    "-----Original Message-----\nFrom: Bob\nold",
    "-----Ursprüngliche Nachricht-----\nVon: Bob\nalt",
    "---------- Forwarded message ---------\nFrom: Bob\nold",
    "Begin forwarded message:\n\nFrom: Bob",
    "________________________________\nVon: Bob <b@x.test>\nGesendet: Dienstag, 3. März 2026 10:00\nAn: S\n\nalt",
    "From: Bob <b@x.test>\nSent: Tuesday, March 3, 2026 10:00\nTo: S\nSubject: x\n\nold",
    "De : Bob <b@x.test>\nEnvoyé : mardi 3 mars 2026 10:00\nÀ : S\n\nvieux",
    "差出人: Bob\n送信日時: 2026年3月3日\n\n古い",
    "> just quoted\n> lines\n\n",
]


@pytest.mark.parametrize("quote", QUOTES)
def test_quotations_are_found_where_they_begin(quote: str) -> None:
    text = f"My answer.\n\nMore.\n\n{quote}".rstrip()
    assert marks_of(text) == (text.index(quote.rstrip()), None)


@pytest.mark.parametrize(
    "text",
    [
        "No quotation here.",
        "On Tue, 3 Mar 2026, Bob wrote:\n> question one\nmy answer\n> question two\nmy other answer",
        "As your colleague wrote:\nthe parcel is lost.",
        "On 3 May 2026 your colleague wrote:\nplease wait. I did.",
        "From: the beginning I was unhappy\nand it got worse",
        "> only a quotation",
        "a -- b\n-- c --",
        "",
    ],
)
def test_own_words_are_never_hidden(text: str) -> None:
    assert marks_of(text)[0] is None


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nJane\nACME Ltd",
        "--\nJane",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi Samsung Galaxy",
        "Get Outlook for iOS",
        "Отправлено с iPhone",
    ],
)
@pytest.mark.parametrize("tail", ["", "\n\nOn Tue, 3 Mar 2026 at 10:00, Bob <b@x.test> wrote:\n> old"])
def test_signatures(signature: str, tail: str) -> None:
    text = f"Thank you.\n\n{signature}{tail}"
    quoted, signed = marks_of(text)
    assert signed == text.index(signature)
    assert (quoted is not None) == bool(tail)


def test_what_only_looks_like_a_signature() -> None:
    assert marks_of("Sent from my phone. Yes the address is right.")[1] is None
    assert marks_of("-- \n" + "line\n" * 5)[1] is None
    assert marks_of("text\n-- \n" + "line\n" * 60)[1] is None
