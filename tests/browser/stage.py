"""Where acts are tried: what makes something fresh for an act to be tried on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from interfaces.api_client import Api
from interfaces.console_project import ACTOR, ConsoleProject
from watchkeeper.domain.principals import Role

KIND = "acts"


@dataclass
class Stage:
    """Where acts are tried: the planted project, and its API."""

    api: Api
    project: ConsoleProject

    async def job(self, *moves: str) -> str:
        """Give a new job, moved so by a person."""
        job = str(await self.project.add("acting", KIND))
        for move in moves:
            await self.project.app.operations.move("p", job, move, actor=ACTOR, reason="for the act")
        return job

    async def held(self) -> dict[str, Any]:
        """Give a job that a worker of its own holds."""
        job = await self.job()
        claimed = await self.api.worker("claim", f"actor-{uuid4().hex[:8]}", kinds=[KIND], wait_seconds=10)
        assert claimed.body["job"] is not None, (await self.api.get(f"/api/jobs/{job}")).body["job"]
        return claimed.job

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        answered = await self.api.post(path, {"reason": "for the act", **body})
        assert answered.status < 400, answered.body
        return answered.body

    async def late(self) -> str:
        """Give a completion that came when its lease was over."""
        job = await self.held()
        await self.post(f"/api/jobs/{job['id']}/cancel", force=True)
        await self.api.command("complete", job, summary="late", artifacts=[])
        [item, *_] = (await self.api.get("/api/reconcile")).body["items"]
        return str(item["id"])

    async def token(self) -> str:
        made = await self.project.app.identity.create_token(uuid4().hex, Role.VIEWER, "p", actor="test")
        return str(made.id)


Target = Callable[[Stage], Awaitable[dict[str, str]]]
