"""Values of the domain: tickets, customers, addresses and the errors people meet."""

from __future__ import annotations

import inspect

import pytest

from carecli.domain import errors
from carecli.domain.conversation import Address, Visibility
from carecli.domain.customer import Customer, Identity, IdentityKind
from carecli.domain.ids import normal_email
from carecli.domain.knowledge import Article
from carecli.domain.ticket import (
    Channel,
    Priority,
    Requester,
    StatusCategory,
    SyncState,
    Ticket,
    TicketStatus,
    TicketType,
    category_of,
)

KINDS = [e for e in vars(errors).values() if inspect.isclass(e) and issubclass(e, errors.CareError)]


def ticket(status: TicketStatus = TicketStatus.OPEN) -> Ticket:
    return Ticket(
        id=1,
        account="support",
        number="12",
        subject="Kettle",
        status=status,
        status_label=None,
        priority=Priority.NONE,
        channel=Channel.EMAIL,
        type=TicketType.QUESTION,
        requester=Requester(None, None, None, None),
        organisation=None,
        assignee=None,
        team=None,
        tags=(),
        created_at=0,
        updated_at=0,
        solved_at=None,
        waiting_since=None,
        snoozed_until=None,
        unread=False,
        message_count=0,
        url=None,
        sync_state=SyncState.CLEAN,
    )


def test_a_ticket_is_named_by_account_and_number() -> None:
    assert ticket().ref == "support:12"


@pytest.mark.parametrize("status", list(TicketStatus))
def test_every_status_has_one_category(status: TicketStatus) -> None:
    assert ticket(status).status_category is category_of(status)


def test_the_categories_are_those_of_the_contract() -> None:
    by_category = {c: {str(s) for s in TicketStatus if category_of(s) is c} for c in StatusCategory}
    assert by_category == {"open": {"new", "open"}, "waiting": {"pending", "on_hold"}, "done": {"solved", "closed"}}


def test_an_address_reads_as_people_write_it() -> None:
    assert str(Address("jo@example.com", "Jo Doe")) == "Jo Doe <jo@example.com>"
    assert str(Address("jo@example.com")) == "jo@example.com"


def test_addresses_are_compared_without_case_and_space() -> None:
    assert normal_email("  Jo.Doe@Example.COM ") == "jo.doe@example.com"


def customer(*identities: tuple[IdentityKind, str]) -> Customer:
    return Customer(
        id=1,
        name="Jo",
        organisation=None,
        language=None,
        timezone=None,
        tier=None,
        vip=False,
        notes="",
        tags=(),
        identities=tuple(Identity("a", kind, value, value, verified=False, shared=False) for kind, value in identities),
        tickets_open=0,
        tickets_total=0,
        last_contact_at=None,
    )


def test_a_customer_lists_each_contact_point_once_and_in_order() -> None:
    jo = customer(
        (IdentityKind.EMAIL, "b@x"),
        (IdentityKind.PHONE, "+1"),
        (IdentityKind.EMAIL, "a@x"),
        (IdentityKind.EMAIL, "b@x"),
        (IdentityKind.WHATSAPP, "+1"),
        (IdentityKind.VENDOR_USER, "77"),
        (IdentityKind.CRM_CONTACT, "c1"),
        (IdentityKind.X, "jo"),
        (IdentityKind.X, "jo"),
    )
    assert jo.values(IdentityKind.EMAIL) == ("b@x", "a@x")
    assert jo.values(IdentityKind.TELEGRAM) == ()
    assert jo.handles == ("whatsapp:+1", "x:jo")


def test_an_article_is_public_or_internal() -> None:
    article = Article(1, "kb", "T", None, None, Visibility.INTERNAL, 0, verified=False, body_text="B")
    assert article.visibility == "internal"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_stable_code_and_an_exit_code(kind: type[errors.CareError]) -> None:
    error = kind("what happened", help="what to do", retry_after=3)
    assert str(error) == error.message == "what happened"
    assert (error.help, error.retry_after) == ("what to do", 3)
    assert error.code.isupper()
    assert 1 <= error.exit_code <= 11
    assert kind("x", code="OTHER").code == "OTHER"
    assert kind("x").code == kind.code


def test_exit_codes_tell_kinds_of_errors_apart() -> None:
    assert sorted(kind.exit_code for kind in KINDS) == list(range(1, 12))
