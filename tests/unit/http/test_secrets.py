"""Credentials planted at every place they can come from are in nothing that is traced, logged, raised or printed."""

from __future__ import annotations

import base64
import logging
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from carecli.connectors.http import scrub
from carecli.connectors.http.auth import ApiKey, Auth, Basic, NoAuth, bearer
from carecli.connectors.http.client import HttpClient, Patience
from carecli.connectors.http.oauth import ClientCredentials, RefreshedToken
from carecli.connectors.http.tokens import Application, TokenEndpoint, Tokens
from carecli.connectors.http.verdicts import Answer as Came
from carecli.connectors.http.verdicts import Dialect
from carecli.connectors.http.wire import Limits
from carecli.connectors.spi.errors import AuthNeeded, Rejected
from carecli.domain.errors import CareError
from carecli.testing import Answer, FixedSecrets, Request, ScriptedVendor, Trouble
from oauth_server import SECRET, OAuthServer

PLANTED = "pl4nted+/Secret=value~7Fz9"


class Parrot(ScriptedVendor):
    """Repeats what it was sent, as careless vendors do in their errors."""

    def __init__(self) -> None:
        super().__init__()
        for method in ("GET", "POST"):
            self.on(method, "/echo", self.echo)

    def echo(self, request: Request) -> Answer:
        said = [f"{name}: {value}" for name, value in request.headers.items()]
        said += [base64.b64decode(value.split()[1]).decode() for value in request.headers.values() if "Basic " in value]
        said += [value.rpartition(" ")[2] for value in request.headers.values()]
        return Answer({"message": " ".join(said)}, 400, {"X-Echo": said[-1]})


@pytest.fixture
def parrot() -> Iterator[Parrot]:
    with Parrot() as made:
        yield made


def forms(secret: str) -> set[str]:
    whole = {base64.b64encode(text.encode()).decode().rstrip("=") for text in (secret, f"jo:{secret}", f"{secret}:X")}
    return {secret, quote(secret, safe=""), quote_plus(secret), *whole}


SIGNED: dict[str, Callable[[FixedSecrets], Auth]] = {
    "bearer": bearer,
    "token": lambda secrets: bearer(secrets, scheme="token"),
    "basic": lambda secrets: Basic(secrets, "token", user="jo"),
    "as user": lambda secrets: Basic(secrets, "token", as_user=True),
    "api key": lambda secrets: ApiKey(secrets, "token", header="x-api-key"),
}


def said_by(work: Sequence[Callable[[], object]]) -> list[str]:
    """Everything that errors of these calls tell, with their tracebacks and causes."""
    told: list[str] = []
    for call in work:
        try:
            told.append(repr(call()))
        except CareError as error:
            told += [
                error.message,
                error.help,
                repr(error),
                repr(vars(error)),
                "".join(traceback.format_exception(error)),
            ]
            told += [repr(error.__context__), repr(vars(error.__context__ or error))]
    return told


