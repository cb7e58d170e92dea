"""An installation whose channels lead to the chats of tests/services/chat_servers.py."""

from __future__ import annotations

from dataclasses import replace

from services.chat_servers import BOT, LINE_USER, TOKEN, ChatServer
from watchkeeper.app.alerting import AlertParts, alert_parts
from watchkeeper.app.whole import App
from watchkeeper.domain.policies import Policy
from watchkeeper.services.alert_lane import LaneConfig
from watchkeeper.services.channels import WantedChannel


def parts_of(app: App, policy: Policy | None = None, lane: LaneConfig | None = None) -> AlertParts:
    """Give the outbox of an installation that lets channels go to this machine, and has a public address."""
    settings = replace(app.settings, fetch_allow=("127.0.0.1",), url="https://watch.example.org")
    core = replace(app, settings=settings)
    return alert_parts(core, app.watchdog.incidents, lambda: policy or Policy(), lane=lane)


def wanted(kind: str, chat: ChatServer, **given: object) -> WantedChannel:
    told = {
        "line": ({"to": LINE_USER}, {"token": TOKEN}),
        "telegram": ({"chat": "-100200"}, {"token": BOT}),
        "slack": ({"channel": "C1"}, {"token": TOKEN}),
    }
    settings, secrets = told[kind]
    return WantedChannel(kind, kind, settings={**settings, "api": chat.url}, secrets=secrets, **given)


async def turn_on(parts: AlertParts, *channels: WantedChannel) -> None:
    for channel in channels:
        await parts.channels.turn_on("p", channel, actor="ann", reason="for the night")
