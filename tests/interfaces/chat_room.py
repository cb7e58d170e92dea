"""A project with doors for all three platforms, and what a test does in its chats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from interfaces.api_client import Api
from interfaces.chat_platforms import Apis, Post, line, line_text, slack, telegram
from raw_sql import rows
from services.repaired import Shop
from watchkeeper.app.chat import chat_parts
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Principal
from watchkeeper.services.chat.buttons import ButtonFor, make_button
from watchkeeper.services.chat.doors import WantedDoor
from watchkeeper.services.notifiers.port import Address

SECRETS = {"line": "1" * 32, "telegram": "t" * 32, "slack": "5" * 32}
WHY = "for the night"

EVENTS = (
    "SELECT wish, outcome, said, reply, handled_at, error FROM watchkeeper.chat_events ORDER BY received_at"
)
TRAIL = "SELECT event, actor FROM watchkeeper.audit_events WHERE event LIKE %(like)s ORDER BY seq"

SENT = """
INSERT INTO watchkeeper.alerts (project_id, incident_id, dedup_key, severity, channel, recipient, body, sent_at)
VALUES ('p', %(incident)s, gen_random_uuid()::text, 'high', 'line', 'owner', 'x', watchkeeper.now()) RETURNING id
"""


def with_chats(app: App, apis: Apis) -> App:
    """Give the app with chats whose answers go to the APIs of a test."""
    app = replace(app, settings=replace(app.settings, fetch_allow=("127.0.0.1",)))

    async def address_of(project_id: str, name: str) -> Address | None:
        settings = {"api": apis.url}
        return Address(project_id, name, settings=settings, secrets={"token": f"token-of-{name}"})

    parts = app.watchdog
    chat = chat_parts(
        app,
        parts.policies.current,
        alerts=parts.alerting.alerts,
        incidents=parts.incidents,
        repairs=parts.repairs,
        people=parts.knowledge.people,
        address_of=address_of,
    )
    return replace(app, watchdog=replace(parts, chat=chat))


@dataclass
class Room:
    """The chats of one project."""

    api: Api
    apis: Apis
    paths: dict[str, str]

    @classmethod
    async def opened(cls, api: Api, apis: Apis) -> Room:
        paths = {}
        for platform, secret in SECRETS.items():
            wanted = WantedDoor(platform, platform, secret)
            door, _ = await api.app.watchdog.chat.doors.open("p", wanted, actor="ann", reason=WHY)
            paths[platform] = door["path"]
        return cls(api, apis, paths)

    async def send(self, platform: str, post: Post) -> int:
        """Post a request and give the status of the answer; what it asks for is handled then."""
        response = await self.api.http.post(self.paths[platform], content=post.body, headers=post.headers)
        return response.status_code

    async def say(self, text: str, account: str = "U1") -> str:
        """Write to the LINE door alone, and give what is answered."""
        assert await self.send("line", line(SECRETS["line"], line_text(text, account))) == 200
        return self.apis.last

    async def line(self, *events: dict[str, Any]) -> str:
        assert await self.send("line", line(SECRETS["line"], *events)) == 200
        return self.apis.last

    async def telegram(self, update: dict[str, Any]) -> str:
        assert await self.send("telegram", telegram(SECRETS["telegram"], update)) == 200
        return self.apis.last

    async def slack(self, payload: dict[str, Any]) -> str:
        assert await self.send("slack", slack(SECRETS["slack"], await self.now(), payload=payload)) == 200
        return self.apis.last

    async def now(self) -> float:
        [row] = await rows(self.api.app.database, "SELECT watchkeeper.now() AS now")
        at: datetime = row["now"]
        return at.timestamp()

    async def code(self, principal: Principal) -> str:
        return (await self.api.app.watchdog.chat.links.make_code(principal)).code

    async def person(self, name: str, **given: Any) -> Principal:
        return await Shop(self.api.app).person(name, **given)

    async def alert(self, incident: UUID) -> UUID:
        """Put an alert of an incident that was sent into the outbox."""
        [row] = await rows(self.api.app.database, SENT, {"incident": incident})
        return UUID(str(row["id"]))

    async def button(self, meant: ButtonFor, seconds: float = 60.0) -> str:
        async with self.api.app.database.transaction() as connection:
            return await make_button(connection, meant, seconds)

    async def rows(self, statement: str, **arguments: Any) -> list[dict[str, Any]]:
        return await rows(self.api.app.database, statement, arguments)
