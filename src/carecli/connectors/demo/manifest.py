"""Card of the ``demo`` connector."""

from __future__ import annotations

from carecli.connectors.spi.capabilities import Capabilities
from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.options import Option

MANIFEST = Manifest(
    kind="demo",
    title="Demo desk",
    summary="A believable week at a support desk: seeded, deterministic, without a network.",
    connector="carecli.connectors.demo.connector:DemoConnector",
    streams=("articles", "tickets"),
    capabilities=Capabilities(
        reply=True,
        note="remote",
        create=True,
        forward=True,
        attachments=True,
        status_write="direct",
        priority_write="direct",
        assign_write="direct",
        tag_write="direct",
        merge="local",
        knowledge=True,
        native_sla=True,
        live_events=True,
        preconditions=True,
        verification="mark",
        max_chars={"sms": 160, "whatsapp": 4096, "instagram": 1000, "email": 25_000},
    ),
    options=(
        Option("base_url", "Address shown for tickets (nothing is contacted)", default="https://demo.invalid"),
        Option("seed", "Seed of the generated week", type="int", default=7),
        Option("tickets", "How many tickets the week has", type="int", default=400),
        Option("live", "New mail keeps arriving", type="bool", default=False),
        Option(
            "part",
            "Which demo desk this account is: mail, chat or social",
            type="choice",
            choices=("all", "mail", "chat", "social"),
            default="all",
        ),
        Option("now", "End of the week in seconds since 1970, for tests (0: the real clock)", type="int", default=0),
        Option(
            "state_file", "File that keeps what you write, so that other runs see it (default: memory)", type="path"
        ),
        Option(
            "fail",
            "Scripted failures, for tests: reject, throttle, lose, drop, auth, stale; pull-auth and so on for reads",
            type="list",
            default=(),
        ),
    ),
    tested_against=(("itself (scripted state in a file)", "live server"),),
)
