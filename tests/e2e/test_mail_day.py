"""The main job on real mail: connect a mailbox of 10,000 mails, read, answer, and look into the customer's mailbox."""

from __future__ import annotations

import collections
import email
import email.policy
import functools
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from carecli_process import clean_environment, run_carecli
from mail_desk import SECRET, Desk, inbox_of, options, until
from mail_peer import MailPeer

MAILS = 10_000
pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("mail")]


@pytest.fixture(scope="module")
def desk(mail_peer: MailPeer, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    mail_peer.seed(MAILS)
    made = Desk(tmp_path_factory.mktemp("desk"), mail_peer)
    made.run("account", "add", "support", "--connector", "imap", *options(mail_peer))
    report = made.run("sync", "support", "--json").json["accounts"][0]
    assert report["state"] == "ok"
    assert report["messages"] == MAILS
    assert report["set_aside"] == 0
    return made


@functools.cache
def truth(peer: MailPeer) -> list[dict[str, object]]:
    """What the seed wrote, with the hash of each mail as IMAP serves it: every line ends in CRLF (RFC 3501)."""
    folder = peer.state / "mail" / "support@care.test"
    lines = [json.loads(line) for line in (folder / "truth.jsonl").read_text("utf-8").splitlines()]
    files = {path.name.partition(",")[0]: path for path in (folder / "Maildir").rglob("*.seed,*")}
    for line in lines:
        raw = files[line["file"].partition(",")[0]].read_bytes()
        line["sha256"] = hashlib.sha256(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")).hexdigest()
    return lines


def test_every_mail_is_there(desk: Desk) -> None:
    stored = {row[0] for row in desk.sql("SELECT external_id FROM message")}
    assert {line["sha256"] for line in truth(desk.peer)} - stored == set()


def test_threads_are_as_the_truth_says(desk: Desk) -> None:
    ticket_of: dict[object, object] = dict(desk.sql("SELECT external_id, ticket_id FROM message"))  # type: ignore[arg-type]
    lines = truth(desk.peer)
    home: dict[object, collections.Counter[object]] = collections.defaultdict(collections.Counter)
    for line in lines:
        home[line["thread"]][ticket_of[line["sha256"]]] += 1
    right = total = 0
    for line in lines:
        # The rule: a follow-up counts unless it lost both In-Reply-To and References ("broken-thread"); without
        # them, and without a token in the subject, nothing in the mail says where it belongs.
        if "broken-thread" in line["quirk"]:  # type: ignore[operator]
            continue
        total += 1
        right += ticket_of[line["sha256"]] == home[line["thread"]].most_common(1)[0][0]
    strangers = collections.defaultdict(set)
    for line in lines:
        strangers[ticket_of[line["sha256"]]].add(line["thread"])
    assert right / total >= 0.99, f"{right} of {total}"
    assert [threads for threads in strangers.values() if len(threads) > 1] == [], "strangers in one ticket"


def test_customers_are_known_by_their_address(desk: Desk) -> None:
    known = {row[0] for row in desk.sql("SELECT value FROM identity WHERE kind = 'email'")}
    bounced = {"dsn", "auto-reply"}
    expected = {line["customer"] for line in truth(desk.peer) if not bounced & set(line["quirk"])}  # type: ignore[call-overload]
    assert expected - known == set()
    assert not [address for address in known if str(address).endswith("@care.test")], "we became our own customer"
    assert {row[0] for row in desk.sql("SELECT DISTINCT channel FROM ticket")} == {"email"}


def test_a_second_sync_changes_nothing(desk: Desk) -> None:
    before = desk.sql("SELECT count(*), sum(id % 1000003) FROM message")
    report = desk.run("sync", "support", "--json").json["accounts"][0]
    assert {report[name] for name in ("tickets", "messages", "customers", "pushed", "set_aside")} == {0}
    assert desk.sql("SELECT count(*), sum(id % 1000003) FROM message") == before


def written(desk: Desk, name: str, subject: str, text: str) -> str:
    """A new mail of a customer, synced; returns the reference of its ticket."""
    desk.peer.deliver(
        f"From: {name} <{name.lower()}@customers.test>\r\nTo: support@care.test\r\nSubject: {subject}\r\n"
        f"Message-ID: <{name.lower()}-1@customers.test>\r\n\r\n{text}\r\n".encode()
    )
    until(10, "the mail is found", lambda: desk.run("sync", "support", "--json").json["accounts"][0]["messages"])
    return desk.run("ticket", "list", f'"{subject}"', "-q").out.strip()


def test_new_mail_appears_at_the_next_sync(desk: Desk) -> None:
    desk.peer.deliver(
        b"From: Nora Neu <nora@customers.test>\r\nTo: support@care.test\r\nSubject: Xylophone broken\r\n"
        b"Message-ID: <nora-1@customers.test>\r\n\r\nIt makes no sound.\r\n"
    )
    until(10, "the mail is found", lambda: desk.run("sync", "support", "--json").json["accounts"][0]["messages"])
    ticket = desk.run("ticket", "list", "xylophone", "--json").json[0]
    assert (ticket["requester"]["email"], ticket["status"], ticket["unread"]) == ("nora@customers.test", "new", True)


def test_watching_brings_new_mail_within_two_seconds(desk: Desk) -> None:
    environment = {**clean_environment(), **SECRET, "CARECLI_HOME": str(desk.home)}
    with subprocess.Popen(
        [sys.executable, "-m", "carecli", "sync", "support", "--watch", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        try:
            assert watching.stdout is not None
            watching.stdout.readline()  # the first look is over, the mailbox is being listened to
            until(5, "listening", lambda: desk.peer.adm("who", "support@care.test"))
            desk.peer.deliver(
                b"From: Olga <olga@customers.test>\r\nTo: support@care.test\r\nSubject: Zeppelin\r\n"
                b"Message-ID: <olga-1@customers.test>\r\n\r\nHello.\r\n"
            )
            sent = time.monotonic()
            until(2.0, "the mail in the list", lambda: desk.sql("SELECT 1 FROM ticket WHERE subject = 'Zeppelin'"))
            assert time.monotonic() - sent < 2.0
        finally:
            watching.terminate()
        assert watching.wait(5) == 0


def test_a_reply_reaches_the_customer_once_and_threaded(desk: Desk, tmp_path: Path) -> None:
    desk.peer.deliver(
        b"From: Rita <rita@customers.test>\r\nTo: support@care.test\r\nCc: Bo <bo@customers.test>\r\n"
        b"Subject: Quince jam\r\nMessage-ID: <rita-1@customers.test>\r\n\r\nWhere is it?\r\n"
    )
    until(10, "the mail is found", lambda: desk.run("sync", "support", "--json").json["accounts"][0]["messages"])
    ref = desk.run("ticket", "list", "quince", "-q").out.strip()
    file = tmp_path / "Rechnung Übersicht.bin"
    file.write_bytes(bytes(range(256)) * 300)
    text = "Hello Rita,\n\nit is on its way – promised ✓\n"
    made = desk.run("ticket", "reply", ref, "--body-file", "-", "--attach", str(file), "--json", stdin=text).json
    assert [operation["state"] for operation in made] == ["done"]
    note = desk.run("ticket", "note", ref, "--body", "she is a friend of the boss", "--json").json
    assert note[0]["state"] == "done"

    mine = f"<{made[0]['id']}@care.test>"

    def arrived() -> list[email.message.EmailMessage]:
        return [mail for mail in inbox_of(desk.peer, "customers@care.test") if mail["Message-ID"] == mine]

    until(10, "the answer in the customer's mailbox", arrived)
    mail = arrived()[0]
    assert len(arrived()) == 1
    assert mail["In-Reply-To"] == "<rita-1@customers.test>"
    assert mail["References"].split() == ["<rita-1@customers.test>"]
    assert mail["Subject"] == "Re: Quince jam"
    assert "rita@customers.test" in mail["To"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "it is on its way – promised ✓" in body.get_content()
    attached = next(iter(mail.iter_attachments()))
    assert attached.get_filename() == file.name
    content = attached.get_content()
    assert hashlib.sha256(content).digest() == hashlib.sha256(file.read_bytes()).digest()

    desk.run("sync", "support")
    in_sent = desk.peer.adm("search", "-u", "support@care.test", "mailbox", "Sent", "HEADER", "Message-ID", mine)
    in_inbox = desk.peer.adm("search", "-u", "support@care.test", "mailbox", "INBOX", "HEADER", "Message-ID", mine)
    assert (len(in_sent.split("\n")) - in_sent.endswith("\n"), in_inbox.strip()) == (1, "")
    shown = desk.run("ticket", "show", ref, "--json").json
    assert [message["kind"] for message in shown["messages"]] == ["customer", "agent", "note"]
    assert (shown["status"], shown["waiting_since"]) == ("pending", None)
    everybody = [inbox_of(desk.peer, f"{user}@care.test") for user in ("customers", "billing", "agent1")]
    assert not [m for box in everybody for m in box if "friend of the boss" in m.as_string()], "the note went out"


def test_an_answer_to_a_solved_ticket_reopens_it(desk: Desk) -> None:
    ref = written(desk, "Sven", "Rhubarb cake", "Where is it?")
    made = desk.run("ticket", "reply", ref, "--body", "On its way.", "--solve", "--json").json
    assert [operation["state"] for operation in made] == ["done", "done"]
    assert desk.run("ticket", "show", ref, "--json").json["status"] == "solved"
    desk.peer.deliver(
        b"From: Sven <sven@customers.test>\r\nTo: support@care.test\r\nSubject: AW: Rhubarb cake\r\n"
        + f"Message-ID: <sven-2@customers.test>\r\nIn-Reply-To: <{made[0]['id']}@care.test>\r\n".encode()
        + b"\r\nStill nothing.\r\n"
    )
    until(10, "the mail is found", lambda: desk.run("sync", "support", "--json").json["accounts"][0]["messages"])
    ticket = desk.run("ticket", "show", ref, "--json").json
    assert (ticket["status"], [message["kind"] for message in ticket["messages"]]) == (
        "open",
        ["customer", "agent", "customer"],
    )
    assert {"status"} <= {event["field"] for event in ticket["events"] if event["origin"] == "remote"}


def test_a_bounce_marks_the_reply_as_failed(desk: Desk) -> None:
    made = desk.run(
        "ticket",
        "new",
        "--account",
        "support",
        "--to",
        "bounce-now@customers.test",
        "--subject",
        "Greetings",
        "--body",
        "Are you there?",
        "--json",
    ).json
    assert made[0]["state"] == "done"
    ref = made[0]["target"]

    def failed() -> bool:
        desk.run("sync", "support")
        messages = desk.run("ticket", "show", ref, "--json").json["messages"]
        return bool(messages[0]["delivery"] == "failed" and len(messages) == 2)

    until(20, "the delivery report", failed)
    shown = desk.run("ticket", "show", ref, "--json").json
    assert [message["kind"] for message in shown["messages"]] == ["agent", "system"]
    assert shown["requester"]["email"] == "bounce-now@customers.test"


@pytest.mark.parametrize(
    ("change", "code", "error"),
    [
        ({}, 3, "AUTH_FAILED"),
        ({"imap_port": "1"}, 9, "UNREACHABLE"),
        ({"imap_host": "no-such-host.invalid"}, 9, "UNREACHABLE"),
        ({"ca_file": ""}, 10, "TLS_CERTIFICATE"),
        ({"folders": "Nowhere"}, 5, "REMOTE_GONE"),
    ],
    ids=["wrong password", "closed port", "unknown host", "untrusted certificate", "missing folder"],
)
def test_bad_setups_say_what_is_wrong(
    mail_peer: MailPeer, tmp_path: Path, change: dict[str, str], code: int, error: str
) -> None:
    words = options(mail_peer)
    for key, value in change.items():
        words = [word for word in words if not word.startswith(f"{key}=")]
        words += [f"{key}={value}"] if value else []
    pairs = [word for word in words if word != "--set"]
    setting = [part for pair in pairs for part in ("--set", pair)]
    run_carecli(["account", "add", "support", "--connector", "imap", *setting], tmp_path)
    secret = {"CARECLI_SECRET_SUPPORT_PASSWORD": "wrong-secret-word" if not change else MailPeer.password}
    done = run_carecli(["sync", "support", "--json"], tmp_path, code=None, environment=secret)
    assert (done.code, done.error["code"]) == (code, error)
    assert done.error["help"]
    assert "wrong-secret-word" not in done.out + done.err
    assert run_carecli(["db", "check", "--json"], tmp_path).json["ok"] is True


def test_offline_a_reply_waits_and_leaves_later_once(desk: Desk) -> None:
    ref = written(desk, "Ulla", "Clarinet squeaks", "What now?")
    config = desk.home / "config.toml"
    text = config.read_text("utf-8")
    config.write_text(text.replace(f"smtp_port = {desk.peer.submission}", "smtp_port = 9"), "utf-8")
    made = desk.run("ticket", "reply", ref, "--body", "A new reed will do.", "--json").json
    assert [operation["state"] for operation in made] == ["ready"]
    config.write_text(text, "utf-8")
    mine = f"<{made[0]['id']}@care.test>"
    until(30, "the reply leaves", lambda: desk.run("sync", "--json").json["accounts"][0]["pushed"])
    until(10, "it arrives", lambda: [m for m in inbox_of(desk.peer, "customers@care.test") if m["Message-ID"] == mine])
    assert len([m for m in inbox_of(desk.peer, "customers@care.test") if m["Message-ID"] == mine]) == 1
