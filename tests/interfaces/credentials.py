"""One of each credential that may come to the door, with what the table of rights says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute

from interfaces.api_client import Api
from moving_clock import MovingClock
from watchkeeper.domain.principals import OF_THE_WHOLE, RIGHTS, Right, Role
from watchkeeper.interfaces.console.login import SESSION_COOKIE

NOBODY = "00000000-0000-7000-8000-000000000000"
WHY = {"reason": "the matrix"}


@dataclass(frozen=True)
class Credential:
    """Who comes to the door. `rights` None: nobody is known by it. `stale`: a job token whose epoch has ended."""

    name: str
    token: str | None = None
    rights: frozenset[Right] | None = None
    cookie: str | None = None
    job: str | None = None
    stale: bool = False

    @property
    def of_whole(self) -> bool:
        return self.name.endswith("of the whole")

    @property
    def headers(self) -> dict[str, str]:
        if self.cookie is not None:
            return {"Cookie": f"{SESSION_COOKIE}={self.cookie}"}
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def expected(self, method: str, needed: frozenset[Right], *, in_job: bool) -> str:
        """Give what the table says: unknown, denied, or let in."""
        if self.rights is None or (self.cookie is not None and method != "GET"):
            return "unknown"
        if self.job is not None and not in_job:
            return "denied"
        return "let in" if self.rights & needed else "denied"


@dataclass
class Credentials:
    """All credentials, and the job that belongs to `p`."""

    api: Api
    clock: MovingClock
    all: list[Credential] = field(default_factory=list)

    async def make(self) -> list[Credential]:
        await self.api.app.kinds.ensure_project("q")
        await self._dead()
        for role in Role:
            self._add(f"{role} of p", await self.api.token(role, "p"), bound(role))
            self._add(f"{role} of q", await self.api.token(role, "q"), bound(role))
        self._add("owner of the whole", await self.api.token("owner", None), RIGHTS[Role.OWNER])
        self._add("viewer of the whole", await self.api.token("viewer", None), RIGHTS[Role.VIEWER])
        await self._of_jobs()
        for role in (Role.VIEWER, Role.OWNER):
            self.all.append(Credential(f"cookie of a {role}", None, bound(role), await self._session(role)))
        return self.all

    def _add(self, name: str, token: str | None, rights: frozenset[Right] | None) -> None:
        self.all.append(Credential(name, token, rights))

    async def _dead(self) -> None:
        identity = self.api.app.identity
        self._add("no token", None, None)
        self._add("a malformed token", "wko_ with blanks", None)
        self._add("an unknown token", "wko_" + "x" * 43, None)
        short = await identity.create_token("short", Role.OWNER, None, actor="test", lifetime_seconds=1)
        self.clock.advance(2)
        self._add("an expired token", short.secret, None)
        gone = await identity.create_token("gone", Role.OWNER, None, actor="test")
        await identity.revoke(gone.id, None, actor="test", reason="test")
        self._add("a revoked token", gone.secret, None)
        old = await identity.create_token("old", Role.OWNER, None, actor="test")
        rotated: dict[str, Any] = {"actor": "test", "rotated_by": None, "reason": "test"}
        await identity.rotate(old.id, None, overlap_seconds=0, **rotated)
        self._add("a token rotated away", old.secret, None)
        self.all.append(Credential("an unknown cookie", cookie="x" * 43))

    async def _of_jobs(self) -> None:
        for stale in (False, True):
            job = await self.api.claimed(worker=f"w-{stale}")
            path = f"/api/worker/jobs/{job['id']}"
            made = await self.api.post(f"{path}/token", {}, role="worker", lease=job["lease_token"])
            if stale:
                await self.api.post(f"/api/jobs/{job['id']}/cancel", {**WHY, "force": True})
            name = "a job token after its epoch" if stale else "a job token"
            token = made.body["token"]
            self.all.append(Credential(name, token, bound(Role.WORKER), job=job["id"], stale=stale))

    async def _session(self, role: Role) -> str:
        links = self.api.app.login_links
        principal = await self.api.app.identity.authenticate(await self.api.token(role))
        return (await links.consume_code((await links.create_code(principal)).code)).secret


def bound(role: Role) -> frozenset[Right]:
    """Give the rights of a role in one project."""
    return RIGHTS[role] - OF_THE_WHOLE


def routes_of(server: FastAPI) -> list[BaseRoute]:
    """Give every route that a server answers, those of its routers too."""
    found: list[BaseRoute] = []
    for route in server.routes:
        included = getattr(route, "original_router", None)
        found += [route] if included is None else included.routes
    return found
