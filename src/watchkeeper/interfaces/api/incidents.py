"""Incidents: reported from outside, listed, looked at, exported, and what people do with one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, StringConstraints

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.incidents import IncidentState
from watchkeeper.domain.principals import Right
from watchkeeper.domain.rules.names import RuleName, Severity
from watchkeeper.interfaces.api.answers import answer, listed
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute, KeyedRoute
from watchkeeper.interfaces.api.pages import AfterId, Format, Limit
from watchkeeper.interfaces.api.schemas import Body, Key, Reason, ReasonBody, Time, Word, WorkerId
from watchkeeper.services.incident_reading import IncidentFilter
from watchkeeper.services.incident_reports import ReportedIncident

reads = APIRouter(prefix="/api/watchdog/incidents", tags=["incidents"], route_class=GuardedRoute)
reports = APIRouter(prefix="/api/watchdog/incidents", tags=["incidents"], route_class=KeyedRoute)
acts = APIRouter(prefix="/api/watchdog/incidents", tags=["incidents"], route_class=ActRoute)

DAY_SECONDS = 86_400
EXAMPLE: dict[str, Any] = {
    "id": JOB_ID,
    "rule": "lease_expired",
    "severity": "high",
    "state": "open",
    "cause": "not_renewed",
    "occurrences": 1,
    "owner": "owner",
    "next_action": "retouch",
    "due_at": TIME,
    "opened_at": TIME,
}
IncidentId = Annotated[UUID, Path(description="The incident's id.")]


class IncidentBody(Body):
    """What somebody outside saw. It is about the job, else the worker, else the kind, else `about`.

    Severity, owner and next action are the rule's, whoever reports it.
    """

    rule: Annotated[RuleName, Field(strict=False)]
    cause: Word = "reported"
    job: Key | None = None
    worker_id: WorkerId | None = None
    kind: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    about: Word | None = None
    evidence: dict[str, Any] = Field(default_factory=dict)
    evidence_ref: Key | None = None


class UntilBody(Body):
    """Until `until`, or for `seconds` from now; one of the two."""

    until: Time | None = None
    seconds: float | None = Field(None, gt=0, le=366 * DAY_SECONDS)


class AckBody(UntilBody):
    reason: Reason


class QuietBody(UntilBody):
    """With neither `until` nor `seconds` an earlier silence ends."""

    reason: Reason


@reads.get("", **declared(Right.READ, name="list", example={"incidents": [EXAMPLE], "next_cursor": None}))
async def list_incidents(
    access: Here,
    state: Annotated[IncidentState | None, Query(description="Only those in this state.")] = None,
    unresolved: Annotated[bool, Query(description="Only those that are not over.")] = False,
    rule: Annotated[RuleName | None, Query(description="Only those of this rule.")] = None,
    severity: Annotated[Severity | None, Query(description="Only those of this severity.")] = None,
    job: Annotated[
        str | None, Query(max_length=500, description="Only those of this job, by its id or external id.")
    ] = None,
    worker: Annotated[str | None, Query(max_length=200, description="Only those of this worker.")] = None,
    kind: Annotated[str | None, Query(max_length=100, description="Only those of this kind.")] = None,
    before: AfterId = None,
    limit: Limit = 100,
    as_: Format = "json",
) -> Response:
    """List incidents, the newest first, a page at a time."""
    only = IncidentFilter(state, unresolved, rule, severity, job, worker, kind)
    rows, after = await access.app.watchdog.incident_reading.page(
        await access.project(), only, before=before, limit=limit
    )
    return listed("incidents", rows, after, as_)


@reports.post(
    "", **declared(Right.RECORD, name="report", key="optional", status=201, example={"incident": EXAMPLE})
)
async def report_incident(body: IncidentBody, access: Here) -> Response:
    """Record what was seen: it opens an incident, or counts one more. On a worker's word nothing is done by itself."""
    said = ReportedIncident(**body.model_dump())
    recorded = await access.app.watchdog.incident_reports.report(
        await access.project(),
        said,
        actor=access.principal.actor,
        is_hearsay=not access.principal.may(Right.OPERATE),
    )
    return answer(
        201,
        incident={
            "id": recorded.id,
            "rule": recorded.rule,
            "state": recorded.state,
            "severity": recorded.severity,
            "occurrences": recorded.occurrences,
            "opened": recorded.opened,
            "recurrence_of": recorded.recurrence_of,
            "stopped_worker": recorded.stopped_worker,
        },
    )


@reads.get(
    "/{incident_id}",
    **declared(Right.READ, version_of="incident", name="show", example={"incident": EXAMPLE}),
)
async def show_incident(incident_id: IncidentId, access: Here) -> Response:
    """Show one incident with its evidence, its symptoms, repairs and former returns, and the runbook of its rule."""
    return answer(
        incident=await access.app.watchdog.incident_reading.show(await access.project(), incident_id)
    )


STORY = {"at": TIME, "what": "state", "event": "incident_opened", "actor": "system:watchdog", "said": None}


@reads.get("/{incident_id}/story", **declared(Right.READ, name="story", example={"story": [STORY]}))
async def incident_story(incident_id: IncidentId, access: Here) -> Response:
    """Tell what happened to an incident in order of time: its states, repairs, what people did, and were told."""
    story = await access.app.watchdog.incident_reading.story(await access.project(), incident_id)
    return answer(story=story)


@reads.get(
    "/{incident_id}/export",
    **declared(Right.READ, name="export", example={"document": {}, "markdown": "# ..."}),
)
async def export_incident(incident_id: IncidentId, access: Here) -> Response:
    """Give all that somebody outside needs to understand an incident, as one document and as Markdown, redacted."""
    return answer(**await access.app.watchdog.incident_export.export(await access.project(), incident_id))


@acts.post("/{incident_id}/ack", **declared(Right.OPERATE, version_of="incident", key="required"))
async def acknowledge(incident_id: IncidentId, body: AckBody, access: Here) -> Response:
    """Take care of an incident until a time (an hour, if none is given): people are not called to it before then."""
    until = _until(body) or timedelta(hours=1)
    changed = await access.app.watchdog.incidents.acknowledge(
        await access.project(), incident_id, actor=access.principal.actor, note=body.reason, until=until
    )
    return answer(incident=changed)


@acts.post("/{incident_id}/quiet", **declared(Right.OPERATE, version_of="incident", key="required"))
async def quiet(incident_id: IncidentId, body: QuietBody, access: Here) -> Response:
    """Say that this silence is right until a time, for its returns too: nobody is called, all is recorded."""
    changed = await access.app.watchdog.incidents.quiet(
        await access.project(),
        incident_id,
        actor=access.principal.actor,
        reason=body.reason,
        until=_until(body),
    )
    return answer(incident=changed)


@acts.post("/{incident_id}/resolve", **declared(Right.OPERATE, version_of="incident", key="required"))
async def resolve(incident_id: IncidentId, body: ReasonBody, access: Here) -> Response:
    """Decide that an incident is over, where its rule leaves that to a person."""
    await access.app.watchdog.incidents.resolve(
        await access.project(), incident_id, actor=access.principal.actor, reason=body.reason
    )
    return answer(incident={"id": incident_id, "state": IncidentState.RESOLVED})


def _until(body: UntilBody) -> datetime | timedelta | None:
    if body.until is not None and body.seconds is not None:
        raise UsageError("give 'until' or 'seconds', not both")
    return body.until if body.seconds is None else timedelta(seconds=body.seconds)