@pytest.mark.parametrize("kind", SIGNED)
def test_nothing_tells_a_static_secret(
    parrot: Parrot, kind: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []
    auth = SIGNED[kind](FixedSecrets(token=PLANTED))
    client = HttpClient(
        parrot.url,
        auth,
        Dialect("Acme"),
        trace=lines.append,
        patience=Patience(attempts=1),
        limits_of=Limits(silence=0.3),
    )
    query = {"api_key": PLANTED, "q": PLANTED, "page": "2"}
    told = said_by(
        [
            lambda: client.request("GET", "/echo", params=query),
            lambda: client.request("POST", "/echo", json={"text": PLANTED}),
            lambda: client.request("POST", "/echo", headers={"X-Broken": f"{PLANTED}\n{PLANTED}"}),
            lambda: client.request("POST", "/echo", headers={"X-Broken": f"ü{PLANTED}"}),
            lambda: client.request("GET", f"https://u:{PLANTED}@acme.example/echo?token={PLANTED}"),
            lambda: client.request("GET", f"http://[broken{PLANTED}"),
            lambda: client.fetch(f"{parrot.url}/echo?X-Amz-Signature={PLANTED}"),
            lambda: client.fetch(f"http://{PLANTED}.example/"),
        ]
    )
    parrot.script(Trouble.drop(times=1))
    parrot.script(Trouble.silent(times=1))
    told += said_by([lambda: client.request("POST", "/echo", params=query)] * 2)
    told += [repr(client), repr(auth), *lines, caplog.text, *(str(record.args) for record in caplog.records)]
    told += capfd.readouterr()
    assert any("Acme says" in text for text in told)
    assert any("page=2" in line for line in lines)
    assert len(lines) == client.calls
    sent = [text for request in parrot.requests for text in request.headers.values()]
    assert any(form in text for form in forms(PLANTED) for text in sent), "it was sent at all"
    assert [text for text in told for form in forms(PLANTED) if form in text] == []
    client.close()


@pytest.mark.parametrize("secret", ["two\nlines-planted", "bäd-planted", "tab\tplanted"])
def test_a_secret_that_fits_no_header_is_not_told(parrot: Parrot, secret: str) -> None:
    client = HttpClient(parrot.url, bearer(FixedSecrets(token=secret)), Dialect("Acme"))
    with pytest.raises(AuthNeeded) as caught:
        client.request("GET", "/echo")
    assert "planted" not in "".join(traceback.format_exception(caught.value))
    assert parrot.requests == []


def test_a_dialect_that_quotes_a_secret_is_scrubbed(parrot: Parrot) -> None:
    def verdict(answer: Came) -> CareError | None:
        return Rejected(f"refused: {answer.headers['x-echo']} {PLANTED}")

    client = HttpClient(parrot.url, bearer(FixedSecrets(token=PLANTED)), Dialect("Acme", verdict=verdict))
    with pytest.raises(Rejected) as caught:
        client.request("GET", "/echo")
    client.close()
    assert PLANTED not in caught.value.message
    client.close()


def test_nothing_tells_an_oauth_secret(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []
    with OAuthServer() as server:
        secrets = FixedSecrets(oauth=server.refresh, client=SECRET)
        application = Application("app", f"{server.url}/token", client_secret="client", method="client_secret_basic")
        endpoint = TokenEndpoint("Acme", application, secrets, trace=lines.append)
        auths: list[Auth] = [RefreshedToken(secrets, "oauth", endpoint), ClientCredentials(endpoint)]
        told: list[str] = []
        for auth in auths:
            client = HttpClient(f"{server.url}/api", auth, Dialect("Acme"), trace=lines.append)
            told += said_by([lambda client=client: client.request("GET", "/me")])  # type: ignore[misc]
            words = " ".join(auth.values())
            server.script(Trouble(Answer({"error": "no", "message": words}, 400), times=1))
            told += said_by([lambda client=client: client.request("POST", "/tickets")])  # type: ignore[misc]
            told += [repr(client), repr(auth)]
            client.close()
        secrets.values["oauth"] = Tokens(refresh="refresh-planted-spent").packed()
        lost = RefreshedToken(secrets, "oauth", endpoint)
        told += said_by([lambda: lost.headers(threading.Event())])
        told += [
            repr(endpoint),
            repr(Tokens.unpacked(secrets.values["oauth"])),
            *lines,
            caplog.text,
            *capfd.readouterr(),
        ]
    assert any("spent" in text for text in told)
    assert [text for text in told if "-planted-" in text or SECRET in text] == []


@pytest.mark.parametrize("value", ["", "abc"])
def test_short_values_blot_nothing_out(value: str) -> None:
    assert scrub.scrubbed("the abc of it", [value]) == "the abc of it"


def test_long_words_are_cut_after_they_were_scrubbed() -> None:
    text: Any = "x" * (scrub.LONGEST - 5) + PLANTED
    assert PLANTED[:4] not in scrub.told(text, [PLANTED])
    assert len(scrub.told(text * 2, [PLANTED])) == scrub.LONGEST


def test_what_is_open_needs_no_sign_in(parrot: Parrot) -> None:
    parrot.script(Trouble.refuse())
    client = HttpClient(parrot.url, NoAuth(), Dialect("Acme"))
    with pytest.raises(AuthNeeded):
        client.request("GET", "/echo")
    assert len(parrot.requests) == 1
    assert "authorization" not in parrot.requests[0].headers
    client.close()
