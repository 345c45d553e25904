"""A small authorization server on loopback: it rotates refresh tokens, and each is good once."""

from __future__ import annotations

import base64
import hashlib
import itertools
from urllib.parse import parse_qs

from carecli.testing import Answer, Request, ScriptedVendor

SECRET = "client-Secret+77/planted=="


class OAuthServer(ScriptedVendor):
    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)
        self.refresh = "refresh-planted-0"
        self.access = ""
        self.rotates = True
        self.life: int | None = 3600
        self.challenges: dict[str, str] = {}
        self.pending = 0
        self.on("POST", "/token", self.give)
        self.on("POST", "/device", self.device)
        self.on("GET", "/api/me", self.me)
        self.on("POST", "/api/tickets", self.me)

    def me(self, request: Request) -> Answer:
        good = self.access and request.headers.get("authorization") == f"Bearer {self.access}"
        return Answer({"name": "Sam"}) if good else Answer({"error": "token expired"}, 401)

    def give(self, request: Request) -> Answer:
        form = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
        basic = "Basic " + base64.b64encode(f"app:{SECRET}".encode()).decode()
        shown = form.get("client_secret") == SECRET or request.headers.get("authorization") == basic
        if not shown and form.get("client_id") != "public":
            return Answer({"error": "invalid_client"}, 401)
        match form["grant_type"]:
            case "refresh_token" if form["refresh_token"] != self.refresh:
                words = f"the token {form['refresh_token']} is spent"
                return Answer({"error": "invalid_grant", "error_description": words}, 400)
            case "authorization_code":
                digest = hashlib.sha256(form["code_verifier"].encode()).digest()
                if base64.urlsafe_b64encode(digest).decode().rstrip("=") != self.challenges.get(form["code"]):
                    return Answer({"error": "invalid_grant"}, 400)
            case "urn:ietf:params:oauth:grant-type:device_code" if self.pending:
                self.pending -= 1
                return Answer({"error": "authorization_pending"}, 400)
        number = next(self.numbers)
        self.access = f"access-planted-{number}"
        said: dict[str, object] = {"access_token": self.access, "token_type": "bearer"}
        if self.life is not None:
            said["expires_in"] = self.life
        if self.rotates and form["grant_type"] != "client_credentials":
            said["refresh_token"] = self.refresh = f"refresh-planted-{number}"
        return Answer(said)

    def device(self, request: Request) -> Answer:
        return Answer(
            {
                "device_code": "dev-planted",
                "user_code": "ABCD-EFGH",
                "verification_uri": f"{self.url}/activate",
                "expires_in": 60,
                "interval": 0.01,
            }
        )

    def grants(self) -> int:
        return sum(request.path == "/token" for request in self.requests)
