"""Hosts as their guards told of them: event packets, the incidents that alerts opened, the last scans.

These are matters of the project `system`, which is meant where a token of the whole installation names none.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from watchkeeper.domain.host_guard.readiness_parts import SCHEMA_VERSION
from watchkeeper.domain.principals import SYSTEM_PROJECT, Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Access, Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import GuardedRoute, KeyedRoute
from watchkeeper.interfaces.api.pages import AfterId, ItemId, Limit
from watchkeeper.interfaces.api.schemas import Body, Word
from watchkeeper.interfaces.api.state import state_of

reads = APIRouter(prefix="/api/host", tags=["host"], route_class=GuardedRoute)
reports = APIRouter(prefix="/api/reports", tags=["reports"], route_class=GuardedRoute)
puts = APIRouter(prefix="/api/host", tags=["host"], route_class=KeyedRoute)

MOST_PACKETS = 25
"""Of at most 32 KiB each: so many stay within the limit of a body."""

HostName = Annotated[str | None, Query(max_length=300, description="Only of this host.")]
PACKET: dict[str, Any] = {
    "id": JOB_ID,
    "host_id": "build-1",
    "incident_id": JOB_ID,
    "lane": "orphan_browser_smoke_runaway_process",
    "classification": "host_resource_runaway_process",
    "action_policy": "triage_packet_then_dry_run_then_gated_sigterm",
    "plan_digest": "9f…",
    "sha256": "1c…",
    "told_by": "host_guard",
    "generated_at": TIME,
}
INCIDENT: dict[str, Any] = {
    "id": JOB_ID,
    "rule": "host_orphan_browser",
    "severity": "high",
    "state": "open",
    "owner": "owner",
    "host_id": "build-1",
    "lane": "orphan_browser_smoke_runaway_process",
    "is_firing": True,
    "fired_at": TIME,
    "packet_wanted_at": None,
    "packet_id": JOB_ID,
    "assets_written_at": None,
}
READING: dict[str, Any] = {
    "host_id": "build-1",
    "scanned_at": TIME,
    "age_seconds": 12.5,
    "is_stale": False,
    "orphan_browser_groups": 0,
    "active_ci_containers": 2,
    "load5_per_core": 0.81,
    "load5_upper": 0.81,
    "swap_used_ratio": None,
    "groups": [],
}


class PacketsBody(Body):
    """What `watchkeeper host triage --json` prints. `names` are others by which alerts call that machine."""

    packets: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_PACKETS)
    names: list[Word] = Field(default_factory=list, max_length=10)


async def project_of(access: Access) -> str:
    """Give the project of a request about hosts."""
    if access.project_asked is None and access.principal.project_id is None:
        return SYSTEM_PROJECT
    return await access.project()


@reads.get("/incidents", **declared(Right.READ, example={"incidents": [INCIDENT], "next_cursor": None}))
async def incidents(
    access: Here,
    host: HostName = None,
    unresolved: Annotated[bool, Query(description="Only those that are not over.")] = False,
    limit: Limit = 100,
    cursor: AfterId = None,
) -> Response:
    """List the incidents of hosts, the newest first: whether the alert fires, the packet, the assets."""
    rows, following = await access.app.watchdog.host.reading.incidents(
        await project_of(access), host=host, unresolved=unresolved, before=cursor, limit=limit
    )
    return answer(incidents=rows, next_cursor=following)


@reads.get("/readings", **declared(Right.READ, example={"readings": [READING]}))
async def readings(access: Here) -> Response:
    """Give what the last scan of each host came to, how old that is, and its groups."""
    return answer(readings=await access.app.watchdog.host.reading.readings(await project_of(access)))


@reads.get("/packets", **declared(Right.READ, example={"packets": [PACKET], "next_cursor": None}))
async def packets(
    access: Here,
    host: HostName = None,
    incident: Annotated[UUID | None, Query(description="Only of this incident.")] = None,
    limit: Limit = 100,
    cursor: AfterId = None,
) -> Response:
    """List event packets without their bodies, the newest first."""
    rows, following = await access.app.watchdog.host.packets.list(
        await project_of(access), host=host, incident_id=incident, before=cursor, limit=limit
    )
    return answer(packets=rows, next_cursor=following)


@reads.get("/packets/{packet_id}", **declared(Right.READ, example={"packet": PACKET | {"card": "# build-1"}}))
async def packet(packet_id: ItemId, access: Here) -> Response:
    """Give one event packet with its card."""
    return answer(packet=await access.app.watchdog.host.packets.show(await project_of(access), packet_id))


@reports.get("/readiness", **declared(Right.READ, example={"schema_version": SCHEMA_VERSION}))
async def readiness(request: Request, access: Here) -> Response:
    """Give the readiness document of the host guard's loop: each number is counted, each flag a constant."""
    routes = len({route.path for route in state_of(request).routes})
    return answer(**await access.app.watchdog.host.readiness.report(await project_of(access), routes))


@puts.post(
    "/packets",
    **declared(
        Right.RECORD, key="optional", status=201, example={"kept": [{"id": JOB_ID, "incident_id": None}]}
    ),
)
async def keep(body: PacketsBody, access: Here) -> Response:
    """Keep event packets of a host, each with the open incident of its lane there; those told lately are left out."""
    project, desk = await project_of(access), access.app.watchdog.host.packets
    kept = [
        row
        for told in body.packets
        if (row := await desk.keep(project, told, actor=access.principal.actor, names=body.names)) is not None
    ]
    return answer(201, kept=kept)
