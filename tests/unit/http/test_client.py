"""The HTTP client of an account against a vendor that misbehaves: what is tried again, what is not, what is told."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from carecli.connectors.http.auth import bearer
from carecli.connectors.http.client import HttpClient, Patience
from carecli.connectors.http.verdicts import Answer as Came
from carecli.connectors.http.verdicts import Dialect, Stopped
from carecli.connectors.http.wire import Limits
from carecli.connectors.spi.errors import (
    Ambiguous,
    AuthNeeded,
    BadSetup,
    Conflicting,
    Gone,
    Rejected,
    Retryable,
    Throttled,
    Unsupported,
)
from carecli.domain.errors import CareError
from carecli.testing import Answer, FixedSecrets, Request, ScriptedVendor, Trouble

TOKEN = "tok-7Fz9+planted/secret=="


class Vendor(ScriptedVendor):
    def __init__(self) -> None:
        super().__init__()
        self.token = TOKEN
        self.made: list[str] = []
        self.on("GET", "/api/tickets", lambda request: Answer({"page": request.query.get("page", "1")}))
        self.on("POST", "/api/search", lambda _: Answer({"found": 1}))
        self.on("POST", "/api/tickets", self.make)

    def make(self, request: Request) -> Answer:
        self.made.append(request.json()["text"])
        return Answer({"id": len(self.made)}, 201)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor() as made:
        yield made


def client_of(url: str, *, token: str = TOKEN, attempts: int = 3, **more: Any) -> HttpClient:
    patience = Patience(attempts=attempts, first=0.01, longest=0.02, budget=1.0)
    dialect = more.pop("dialect", Dialect("Acme"))
    return HttpClient(url, bearer(FixedSecrets(token=token)), dialect, patience=patience, **more)


@pytest.fixture
def client(vendor: Vendor) -> Iterator[HttpClient]:
    made = client_of(f"{vendor.url}/api")
    yield made
    made.close()


def nobody() -> str:
    """An address where nothing listens."""
    with ScriptedVendor() as gone:
        return gone.url


def test_a_read_is_signed_and_decoded(vendor: Vendor, client: HttpClient) -> None:
    assert client.request("GET", "/tickets", params={"page": 2, "none": None}).json() == {"page": "2"}
    assert dict(vendor.requests[0].query) == {"page": "2"}
    assert vendor.requests[0].headers["user-agent"].startswith("carecli/")
    assert client.calls == 1


def test_one_connection_serves_many_calls(vendor: Vendor, client: HttpClient) -> None:
    client.request("GET", "/tickets")
    first = set(vendor._server.open)
    client.request("GET", "/tickets")
    assert vendor._server.open == first
    assert len(first) == 1


@pytest.mark.parametrize("link", ["https://evil.example/api/tickets?page=3", "//evil.example/api/tickets?page=3"])
def test_a_link_is_followed_on_our_own_host(client: HttpClient, link: str) -> None:
    assert client.request("GET", link).json() == {"page": "3"}


@pytest.mark.parametrize(
    "where", ["/tickets/../admin", "/tickets/%2e%2e/admin", "mailto:jo@acme.example", "http://a:b/"]
)
def test_an_address_that_leads_astray_is_not_called(vendor: Vendor, client: HttpClient, where: str) -> None:
    with pytest.raises(Rejected, match="nothing was sent"):
        client.request("GET", where)
    assert vendor.requests == []


def test_a_file_elsewhere_gets_no_credentials(vendor: Vendor, client: HttpClient) -> None:
    with ScriptedVendor() as cdn:
        cdn.on("GET", "/file", lambda _: Answer(b"bytes"))
        vendor.on("GET", "/api/file", lambda _: Answer(None, 302, {"Location": f"{cdn.url}/file?Signature=s"}))
        assert client.fetch(f"{cdn.url}/file?Signature=s") == b"bytes"
        assert client.fetch(f"{vendor.url}/api/file") == b"bytes"
        assert client.fetch("/file") == b"bytes"
        assert not any("authorization" in request.headers for request in cdn.requests)
        assert all("authorization" in request.headers for request in vendor.requests)


def test_a_file_is_not_fetched_without_encryption(client: HttpClient) -> None:
    with pytest.raises(Rejected, match="not safe"):
        client.fetch("http://cdn.example/file")
    away = client_of("https://acme.example/api")
    with pytest.raises(Rejected, match="not safe"):
        away.fetch("https://127.0.0.1/file")


def test_a_call_is_not_redirected_to_another_host(vendor: Vendor, client: HttpClient) -> None:
    with ScriptedVendor() as other:
        vendor.on("GET", "/api/moved", lambda _: Answer(None, 302, {"Location": f"{other.url}/x"}))
        vendor.on("POST", "/api/moved", lambda _: Answer(None, 308, {"Location": f"{other.url}/x"}))
        vendor.on("POST", "/api/seen", lambda _: Answer(None, 302, {"Location": "/api/tickets"}))
        with pytest.raises(BadSetup):
            client.request("GET", "/moved")
        with pytest.raises(BadSetup):
            client.request("POST", "/moved", json={})
        with pytest.raises(Ambiguous):
            client.request("POST", "/seen", json={})
        assert other.requests == []


def test_a_redirect_without_end_ends(vendor: Vendor, client: HttpClient) -> None:
    vendor.on("GET", "/api/loop", lambda _: Answer(None, 302, {"Location": "/api/loop"}))
    with pytest.raises(BadSetup):
        client.request("GET", "/loop")
    assert client.calls == 6


@pytest.mark.parametrize(
    "trouble", [Trouble.error(503), Trouble.drop(), Trouble.throttle(0)], ids=["503", "cut", "429"]
)
def test_a_read_is_tried_again(vendor: Vendor, client: HttpClient, trouble: Trouble) -> None:
    trouble.times = 2
    vendor.script(trouble)
    assert client.request("GET", "/tickets").status == 200
    assert client.calls == 3


def test_a_read_gives_up(vendor: Vendor, client: HttpClient) -> None:
    vendor.script(Trouble.error(502))
    with pytest.raises(Retryable):
        client.request("GET", "/tickets")
    assert len(vendor.requests) == 3


def test_a_long_wait_is_left_to_the_engine(vendor: Vendor, client: HttpClient) -> None:
    vendor.script(Trouble.throttle(40))
    with pytest.raises(Throttled) as caught:
        client.request("GET", "/tickets")
    assert caught.value.retry_after == 40
    with pytest.raises(Throttled) as again:
        client.request("POST", "/tickets", json={"text": "x"})
    assert again.value.retry_after in (39, 40)
    assert len(vendor.requests) == 1, "the second call was held back here"


def test_a_search_by_post_is_a_read(vendor: Vendor, client: HttpClient) -> None:
    client.before_effect = lambda: pytest.fail("a read announces nothing")
    vendor.script(Trouble.drop(times=1))
    assert client.request("POST", "/search", json={"q": 1}, reading=True).json() == {"found": 1}


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (Trouble.lose(), Ambiguous),
        (Trouble.drop(), Ambiguous),
        (Trouble.error(500), Ambiguous),
        (Trouble.error(503), Ambiguous),
        (Trouble.error(408), Ambiguous),
        (Trouble(Answer({}, 503, {"Retry-After": "7"})), Retryable),
        (Trouble.throttle(7), Throttled),
        (Trouble.refuse(), AuthNeeded),
        (Trouble.error(403), Unsupported),
        (Trouble.error(404), Gone),
        (Trouble.error(410), Gone),
        (Trouble.error(409), Conflicting),
        (Trouble.error(412), Conflicting),
        (Trouble.error(422), Rejected),
        (Trouble.error(400), Rejected),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_write_is_sent_once(vendor: Vendor, client: HttpClient, trouble: Trouble, expected: type[CareError]) -> None:
    vendor.script(trouble)
    with pytest.raises(CareError) as caught:
        client.request("POST", "/tickets", json={"text": "x"})
    assert type(caught.value) is expected
    assert caught.value.message
    assert len(vendor.requests) == 1
    if expected in (Retryable, Throttled):
        assert caught.value.retry_after == 7


def test_a_write_that_meets_nobody_was_not_sent() -> None:
    client = client_of(nobody())
    client.before_effect = lambda: pytest.fail("nothing can take effect")
    with pytest.raises(Retryable, match="nothing was sent"):
        client.request("POST", "/tickets", json={})
    assert client.calls == 1


def test_a_write_whose_answer_is_no_json_is_in_doubt(vendor: Vendor, client: HttpClient) -> None:
    vendor.script(Trouble.garbage())
    with pytest.raises(Ambiguous):
        client.request("POST", "/tickets", json={}).json()
    with pytest.raises(Retryable):
        client.request("GET", "/tickets").json()


def test_a_write_is_announced_in_the_caller_s_thread_before_it_leaves(vendor: Vendor, client: HttpClient) -> None:
    seen: list[tuple[int, int]] = []
    client.before_effect = lambda: seen.append((threading.get_ident(), len(vendor.requests)))
    client.request("POST", "/tickets", json={"text": "a"})
    client.request("POST", "/tickets", json={"text": "b"})
    assert seen == [(threading.get_ident(), 0), (threading.get_ident(), 1)]


def test_a_refused_announcement_holds_the_write(vendor: Vendor, client: HttpClient) -> None:
    def refuse() -> None:
        raise LookupError("not ours any more")

    client.before_effect = refuse
    with pytest.raises(LookupError):
        client.request("POST", "/tickets", json={"text": "x"})
    client.before_effect = lambda: None
    client.request("POST", "/tickets", json={"text": "y"})
    assert vendor.made == ["y"]
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(("method", "expected"), [("GET", Stopped), ("POST", Ambiguous)])
def test_a_stop_ends_a_silent_call(vendor: Vendor, client: HttpClient, method: str, expected: type[CareError]) -> None:
    vendor.script(Trouble.silent(times=1))
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(expected, match="was not waited for"):
        client.request(method, "/tickets", stop=stop, json={} if method == "POST" else None)
    assert client.request("GET", "/tickets").status == 200


def test_a_stop_ends_a_wait(vendor: Vendor) -> None:
    client = HttpClient(
        vendor.url,
        bearer(FixedSecrets(token=TOKEN)),
        Dialect("Acme"),
        patience=Patience(first=60, longest=60, budget=99),
    )
    vendor.script(Trouble.throttle(50))
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Stopped):
        client.request("GET", "/tickets", stop=stop)
    with pytest.raises(Stopped):
        client.request("GET", "/tickets", stop=stop)
    client.close()


def test_a_silent_vendor_is_given_up(vendor: Vendor) -> None:
    client = client_of(vendor.url, attempts=1, limits_of=Limits(silence=0.2))
    vendor.script(Trouble.silent())
    with pytest.raises(Retryable, match="kept silent"):
        client.request("GET", "/tickets")
    with pytest.raises(Ambiguous, match="after the request was sent"):
        client.request("POST", "/tickets", json={})
    client.close()


def test_a_huge_answer_is_refused(vendor: Vendor) -> None:
    client = client_of(vendor.url, limits_of=Limits(most_bytes=1000))
    vendor.on("GET", "/big", lambda _: Answer(b"x" * 5000))
    with pytest.raises(Rejected, match="more than"):
        client.request("GET", "/big")
    client.close()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "No such field"}, "No such field"),
        ({"error": {"title": "Forbidden", "message": "Not you"}}, "Not you; Forbidden"),
        ({"errors": [{"field": "status", "message": "is closed"}]}, "status: is closed"),
        ({"errorMessages": [], "errors": {"summary": "is required"}}, "summary: is required"),
        ({"description": "Validation failed", "errors": [{"field": "a", "message": "b"}]}, "Validation failed; a: b"),
        (b"plain words\x1b[2J\nsecond line", "plain words[2J second line"),
        (b"<html>page</html>", ""),
        (b'{"broken', ""),
    ],
)
def test_a_refusal_keeps_the_vendor_s_words(vendor: Vendor, client: HttpClient, body: Any, words: str) -> None:
    vendor.script(Trouble(Answer(body, 422)))
    with pytest.raises(Rejected) as caught:
        client.request("POST", "/tickets", json={})
    expected = f"Acme says: {words}" if words else "Acme answered 422 Unprocessable Entity"
    assert caught.value.message == expected


def test_a_dialect_has_the_first_word(vendor: Vendor) -> None:
    def verdict(answer: Came) -> CareError | None:
        if b"rate" in answer.content:
            return Throttled("too fast", retry_after=3)
        return Rejected("not signed in as anybody") if answer.status == 200 else None

    def words(_: Came) -> str:
        raise KeyError("a body nobody foresaw")

    client = client_of(f"{vendor.url}/api", dialect=Dialect("Acme", words=words, verdict=verdict))
    with pytest.raises(Rejected, match="anybody"):
        client.request("GET", "/tickets")
    vendor.script(Trouble(Answer({"error": "rate"}, 403), times=1))
    with pytest.raises(Throttled):
        client.request("POST", "/tickets", json={})
    with pytest.raises(Gone, match="404 Not Found"):
        client.request("POST", "/nothing", json={})
    client.close()


def test_a_secret_that_was_changed_meanwhile_is_used(vendor: Vendor) -> None:
    secrets = FixedSecrets(token=TOKEN)
    client = HttpClient(vendor.url, bearer(secrets), Dialect("Acme"))
    client.request("GET", "/api/tickets")
    vendor.token = secrets.values["token"] = "another-one"
    assert client.request("POST", "/api/tickets", json={"text": "x"}).status == 201
    vendor.token = "a-third"
    with pytest.raises(AuthNeeded) as caught:
        client.request("GET", "/api/tickets")
    assert caught.value.help
    client.close()


@pytest.mark.parametrize(
    "address",
    ["", "acme", "ftp://acme.example", "http://acme.example", "https://u:p@acme.example", "https://a.example/?x=1"],
)
def test_an_address_that_cannot_be_is_refused(address: str) -> None:
    with pytest.raises(BadSetup):
        client_of(address)


def test_a_ca_file_that_is_none_is_told(vendor: Vendor, tmp_path: Any) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for file in ("empty.pem", "missing.pem"):
        with pytest.raises(BadSetup, match=file):
            client_of(vendor.url, ca_file=str(tmp_path / file)).request("GET", "/tickets")


def test_the_environment_s_proxy_is_used(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", nobody())
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    client = client_of(vendor.url, attempts=1)
    with pytest.raises(Retryable, match="cannot be reached"):
        client.request("GET", "/tickets")
    assert vendor.requests == []
    client.close()


@pytest.fixture
def authority(tmp_path: Path) -> tuple[str, ssl.SSLContext]:
    """A CA file of our own, and what a server on this machine shows with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, private = tmp_path / "ca.pem", tmp_path / "key.pem"
    shown.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, private)
    return str(shown), context


