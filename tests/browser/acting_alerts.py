"""What the acts on alerts, channels, people and chats are tried on."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from browser.stage import Stage, Target
from watchkeeper.domain.leases import hash_secret
from watchkeeper.domain.principals import Role

NOWHERE = "http://127.0.0.1:9"
SECRET = "0123456789abcdef" * 2

CHANNELS: dict[str, dict[str, Any]] = {
    "line": {"settings": {"to": "U" + "a" * 32, "api": NOWHERE}, "secrets": {"token": "t"}},
    "telegram": {"settings": {"chat": "-9", "api": NOWHERE}, "secrets": {"token": "1:t"}},
    "slack": {"settings": {"channel": "C1", "api": NOWHERE}, "secrets": {"token": "t"}},
    "email": {"settings": {"to": "a@example.org", "from": "w@example.org", "server": "127.0.0.1:9"}},
    "webhook": {"url": f"{NOWHERE}/hook"},
    "apprise": {"secrets": {"url": "ntfys://127.0.0.1/topic"}},
}


async def _channel(stage: Stage, kind: str = "telegram") -> str:
    """Turn a channel on that leads nowhere, and give its name."""
    name = f"{kind}-{uuid4().hex[:6]}"
    await stage.post("/api/channels", name=name, kind=kind, **CHANNELS[kind])
    return name


def _set_up(kind: str) -> Target:
    """A channel that is known: its form begins with what it was told, and its secrets stay."""

    async def target(stage: Stage) -> dict[str, str]:
        told = {f"settings.{name}": value for name, value in CHANNELS[kind].get("settings", {}).items()}
        return {"name": await _channel(stage, kind), **told}

    return target


async def _on(stage: Stage) -> dict[str, str]:
    return {"name": await _channel(stage)}


async def _alert(stage: Stage) -> dict[str, str]:
    [newest, *_] = (await stage.api.get("/api/alerts")).body["alerts"]
    return {"alert_id": newest["id"]}


async def _question(stage: Stage) -> dict[str, str]:
    asked = await stage.api.post("/api/people-syncs", {"person": "Ann", "question": "May it?"})
    return {"sync_id": asked.body["people_sync"]["id"], "adopt": "revise"}


async def _door(stage: Stage) -> dict[str, str]:
    name = f"door-{uuid4().hex[:6]}"
    await stage.post("/api/chat/doors", channel=name, platform="line", signing_secret=SECRET)
    return {"channel": name}


async def _link(stage: Stage) -> dict[str, str]:
    """An account that is somebody's."""
    channel = (await _door(stage))["channel"]
    app = stage.project.app
    made = await app.identity.create_token(uuid4().hex, Role.SUPERVISOR, "p", actor="test")
    code = (await app.watchdog.chat.links.make_code(await app.identity.authenticate(made.secret))).code
    event = {"project_id": "p", "channel": channel, "account": "U1", "account_name": "Lin"}
    async with app.database.transaction() as connection:
        await app.watchdog.chat.links.link(connection, {**event, "secret_hash": hash_secret(code)})
    links = (await stage.api.get("/api/chat/links")).body["links"]
    return {"link_id": next(link["id"] for link in links if link["channel"] == channel)}


def _nothing(**filled: str) -> Target:
    async def target(stage: Stage) -> dict[str, str]:
        return filled

    return target


ALERT_TARGETS: dict[str, Target] = {
    "alert-acknowledge": _alert,
    "alert-test": _nothing(),
    **{f"channel-{kind}": _set_up(kind) for kind in CHANNELS},
    "channel-off": _on,
    "channel-test": _on,
    "people-ask": _nothing(),
    "people-answer": _question,
    "people-decide": _question,
    "people-reply": _nothing(adopt="revise"),
    "chat-code": _nothing(),
    "chat-unlink": _link,
    "chat-open": _nothing(platform="telegram"),
    "chat-close": _door,
}
