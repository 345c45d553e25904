"""Signs requests with OAuth tokens and renews them, without losing one that the vendor has replaced."""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress

from carecli.connectors.http.auth import fitting
from carecli.connectors.http.tokens import GrantRefused, TokenEndpoint, Tokens
from carecli.connectors.http.verdicts import SIGN_IN_HELP, Stopped
from carecli.connectors.spi.errors import AuthNeeded
from carecli.connectors.spi.protocols import Secrets
from carecli.domain.errors import CareError

_POLL = 0.1  # seconds between looks at the stop event
_LOOKS = (0.0, 0.5, 1.5)  # seconds before each look for tokens that another process is just about to keep


class RefreshedToken:
    """An access token that is renewed with a refresh token shortly before it ends, and after a 401.

    Both lie in one secret of the account (``Tokens.packed``). Other processes renew them too: the secret is read again
    before anything is asked for, and once more when the vendor says that the refresh token is no longer good. New tokens
    are kept before they are used, so that none is lost with the program.
    """

    def __init__(self, secrets: Secrets, secret: str, endpoint: TokenEndpoint) -> None:
        self._secrets = secrets
        self._secret = secret
        self._endpoint = endpoint
        self._tokens = Tokens()
        self._seen: set[str] = set()

    def headers(self, stop: threading.Event | None) -> Mapping[str, str]:
        """The bearer header, renewed if its token is about to end."""
        if not self._tokens.access:
            self._tokens = self._read()
        if not self._tokens.fresh(self._endpoint.clock()):
            self._tokens = self._renewed(self._tokens.access, stop)
        return {"Authorization": fitting(f"Bearer {self._tokens.access}")}

    def renew(self, stop: threading.Event | None) -> bool:
        """Other tokens after a 401: those that another process has kept, else new ones."""
        before = self._tokens.access
        self._tokens = self._renewed(before, stop)
        return self._tokens.access != before

    def values(self) -> Collection[str]:
        """Every token that was seen, and the client secret once it was used."""
        return self._seen

    def _read(self) -> Tokens:
        tokens = Tokens.unpacked(self._secrets.get(self._secret))
        self._note(tokens)
        return tokens

    def _note(self, tokens: Tokens) -> None:
        self._seen.update(value for value in (tokens.access, tokens.refresh) if value)

    def _renewed(self, refused: str, stop: threading.Event | None) -> Tokens:
        """Tokens whose access token is not ``refused``."""
        kept = self._read()
        while True:
            if kept.access != refused and kept.fresh(self._endpoint.clock()):
                return kept
            if not kept.refresh:
                raise AuthNeeded(f"the sign-in at {self._endpoint.vendor} has ended", help=SIGN_IN_HELP)
            error: GrantRefused
            try:
                self._seen.update(self._endpoint.client_secret())
                return self._beside(kept, stop)
            except GrantRefused as refusal:
                error = refusal
            other = self._kept_by_another(kept, stop) if error.reason == "invalid_grant" else None
            if other is None:
                raise error
            kept = other

    def _beside(self, old: Tokens, stop: threading.Event | None) -> Tokens:
        """New tokens, asked for and kept in a thread of their own.

        Whoever is told to stop leaves; the thread does not, and is no daemon: once the request has left, the old refresh
        token may be spent, and the new one must be kept.
        """
        results: queue.SimpleQueue[Tokens | BaseException] = queue.SimpleQueue()

        def work() -> None:
            try:
                new = self._endpoint.tokens("refresh_token", None, refresh_token=old.refresh)
                self._keep(new, old)
                results.put(new)
            except BaseException as error:
                results.put(error)

        if stop is not None and stop.is_set():
            raise self._stopped()
        threading.Thread(target=work, name="carecli-oauth", daemon=False).start()
        while True:
            with suppress(queue.Empty):
                result = results.get(timeout=_POLL)
                break
            if stop is not None and stop.is_set():
                raise self._stopped()
        if isinstance(result, BaseException):
            raise result
        return result

    def _stopped(self) -> Stopped:
        return Stopped(f"{self._endpoint.vendor}'s sign-in was not waited for")

    def _kept_by_another(self, ours: Tokens, stop: threading.Event | None) -> Tokens | None:
        """Tokens that another process got for the refresh token that we wanted to use; ``None``: there are none."""
        for seconds in _LOOKS:
            if (stop or threading.Event()).wait(seconds):
                raise self._stopped()
            found = self._read()
            if found.refresh != ours.refresh:
                return found
        return None

    def _keep(self, new: Tokens, old: Tokens) -> None:
        self._note(new)
        if new.refresh != old.refresh:
            self._secrets.put(self._secret, new.packed())
            return
        with suppress(CareError):  # a secret from the environment cannot be kept; its refresh token stays good
            self._secrets.put(self._secret, new.packed())


class ClientCredentials:
    """An access token for the application itself (grant ``client_credentials``), asked for anew when it ends."""

    def __init__(self, endpoint: TokenEndpoint) -> None:
        self._endpoint = endpoint
        self._tokens = Tokens()
        self._seen: set[str] = set()

    def headers(self, stop: threading.Event | None) -> Mapping[str, str]:
        """The bearer header."""
        if not self._tokens.fresh(self._endpoint.clock()):
            self._ask(stop)
        return {"Authorization": fitting(f"Bearer {self._tokens.access}")}

    def renew(self, stop: threading.Event | None) -> bool:
        """A new token after a 401."""
        before = self._tokens.access
        self._ask(stop)
        return self._tokens.access != before

    def values(self) -> Collection[str]:
        """Every token that was seen, and the client secret."""
        return self._seen

    def _ask(self, stop: threading.Event | None) -> None:
        self._seen.update(self._endpoint.client_secret())
        scope = self._endpoint.application.scope
        fields = {"scope": scope} if scope else {}
        self._tokens = self._endpoint.tokens("client_credentials", stop, **fields)
        self._seen.add(self._tokens.access)
