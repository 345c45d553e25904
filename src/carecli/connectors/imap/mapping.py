"""A parsed mail and its ticket as records for the store."""

from __future__ import annotations

import re
from collections.abc import Iterator

from carecli.connectors.imap.bounces import is_machine
from carecli.connectors.imap.ours import Ours
from carecli.connectors.imap.parse import Mail
from carecli.connectors.imap.threads import Placement
from carecli.connectors.spi.records import MessageRecord, PersonRecord, TicketRecord, TicketsJoined
from carecli.domain.conversation import Address, AuthorKind, Delivery, Direction, MessageKind, Visibility
from carecli.domain.ticket import Channel

_NO_REPLY = re.compile(r"(?i)^(?:no|do|donot|dont|not)[-_.]?(?:not[-_.]?)?reply(?:[-_.+@]|$)")
NO_SUBJECT = "(no subject)"


def records_of(
    mail: Mail, placement: Placement, ours: Ours, *, from_sent: bool, seen: bool
) -> Iterator[TicketRecord | TicketsJoined | MessageRecord]:
    r"""Ticket (when the mail starts one), joined tickets and the message, in the order the store needs them.

    ``from_sent``: the mail lies in the folder of sent mail; ``seen``: it carries the ``\Seen`` flag.
    """
    kind, author_kind, author = _author(mail, ours, from_sent=from_sent)
    outgoing = kind is MessageKind.AGENT
    if placement.new:
        requester = _first_recipient(mail, ours) if outgoing else author
        customer = outgoing or author_kind is AuthorKind.PERSON
        yield TicketRecord(
            external_id=placement.ticket,
            subject=mail.subject or NO_SUBJECT,
            channel=Channel.EMAIL,
            created_at=mail.sent_at,
            updated_at=mail.sent_at,
            requester=_person(requester) if customer and requester else None,
            language=mail.language,
        )
    yield from placement.joined
    failed = mail.report is not None and mail.report.failed
    yield MessageRecord(
        external_id=mail.sha256,
        ticket=placement.ticket,
        kind=kind,
        direction=Direction.OUT if outgoing else Direction.IN,
        visibility=Visibility.PUBLIC,
        channel=Channel.EMAIL,
        author_kind=author_kind,
        author=_person(author) if author else PersonRecord(),
        sent_at=mail.sent_at,
        body_text=mail.text,
        to=mail.to,
        cc=mail.cc,
        bcc=mail.bcc,
        subject=mail.subject or None,
        quoted_from=mail.quoted_from,
        signature_from=mail.signature_from,
        message_id=mail.message_id,
        in_reply_to=mail.in_reply_to[0] if mail.in_reply_to else None,
        references=mail.references,
        delivery=Delivery.SENT if outgoing else Delivery.NOT_TRACKED,
        failure=mail.report.failure if failed and mail.report else None,
        automatic=mail.automatic or mail.report is not None,
        unread=not outgoing and not seen,
        language=mail.language,
        attachments=mail.attachments,
        mark=ours.mark_of(mail.message_id) if outgoing else None,
        bounce_of=mail.report.original if failed and mail.report else None,
        thread_keys=placement.keys,
    )


def is_from_us(mail: Mail, ours: Ours) -> bool:
    """Whether we wrote a mail. A form that writes in our name for somebody in Reply-To is not us."""
    return mail.sender is not None and ours.has(mail.sender.email) and not ours.others(mail.reply_to)


def _author(mail: Mail, ours: Ours, *, from_sent: bool) -> tuple[MessageKind, AuthorKind, Address | None]:
    sender = mail.sender
    if mail.report is not None or (sender and is_machine(sender.email)):
        return MessageKind.SYSTEM, AuthorKind.SYSTEM, sender
    if from_sent or is_from_us(mail, ours):
        return MessageKind.AGENT, AuthorKind.AGENT, sender
    if mail.mailing_list or sender is None:
        return MessageKind.CUSTOMER, AuthorKind.THIRD_PARTY, sender
    writers = ours.others(mail.reply_to)
    if writers and (ours.has(sender.email) or _NO_REPLY.match(sender.email)):
        return MessageKind.CUSTOMER, AuthorKind.PERSON, writers[0]
    return MessageKind.CUSTOMER, AuthorKind.PERSON, sender


def _first_recipient(mail: Mail, ours: Ours) -> Address | None:
    return next(iter(ours.others((*mail.to, *mail.cc, *mail.bcc))), None)


def _person(address: Address) -> PersonRecord:
    return PersonRecord(name=address.name or None, emails=(address.email,))
