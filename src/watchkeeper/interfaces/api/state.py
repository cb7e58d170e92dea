"""What the API keeps while it runs: the services, the limits, what is being checked, whether it is closing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from fastapi import Request
from starlette.routing import Route

from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Principal
from watchkeeper.interfaces.api.completions import Completions
from watchkeeper.interfaces.api.limits import ApiLimits, Buckets
from watchkeeper.services.failed_logins import FailedLogins

SessionReader = Callable[[Request], Awaitable[Principal]]
"""Finds who visits by a session cookie; raises Unauthenticated, also for a change that no page of ours asks for."""


@dataclass(eq=False)
class ApiState:
    """One server's. `session` lets browsers read with their console session; `routes` are all that it answers."""

    app: App
    limits: ApiLimits
    session: SessionReader | None = None
    routes: tuple[Route, ...] = ()
    buckets: Buckets = field(default_factory=Buckets)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    completions: Completions = field(default_factory=Completions)
    failed_logins: FailedLogins = field(init=False)

    def __post_init__(self) -> None:
        self.failed_logins = FailedLogins(self.limits.logins)

    async def close(self) -> None:
        """End what waits (claims, event streams), so that the server can go; safe to repeat."""
        self.closing.set()
        self.app.wakeups.wake_all()
        await self.app.changes.stop()


def state_of(request: Request) -> ApiState:
    return cast("ApiState", request.app.state.watchkeeper)