def test_a_certificate_of_our_own_is_trusted_by_its_file_alone(authority: tuple[str, ssl.SSLContext]) -> None:
    file, context = authority
    with Vendor() as vendor:
        vendor._server.socket = context.wrap_socket(vendor._server.socket, server_side=True)
        url = vendor.url.replace("http:", "https:") + "/api"
        stranger = client_of(url)
        stranger.before_effect = lambda: pytest.fail("nothing can take effect")
        for method in ("GET", "POST"):
            with pytest.raises(BadSetup, match="certificate"):
                stranger.request(method, "/tickets")
        assert vendor.requests == []
        friend = client_of(url, ca_file=file)
        assert friend.request("GET", "/tickets").status == 200
        assert friend.request("POST", "/tickets", json={"text": "x"}).status == 201
        friend.close()
        stranger.close()


def test_a_write_that_the_proxy_does_not_pass_on_was_not_sent(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted vendor as a proxy: it knows no CONNECT."""
    monkeypatch.setenv("HTTPS_PROXY", vendor.url)
    client = client_of("https://acme.example/api")
    client.before_effect = lambda: pytest.fail("nothing can take effect")
    with pytest.raises(Retryable, match="through the proxy; nothing was sent"):
        client.request("POST", "/tickets", json={"text": "x"})
    client.close()


def test_a_write_leaves_only_after_a_stop_was_looked_for(vendor: Vendor, client: HttpClient) -> None:
    stop = threading.Event()
    stop.set()
    client.before_effect = lambda: pytest.fail("nothing can take effect")
    with pytest.raises(Stopped):
        client.request("POST", "/tickets", json={"text": "x"}, stop=stop)
    assert vendor.requests == []
