"""Options of a mailbox account as typed values, with the safety rule on encryption."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import date
from typing import cast

from carecli.connectors.imap.ours import Ours
from carecli.connectors.spi.errors import BadSetup
from carecli.connectors.spi.options import Options


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server to talk to; ``tls`` is implicit, starttls or none."""

    protocol: str
    host: str
    port: int
    tls: str

    def __str__(self) -> str:
        return f"{self.protocol} server {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """One mailbox account. ``since`` is the first day to read; durations are seconds."""

    account: str
    address: str
    username: str
    imap: Endpoint
    smtp: Endpoint
    ca_file: str | None
    auth: str
    folders: tuple[str, ...]
    sent_folder: str | None
    ours: Ours
    from_name: str
    signature: str
    quote_original: bool
    since: date | None
    verify_wait_seconds: int
    timeout: int


def settings_of(account: str, options: Options) -> Settings:
    """Reads validated options.

    Raises ``BadSetup`` when plain text would leave this machine or a date makes no sense.
    """

    def text(name: str) -> str:
        return str(options.get(name) or "")

    tls = text("tls") or "implicit"
    imap = Endpoint("IMAP", text("imap_host"), _number(options, "imap_port", 993), text("imap_tls") or tls)
    smtp = Endpoint(
        "SMTP",
        text("smtp_host") or imap.host,
        _number(options, "smtp_port", 587),
        text("smtp_tls") or tls,
    )
    for endpoint in (imap, smtp):
        _refuse_plain_text(account, endpoint)
    since = text("since")
    try:
        first_day = date.fromisoformat(since) if since else None
    except ValueError:
        raise BadSetup(
            f"account '{account}': since = \"{since}\" is no date",
            help='Write it as since = "2026-01-31" in the account section.',
        ) from None
    aliases = cast("tuple[str, ...]", options.get("aliases") or ())
    return Settings(
        account=account,
        address=text("address"),
        username=text("username") or text("address"),
        imap=imap,
        smtp=smtp,
        ca_file=text("ca_file") or None,
        auth=text("auth") or "password",
        folders=tuple(cast("tuple[str, ...]", options.get("folders") or ("INBOX",))),
        sent_folder=text("sent_folder") or None,
        ours=Ours(text("address"), aliases),
        from_name=text("from_name"),
        signature=text("signature"),
        quote_original=options.get("quote_original") is not False,
        since=first_day,
        verify_wait_seconds=_number(options, "verify_wait_seconds", 600),
        timeout=_number(options, "timeout_seconds", 30),
    )


def _number(options: Options, name: str, default: int) -> int:
    value = options.get(name)
    return default if value is None else int(cast("int", value))


def _refuse_plain_text(account: str, endpoint: Endpoint) -> None:
    if endpoint.tls == "none" and not is_loopback(endpoint.host):
        raise BadSetup(
            f"account '{account}' would send its password unencrypted to the {endpoint}; nothing was sent",
            code="TLS_REQUIRED",
            help='Set tls = "implicit" (or "starttls") for this account; "none" is only for this machine itself.',
        )


def require_starttls(endpoint: Endpoint, *, offered: bool) -> None:
    """Raises ``BadSetup`` when a server does not offer the encryption that the account asks for."""
    if not offered:
        raise BadSetup(
            f"the {endpoint} offers no STARTTLS; no password was sent",
            code="TLS_REQUIRED",
            help='Set tls = "implicit" and the port for it (usually 993 for IMAP, 465 for SMTP).',
        )


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def tls_context(settings: Settings) -> ssl.SSLContext:
    """A context that verifies certificates and names. Raises ``BadSetup`` when the private authority cannot be read."""
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise BadSetup(
            f"account '{settings.account}': the certificate file {settings.ca_file} cannot be used: {error}",
            code="TLS_CERTIFICATE",
            help="ca_file must be a readable PEM file with the certificate of your certificate authority.",
        ) from error
