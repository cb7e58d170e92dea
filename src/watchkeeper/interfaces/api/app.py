"""The API as an ASGI application: routes put together, errors answered alike, one life for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from watchkeeper import __version__
from watchkeeper.app.whole import App
from watchkeeper.interfaces.api import (
    alerts,
    artifacts,
    audit,
    bulk,
    channels,
    chat,
    contract,
    errors,
    fleet,
    host,
    host_acts,
    inbound,
    incidents,
    jobs,
    kinds,
    lessons,
    logins,
    overview,
    people,
    proposals,
    reconcile,
    recording,
    repairs,
    reports,
    schedules,
    sessions,
    shared,
    signals,
    system,
    tokens,
    watchdog,
    webhooks,
    windows,
    worker,
)
from watchkeeper.interfaces.api.description import finish, operation_id, told_by
from watchkeeper.interfaces.api.limits import ApiLimits
from watchkeeper.interfaces.api.state import ApiState, SessionReader
from watchkeeper.interfaces.api.uploads import remove_left_overs

ROUTERS = (
    worker.contract,
    worker.runtime,
    contract.contract,
    contract.runtime,
    sessions.records,
    jobs.enqueues,
    jobs.acts,
    jobs.reads,
    bulk.reads,
    bulk.acts,
    kinds.kinds,
    kinds.kinds_declared,
    kinds.kind_acts,
    kinds.projects,
    kinds.projects_made,
    kinds.project_acts,
    fleet.reads,
    fleet.acts,
    tokens.reads,
    tokens.acts,
    logins.reads,
    logins.ends,
    logins.links,
    windows.reads,
    windows.acts,
    schedules.reads,
    schedules.puts,
    schedules.acts,
    overview.reads,
    watchdog.reads,
    incidents.reads,
    incidents.reports,
    incidents.acts,
    repairs.reads,
    repairs.asks,
    repairs.acts,
    repairs.policy_reads,
    repairs.policy_acts,
    host_acts.reads,
    host_acts.acts,
    recording.watchdog,
    recording.pls,
    sessions.reads,
    sessions.acts,
    webhooks.alertmanager,
    host.reads,
    host.reports,
    host.puts,
    alerts.reads,
    alerts.acts,
    channels.reads,
    channels.acts,
    chat.reads,
    chat.acts,
    inbound.signed,
    lessons.reads,
    lessons.puts,
    lessons.acts,
    proposals.reads,
    proposals.puts,
    proposals.acts,
    people.reads,
    people.acts,
    people.replies,
    signals.reads,
    signals.puts,
    signals.acts,
    artifacts.reads,
    audit.reads,
    reconcile.reads,
    reconcile.acts,
    reports.reads,
    reports.drills,
    shared.view_reads,
    shared.view_acts,
    shared.share_reads,
    shared.share_acts,
    shared.badge_reads,
    shared.badge_acts,
    system.public,
    system.guarded,
)


class Api(FastAPI):
    """FastAPI with our own OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """Give the document, with the shapes that all answers share and how callers prove who they are."""
        if self.openapi_schema is None:
            finish(super().openapi(), told_by([route for router in ROUTERS for route in router.routes]))
        return self.openapi_schema or {}


def create_app(app: App, *, limits: ApiLimits | None = None, session: SessionReader | None = None) -> FastAPI:
    """Make the API over opened services; `session` lets a browser read with its console session."""
    api = Api(
        title="Watchkeeper",
        version=__version__,
        summary="Durable jobs under fenced leases, an evidence gate, and who may do what.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        lifespan=_lifespan,
    )
    routes = tuple(route for router in ROUTERS for route in router.routes if isinstance(route, Route))
    api.state.watchkeeper = ApiState(app, limits or ApiLimits(), session, routes)
    errors.install(api)
    for router in ROUTERS:
        api.include_router(router)
    return api


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    state: ApiState = api.state.watchkeeper
    await asyncio.to_thread(remove_left_overs, state.app.settings.home)
    state.app.wakeups.start()
    yield
    await state.close()
    await state.app.wakeups.stop()
