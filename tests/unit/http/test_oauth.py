"""OAuth against a server that rotates: tokens are renewed in time, kept before use, and never lost between processes."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from carecli.connectors.http.client import HttpClient, Patience
from carecli.connectors.http.oauth import ClientCredentials, RefreshedToken
from carecli.connectors.http.sign_in import DeviceCode, in_browser, on_a_device
from carecli.connectors.http.tokens import Application, GrantRefused, TokenEndpoint, Tokens
from carecli.connectors.http.verdicts import Dialect, Stopped
from carecli.connectors.spi.errors import AuthNeeded, BadSetup, Retryable, Throttled
from carecli.domain.errors import CareError, ConfigError
from carecli.testing import Answer, FixedSecrets, Trouble
from oauth_server import SECRET, OAuthServer

MADE: list[HttpClient] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while MADE:
        MADE.pop().close()


@pytest.fixture
def server() -> Iterator[OAuthServer]:
    with OAuthServer() as made:
        yield made


def endpoint_of(server: OAuthServer, secrets: FixedSecrets, **more: Any) -> TokenEndpoint:
    app: dict[str, Any] = {"client_id": "app", "client_secret": "client", "method": "client_secret_post"}
    app |= more.pop("app", {})
    application = Application(
        token_url=f"{server.url}/token",
        authorize_url=f"{server.url}/authorize",
        device_url=f"{server.url}/device",
        scope="read write",
        **app,
    )
    return TokenEndpoint("Acme", application, secrets, **more)


def secrets_of(server: OAuthServer) -> FixedSecrets:
    return FixedSecrets(oauth=server.refresh, client=SECRET)


def client_of(server: OAuthServer, secrets: FixedSecrets, **more: Any) -> HttpClient:
    auth = RefreshedToken(secrets, "oauth", endpoint_of(server, secrets, **more))
    MADE.append(HttpClient(f"{server.url}/api", auth, Dialect("Acme"), patience=Patience(attempts=1)))
    return MADE[-1]


def test_a_refresh_token_becomes_an_access_token_and_is_replaced(server: OAuthServer) -> None:
    secrets = secrets_of(server)
    assert client_of(server, secrets).request("GET", "/me").json() == {"name": "Sam"}
    assert Tokens.unpacked(secrets.values["oauth"]).refresh == server.refresh == "refresh-planted-1"
    assert client_of(server, secrets).request("GET", "/me").status == 200, "the next run needs no new token"
    assert server.grants() == 1


def test_the_new_token_is_kept_before_it_is_used(server: OAuthServer) -> None:
    class Full(FixedSecrets):
        def put(self, name: str, value: str) -> None:
            raise ConfigError("no room")

    with pytest.raises(ConfigError):
        client_of(server, Full(oauth=server.refresh, client=SECRET)).request("GET", "/me")
    assert [request.path for request in server.requests] == ["/token"]


def test_a_vendor_that_does_not_rotate_needs_no_place_to_keep_tokens(server: OAuthServer) -> None:
    class Fixed(FixedSecrets):
        def put(self, name: str, value: str) -> None:
            raise ConfigError("comes from the environment")

    server.rotates = False
    client = client_of(server, Fixed(oauth=server.refresh, client=SECRET))
    assert client.request("GET", "/me").status == 200
    assert client.request("GET", "/me").status == 200
    assert server.grants() == 1


def test_a_token_is_renewed_before_it_ends(server: OAuthServer) -> None:
    now = [1_000_000.0]
    client = client_of(server, secrets_of(server), clock=lambda: now[0])
    client.request("GET", "/me")
    now[0] += 3600 - 61
    client.request("GET", "/me")
    assert server.grants() == 1
    now[0] += 2
    client.request("GET", "/me")
    assert server.grants() == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_that_ended_early_is_renewed_once(server: OAuthServer, method: str) -> None:
    client = client_of(server, secrets_of(server))
    client.request("GET", "/me")
    server.access = "revoked"
    announced: list[int] = []
    client.before_effect = lambda: announced.append(1)
    assert client.request(method, "/me" if method == "GET" else "/tickets").status == 200
    assert server.grants() == 2
    assert len(announced) == (2 if method == "POST" else 0)
    server.script(Trouble.refuse(only=lambda request: request.path.startswith("/api")))
    with pytest.raises(AuthNeeded):
        client.request("GET", "/me")
    assert server.grants() == 3


def test_tokens_that_another_process_renewed_are_taken_over(server: OAuthServer) -> None:
    secrets = secrets_of(server)
    one, other = client_of(server, secrets), client_of(server, secrets)
    one.request("GET", "/me")
    other.request("GET", "/me")
    server.access = "revoked"
    one.request("GET", "/me")
    other.request("GET", "/me")
    assert server.grants() == 2


def test_a_refresh_token_that_another_process_spends_at_that_moment_is_read_again(server: OAuthServer) -> None:
    """The other process has been given new tokens and keeps them just after ours were asked for."""
    theirs = secrets_of(server)
    ours = FixedSecrets(**theirs.values)
    client_of(server, theirs).request("GET", "/me")
    threading.Timer(0.3, lambda: ours.values.update(theirs.values)).start()
    assert client_of(server, ours).request("GET", "/me").status == 200
    assert server.grants() == 2, "theirs, and ours that was refused"


def test_many_at_once_lose_nothing(server: OAuthServer) -> None:
    secrets = secrets_of(server)
    failures: list[CareError] = []

    def run() -> None:
        try:
            client_of(server, secrets).request("GET", "/me")
        except CareError as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Tokens.unpacked(secrets.values["oauth"]).refresh == server.refresh
    assert client_of(server, secrets).request("GET", "/me").status == 200
    assert failures == []


def test_a_refresh_token_that_is_spent_needs_a_person(server: OAuthServer) -> None:
    secrets = FixedSecrets(oauth="refresh-spent", client=SECRET)
    with pytest.raises(GrantRefused) as caught:
        client_of(server, secrets).request("GET", "/me")
    assert caught.value.help
    assert "refresh-spent" not in caught.value.message
    assert secrets.values["oauth"] == "refresh-spent"
    with pytest.raises(AuthNeeded):
        client_of(server, FixedSecrets(oauth=Tokens(access="old", stale_at=1).packed(), client=SECRET)).request(
            "GET", "/me"
        )


def test_a_stop_does_not_lose_the_token_that_is_on_its_way(server: OAuthServer) -> None:
    server.script(Trouble.slow(0.6, times=1))
    secrets, stop = secrets_of(server), threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Stopped):
        client_of(server, secrets).request("GET", "/me", stop=stop)
    assert secrets.values["oauth"] == "refresh-planted-0"
    for thread in threading.enumerate():
        if thread.name == "carecli-oauth":
            thread.join()
    assert Tokens.unpacked(secrets.values["oauth"]).refresh == "refresh-planted-1"


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (Trouble.error(502), Retryable),
        (Trouble.throttle(9), Throttled),
        (Trouble.drop(), Retryable),
        (Trouble.garbage(), Retryable),
        (Trouble(Answer([1])), Retryable),
        (Trouble(Answer({"ok": True})), Retryable),
        (Trouble(Answer({"error": "invalid_grant"})), GrantRefused),
    ],
)
def test_a_token_endpoint_in_trouble(server: OAuthServer, trouble: Trouble, expected: type[CareError]) -> None:
    server.script(trouble)
    with pytest.raises(CareError) as caught:
        client_of(server, secrets_of(server)).request("GET", "/me")
    assert type(caught.value) is expected


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_an_application_signs_in_by_itself(server: OAuthServer, method: str) -> None:
    secrets = FixedSecrets(client=SECRET)
    auth = ClientCredentials(endpoint_of(server, secrets, app={"method": method}))
    client = HttpClient(f"{server.url}/api", auth, Dialect("Acme"))
    MADE.append(client)
    assert client.request("GET", "/me").status == 200
    server.access = "revoked"
    assert client.request("GET", "/me").status == 200
    assert server.grants() == 2
    assert secrets.values == {"client": SECRET}


def person(server: OAuthServer, **changes: str) -> Callable[[str], None]:
    """A browser with a person in it, who comes by a wrong page first."""

    def visit(address: str) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        server.challenges["the-code"] = query["code_challenge"]
        for state in ("wrong", query["state"]):
            answer = {"code": "the-code", "state": state} | changes
            pairs = "&".join(f"{name}={value}" for name, value in answer.items() if value)
            try:
                urllib.request.urlopen(f"{query['redirect_uri']}?{pairs}", timeout=5).close()  # noqa: S310
            except urllib.error.HTTPError as refused:
                refused.close()
                assert state == "wrong"

    return visit


PUBLIC = {"client_id": "public", "client_secret": "", "method": "none"}


def test_a_person_signs_in_with_the_browser(server: OAuthServer) -> None:
    tokens = in_browser(endpoint_of(server, FixedSecrets(), app=PUBLIC), person(server))
    assert tokens.access == server.access
    assert Tokens.unpacked(tokens.packed()) == tokens


def test_a_person_says_no(server: OAuthServer) -> None:
    with pytest.raises(AuthNeeded, match="access_denied"):
        in_browser(endpoint_of(server, FixedSecrets(), app=PUBLIC), person(server, code="", error="access_denied"))


def test_nobody_comes(server: OAuthServer) -> None:
    endpoint = endpoint_of(server, FixedSecrets(), app=PUBLIC)
    with pytest.raises(AuthNeeded, match="nobody"):
        in_browser(endpoint, lambda _: None, seconds=0.2)
    stop = threading.Event()
    with pytest.raises(Stopped):
        in_browser(endpoint, lambda _: stop.set(), stop)
    taken = int(server.url.rpartition(":")[2])
    with pytest.raises(BadSetup, match=str(taken)):
        in_browser(endpoint, lambda _: None, port=taken)


def test_a_person_signs_in_on_another_device(server: OAuthServer) -> None:
    server.pending = 2
    shown: list[DeviceCode] = []
    tokens = on_a_device(endpoint_of(server, FixedSecrets(), app=PUBLIC), shown.append)
    assert tokens.refresh == server.refresh
    assert shown[0].code == "ABCD-EFGH"
    assert server.grants() == 3
    server.script(Trouble(Answer({"error": "access_denied"}, 400), only=lambda request: request.path == "/token"))
    with pytest.raises(GrantRefused):
        on_a_device(endpoint_of(server, FixedSecrets(), app=PUBLIC), shown.append)
    stop = threading.Event()
    with pytest.raises(Stopped):
        on_a_device(endpoint_of(server, FixedSecrets(), app=PUBLIC), lambda _: stop.set(), stop)


@pytest.mark.parametrize("life", [None, 0, -5, "soon", 10])
def test_a_life_that_makes_no_sense_is_left_to_the_401(server: OAuthServer, life: Any) -> None:
    server.life = life
    tokens = endpoint_of(server, FixedSecrets(client=SECRET)).tokens("client_credentials", None)
    assert tokens.fresh(time.time())
    assert tokens.fresh(time.time() + 1e8) == (life != 10)
