"""Card of the ``imap`` connector: options, secrets and capabilities, without network code."""

from __future__ import annotations

from carecli.connectors.spi.capabilities import Capabilities
from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.options import Option, Secret

MANIFEST = Manifest(
    kind="imap",
    title="Mailbox (IMAP and SMTP)",
    summary="Any mailbox: threads become tickets, answers go out by SMTP exactly once.",
    connector="carecli.connectors.imap.connector:ImapConnector",
    streams=("mail",),
    capabilities=Capabilities(
        reply=True,
        note="local",
        create=True,
        forward=True,
        attachments=True,
        status_write="local",
        priority_write="local",
        assign_write="local",
        tag_write="local",
        merge="local",
        live_events=True,
        verification="mark",
        max_chars={"email": 25_000_000},
    ),
    options=(
        Option("address", "Address of the mailbox; what you send comes from it", required=True),
        Option("imap_host", "IMAP server", required=True),
        Option("imap_port", "IMAP port", type="int", default=993),
        Option("smtp_host", "SMTP submission server (default: the IMAP server)"),
        Option("smtp_port", "SMTP submission port", type="int", default=587),
        Option("username", "Sign-in name (default: the address)"),
        Option(
            "tls",
            "Encryption: implicit, starttls, or none (loopback only)",
            type="choice",
            choices=("implicit", "starttls", "none"),
            default="implicit",
        ),
        Option("imap_tls", "Encryption of IMAP alone", type="choice", choices=("implicit", "starttls", "none")),
        Option("smtp_tls", "Encryption of SMTP alone", type="choice", choices=("implicit", "starttls", "none")),
        Option("ca_file", "Certificate of a private certificate authority (PEM)", type="path"),
        Option("auth", "How to sign in", type="choice", choices=("password", "xoauth2"), default="password"),
        Option("folders", "Folders to read", type="list", default=("INBOX",)),
        Option("sent_folder", "Folder of sent mail (default: found by special use)"),
        Option("aliases", "Other addresses of ours; they never become customers", type="list", default=()),
        Option("from_name", "Display name of what you send"),
        Option("signature", "Signature under replies"),
        Option("quote_original", "Quote the answered message below a reply", type="bool", default=True),
        Option("since", "Read mail from this date on, as YYYY-MM-DD (default: everything)"),
        Option("verify_wait_seconds", "How long an unconfirmed send waits for its copy", type="int", default=600),
        Option("timeout_seconds", "Network time limit", type="int", default=30),
    ),
    secrets=(
        Secret("password", "Password or app password", required=False),
        Secret("token", 'OAuth2 access token (with auth = "xoauth2")', required=False),
    ),
    auth=("password", "xoauth2"),
    tested_against=(("Dovecot 2.3 with Postfix 3.7", "live server"),),
)
