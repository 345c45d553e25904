from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from carecli.connectors.imap.mapping import records_of
from carecli.connectors.imap.ours import Ours
from carecli.connectors.imap.parse import Mail, parse
from carecli.connectors.imap.threads import Placement, Threader, bare_subject, tokens_of, without_prefix
from carecli.connectors.spi.records import MessageRecord, TicketRecord, TicketsJoined
from carecli.domain.conversation import AuthorKind, Delivery, Direction, MessageKind

OURS = Ours("support@care.test", ("help@shop.test",))


class Store:
    """Committed threads: what earlier pages left."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, bool]] = {}
        self.people: dict[str, frozenset[str]] = {}
        self.subjects: dict[str, str] = {}

    def threads_of(self, keys: Sequence[str]) -> Mapping[str, tuple[str, bool]]:
        return {key: self.keys[key] for key in keys if key in self.keys}

    def participants(self, ticket: str) -> frozenset[str]:
        return self.people.get(ticket, frozenset())

    def subject_of(self, ticket: str) -> str | None:
        return self.subjects.get(ticket)

    def places(self, _folder: str, _uidvalidity: int) -> Mapping[int, tuple[str, ...]]:
        return {}

    def known_messages(self, _external_ids: Sequence[str]) -> frozenset[str]:
        return frozenset()

    def raw(self, _kind: str, _external_id: str) -> bytes | None:
        return None


def mail(
    own: str = "",
    answers: str = "",
    references: str = "",
    subject: str = "Order",
    sender: str = "jane@c.test",
    to: str = "support@care.test",
    more: str = "",
) -> Mail:
    head = [f"From: {sender}", f"To: {to}", f"Subject: {subject}"]
    head += [f"Message-ID: {own}"] if own else []
    head += [f"In-Reply-To: {answers}"] if answers else []
    head += [f"References: {references}"] if references else []
    return parse(("\r\n".join(head) + f"\r\n{more}\r\nbody {own}").encode(), 1_790_000_000_000)


def place(*mails: Mail, store: Store | None = None, pages: bool = False) -> list[Placement]:
    """Places mails of one page, or each as a page of its own that is committed."""
    kept = store or Store()
    threader = Threader(kept, OURS)
    if not pages:
        threader.begin(mails)
        return [threader.place(each) for each in mails]
    result = []
    for each in mails:
        threader.begin([each])
        placed = threader.place(each)
        for key, owned in placed.keys:
            if owned or key not in kept.keys:
                kept.keys[key] = (placed.ticket, owned)
        if placed.new:
            kept.subjects[placed.ticket] = each.subject
        people = {address.email.lower() for address in (each.sender, *each.to, *each.cc) if address}
        kept.people[placed.ticket] = kept.participants(placed.ticket) | people
        for joined in placed.joined:
            kept.keys = {
                key: (joined.survivor if ticket == joined.absorbed else ticket, owned)
                for key, (ticket, owned) in kept.keys.items()
            }
        result.append(placed)
    return result


both = pytest.mark.parametrize("pages", [False, True], ids=["one page", "page by page"])


@both
def test_answers_follow_in_reply_to_and_references(*, pages: bool) -> None:
    placed = place(
        mail("<1@c>"),
        mail("<2@c>", answers="<1@c>", subject="AW: Order"),
        mail("<3@c>", references="<0@c> <2@c> <unknown@c>", subject="Quite another subject"),
        mail("<4@c>", subject="Order"),
        pages=pages,
    )
    assert [each.new for each in placed] == [True, False, False, True]
    assert len({each.ticket for each in placed[:3]}) == 1
    assert placed[3].ticket != placed[0].ticket
    assert placed[0].ticket == f"thread:{mail('<1@c>').sha256[:32]}"


@both
def test_a_cause_that_comes_after_its_answer_joins_it(*, pages: bool) -> None:
    answer, cause = place(mail("<2@c>", answers="<1@c>", subject="Re: Order"), mail("<1@c>"), pages=pages)
    assert cause.ticket == answer.ticket
    assert ("<1@c>", True) in cause.keys


@both
def test_repeated_message_ids_do_not_glue_strangers(*, pages: bool) -> None:
    placed = place(
        mail("<1@c>"),
        mail("<1@c>", sender="eve@other.test", subject="Something else"),
        mail("<1@c>", more="X-Route: 2\r\n"),
        pages=pages,
    )
    assert placed[1].new
    assert ("<1@c>", True) not in placed[1].keys
    assert placed[2].ticket == placed[0].ticket, "the same mail on a second way here"


@both
def test_a_stranger_with_another_subject_does_not_follow_a_reference(*, pages: bool) -> None:
    first, stranger, colleague, report = place(
        mail("<1@c>"),
        mail("<2@c>", answers="<1@c>", sender="eve@other.test", subject="Cheap watches"),
        mail("<3@c>", answers="<1@c>", sender="joe@c.test", subject="Re: Order"),
        mail("<4@c>", answers="<1@c>", sender="joe@c.test", subject="Out of office", more="Auto-Submitted: yes\r\n"),
        pages=pages,
    )
    assert stranger.new
    assert colleague.ticket == report.ticket == first.ticket


@both
def test_tokens_need_a_sender_who_belongs_to_the_thread(*, pages: bool) -> None:
    placed = place(
        mail("<1@c>"),
        mail(
            "<2@care>",
            answers="<1@c>",
            subject="Re: [care.test #12] Order",
            sender="support@care.test",
            to="jane@c.test",
        ),
        mail("<3@c>", subject="Re: [care.test #12] Order"),
        mail("<4@c>", subject="[care.test #12] mine", sender="eve@other.test"),
        mail("<5@care>", subject="[care.test #12] more", sender="support+x@care.test", to="jane@c.test"),
        mail("<6@c>", subject="[#12] other desk"),
        pages=pages,
    )
    tickets = [each.ticket for each in placed]
    assert tickets[0] == tickets[1] == tickets[2] == tickets[4]
    assert placed[3].new
    assert placed[5].new


@both
def test_two_threads_that_one_mail_names_are_joined_into_the_older(*, pages: bool) -> None:
    placed = place(
        mail("<1@c>"),
        mail("<2@c>", subject="RE: Order"),
        mail("<3@care>", references="<1@c> <2@c>", answers="<2@c>", sender="support@care.test", to="jane@c.test"),
        mail("<4@c>", answers="<2@c>", subject="Re: Order"),
        pages=pages,
    )
    assert placed[1].new
    assert placed[2].joined == (TicketsJoined(survivor=placed[0].ticket, absorbed=placed[1].ticket),)
    assert placed[2].ticket == placed[3].ticket == placed[0].ticket


@both
def test_other_subjects_or_people_are_not_joined(*, pages: bool) -> None:
    placed = place(
        mail("<1@c>"),
        mail("<2@c>", subject="Invoice"),
        mail("<3@c>", sender="eve@other.test"),
        mail("<4@c>", references="<1@c> <2@c>"),
        mail("<5@c>", references="<3@c> <1@c>"),
        pages=pages,
    )
    assert not any(each.joined for each in placed)
    assert placed[3].ticket == placed[1].ticket, "the nearest reference counts"
    assert placed[4].ticket == placed[0].ticket


def test_a_report_follows_its_original_and_a_thread_is_found_by_its_own_name() -> None:
    store = Store()
    (first,) = place(mail("<1@care.test>", sender="support@care.test", to="gone@c.test"), store=store, pages=True)
    head = 'Content-Type: multipart/report; boundary="b"\r\n'
    body = (
        "\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; gone@c.test\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        "Message-ID: <1@care.test>\r\n--b--\r\n"
    )
    source = f"From: mailer-daemon@mx.test\r\nSubject: Undelivered\r\n{head}{body}".encode()
    report = parse(source, 1_790_000_000_000)
    (placed,) = place(report, store=store)
    assert placed.ticket == first.ticket
    name = f"<t.{first.ticket.partition(':')[2]}@care.test>"
    assert place(mail("<9@c>", references=name, sender="gone@c.test"), store=store)[0].ticket == first.ticket
    forged = f"<t.{'0' * 32}@care.test>"
    assert place(mail("<9@c>", references=forged), store=store)[0].new


@pytest.mark.parametrize(
    "subject",
    [
        "Order 12",
        "Re: Order 12",
        "RE: AW: FW: order 12",
        "Re[2]: Order 12",
        "SV: VS: Order  12",
        "回复：Order 12",
        "Antw.: Order 12".replace(".", ""),
        "Odp: YNT: R: Rif: Order 12",
        "[care.test #12] Order 12",
        "Re: [#12] Order 12",
        "Ответ: Order 12".replace("Ответ", "Отв"),
    ],
)
def test_subjects_are_compared_bare(subject: str) -> None:
    assert bare_subject(subject) == "order 12"


def test_subject_words() -> None:
    assert without_prefix("Re: RE: Fwd: Regarding: x") == "Regarding: x"
    assert tokens_of("[Care.Test #12] [#3] (#4) [#x]") == ("token:care.test#12", "token:#3")
    assert bare_subject("") == ""


def test_our_own_addresses() -> None:
    assert OURS.has(" Support@CARE.test ")
    assert OURS.has("support+case42@care.test")
    assert OURS.has("help@shop.test")
    assert not OURS.has("support2@care.test")
    assert not OURS.has("jane+support@care.test")
    mark = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    assert OURS.mark_of(f"<{mark}@care.test>") == mark
    assert OURS.mark_of(f"<{mark}@elsewhere.test>") is None
    assert OURS.mark_of("<abc@care.test>") is None
    assert OURS.mark_of(None) is None


def records(message: Mail, *, sent: bool = False, seen: bool = False) -> tuple[TicketRecord, MessageRecord]:
    (placed,) = place(message)
    ticket, record = records_of(message, placed, OURS, from_sent=sent, seen=seen)
    assert isinstance(ticket, TicketRecord)
    assert isinstance(record, MessageRecord)
    return ticket, record


def test_who_is_a_customer() -> None:
    ticket, record = records(mail("<1@c>", sender="Jane <jane@c.test>"))
    assert ticket.requester is not None
    assert (ticket.requester.name, ticket.requester.emails) == ("Jane", ("jane@c.test",))
    assert (record.kind, record.direction, record.author_kind) == (
        MessageKind.CUSTOMER,
        Direction.IN,
        AuthorKind.PERSON,
    )
    assert record.unread
    assert not records(mail("<1@c>"), seen=True)[1].unread

    ticket, record = records(mail("<1@c>", sender="support+x@care.test", to="support@care.test, joe@c.test"))
    assert ticket.requester is not None
    assert ticket.requester.emails == ("joe@c.test",)
    assert (record.kind, record.direction, record.delivery) == (MessageKind.AGENT, Direction.OUT, Delivery.SENT)
    assert not record.unread

    ticket, record = records(mail("<1@c>", sender="support@care.test", more="Reply-To: Web <web@c.test>\r\n"))
    assert ticket.requester is not None
    assert ticket.requester.emails == ("web@c.test",)
    assert record.direction is Direction.IN

    ticket, _ = records(mail("<1@c>", sender="noreply@shop.test", more="Reply-To: buyer@c.test\r\n"))
    assert ticket.requester is not None
    assert ticket.requester.emails == ("buyer@c.test",)

    ticket, record = records(mail("<1@c>", sender="agent.personal@c.test", to="joe@c.test"), sent=True)
    assert record.direction is Direction.OUT

    for message in (
        mail("<1@c>", sender="mailer-daemon@mx.test"),
        mail("<1@c>", more="List-Id: <l.c.test>\r\n"),
        mail("<1@c>", sender=""),
    ):
        ticket, record = records(message)
        assert ticket.requester is None
        assert record.author_kind is not AuthorKind.PERSON


def test_only_our_own_mail_carries_a_mark() -> None:
    own = "<01ARZ3NDEKTSV4RRFFQ69G5FAV@care.test>"
    assert records(mail(own, sender="support@care.test", to="j@c.test"))[1].mark == own[1:27]
    assert records(mail(own, sender="eve@other.test"))[1].mark is None
