"""Kinds and projects: declared, listed, paused and resumed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Access, Here
from watchkeeper.interfaces.api.documents import declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute, KeyedRoute
from watchkeeper.interfaces.api.pages import MAX_PAGE, AfterName, Limit
from watchkeeper.interfaces.api.schemas import ProjectBody, ReasonBody

kinds = APIRouter(prefix="/api/kinds", tags=["kinds"], route_class=GuardedRoute)
kinds_declared = APIRouter(prefix="/api/kinds", tags=["kinds"], route_class=KeyedRoute)
kind_acts = APIRouter(prefix="/api/kinds", tags=["kinds"], route_class=ActRoute)
projects = APIRouter(prefix="/api/projects", tags=["projects"], route_class=GuardedRoute)
projects_made = APIRouter(prefix="/api/projects", tags=["projects"], route_class=KeyedRoute)
project_acts = APIRouter(prefix="/api/projects", tags=["projects"], route_class=ActRoute)

KIND_KEYS = ", ".join(KindDeclaration.__dataclass_fields__)
REASON = Annotated[str, Query(min_length=1, max_length=20_000, description="Why; kept in the audit trail.")]

FORCE = Annotated[bool, Query(description="Remove it under its live workers, too.")]


@kinds.get(
    "",
    **declared(
        Right.READ,
        name="list",
        example={"kinds": [{"kind": "report", "on_lost": "requeue"}], "next_cursor": None},
    ),
)
async def list_kinds(access: Here, limit: Limit = MAX_PAGE, cursor: AfterName = None) -> Response:
    """List the kinds of a project by name, declared or only seen."""
    rows, following = await access.app.kinds.list(await access.project(), cursor, limit)
    return answer(kinds=[{"name": row["kind"], **row} for row in rows], next_cursor=following)


@kinds_declared.post(
    "", **declared(Right.DECLARE_KIND, name="declare", key="optional", example={"kind": {"name": "report"}})
)
async def declare_kind(
    body: Annotated[dict[str, Any], Body(description=f"A kind: {KIND_KEYS}.")],
    access: Here,
    reason: REASON | None = None,
) -> Response:
    """Declare a kind or change its declaration; what a person paused stays paused."""
    declaration = KindDeclaration.parse(body)
    row = await access.app.kinds.declare(
        await access.project(), declaration, actor=access.principal.actor, reason=reason
    )
    return answer(kind={"name": row["kind"], **row})


async def _set_kind_paused(access: Access, kind: str, reason: str, *, paused: bool) -> Response:
    await access.app.kinds.set_kind_paused(
        await access.project(), kind, paused=paused, actor=access.principal.actor, reason=reason
    )
    return answer(kind=kind, paused=paused)


@kind_acts.post("/{kind}/pause", **declared(Right.OPERATE, name="pause", key="required"))
async def pause_kind(kind: str, body: ReasonBody, access: Here) -> Response:
    """Let nobody claim jobs of a kind; what runs goes on."""
    return await _set_kind_paused(access, kind, body.reason, paused=True)


@kind_acts.post("/{kind}/resume", **declared(Right.OPERATE, name="resume", key="required"))
async def resume_kind(kind: str, body: ReasonBody, access: Here) -> Response:
    """Let jobs of a kind be claimed again."""
    return await _set_kind_paused(access, kind, body.reason, paused=False)


@projects.get(
    "",
    **declared(
        Right.READ,
        name="list",
        example={"projects": [{"project_id": "default", "running": 2}], "next_cursor": None},
    ),
)
async def list_projects(access: Here, limit: Limit = MAX_PAGE, cursor: AfterName = None) -> Response:
    """List the projects that the token sees by name, with their jobs by state."""
    only = access.principal.project_id or access.project_asked
    rows, following = await access.app.insights.projects(only, cursor, limit)
    if access.principal.project_id is not None:
        for row in rows:
            del row["merged_into"]  # the name of a neighbour
    return answer(projects=rows, next_cursor=following)


@projects_made.post(
    "",
    **declared(
        Right.MANAGE_PROJECTS, name="make", key="optional", example={"project_id": "default", "created": True}
    ),
)
async def make_project(body: ProjectBody, access: Here) -> Response:
    """Make a project where there is none of that name."""
    created = await access.app.kinds.make_project(
        body.project_id, body.title, actor=access.principal.actor, reason=body.reason
    )
    return answer(project_id=body.project_id, created=created)


async def _set_project_paused(access: Access, project: str, reason: str, *, paused: bool) -> Response:
    name = access.principal.project(project)
    await access.app.kinds.set_project_paused(
        name, paused=paused, actor=access.principal.actor, reason=reason
    )
    return answer(project_id=name, paused=paused)


@project_acts.post("/{project_id}/pause", **declared(Right.OPERATE, name="pause", key="required"))
async def pause_project(project_id: str, body: ReasonBody, access: Here) -> Response:
    """Let nobody claim jobs of a project; what runs goes on."""
    return await _set_project_paused(access, project_id, body.reason, paused=True)


@project_acts.post("/{project_id}/resume", **declared(Right.OPERATE, name="resume", key="required"))
async def resume_project(project_id: str, body: ReasonBody, access: Here) -> Response:
    """Let jobs of a project be claimed again."""
    return await _set_project_paused(access, project_id, body.reason, paused=False)


@project_acts.delete("/{project_id}", **declared(Right.MANAGE_PROJECTS, name="delete", key="required"))
async def delete_project(project_id: str, reason: REASON, access: Here, force: FORCE = False) -> Response:
    """Remove a project's rows for good; its audit trail stays. A project with live workers stays, unless `force`."""
    await access.app.kinds.delete_project(
        project_id,
        actor=access.principal.actor,
        reason=reason,
        force=force,
        dry_run=access.dry_run,
    )
    return answer(project_id=project_id, deleted=True)
