"""Agent sessions: told by those who hold their attempts, and read by people."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from watchkeeper.domain.principals import Right
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.interfaces.api.answers import answer, listed
from watchkeeper.interfaces.api.auth import Here, Holder
from watchkeeper.interfaces.api.contract import JobName
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.pages import MAX_PAGE, AfterId, Format, Limit
from watchkeeper.interfaces.api.repairs import REPAIR
from watchkeeper.interfaces.api.schemas import ReasonBody
from watchkeeper.interfaces.api.session_bodies import LONGEST, SessionBody, SessionEventsBody
from watchkeeper.interfaces.api.state import state_of
from watchkeeper.services.repairs.desk import Wish
from watchkeeper.services.session_reading import KINDS, MAX_WAIT_SECONDS, LinesAsked, SessionFilter

records = APIRouter(prefix="/api/worker/jobs", tags=["sessions"], route_class=GuardedRoute)
reads = APIRouter(prefix="/api/sessions", tags=["sessions"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api/sessions", tags=["sessions"], route_class=ActRoute)

LineKind = Literal["say", "tool", "error", "contract", "state"]
SessionId = Annotated[UUID, Path(description="The session's id.")]
EXAMPLE = {
    "id": JOB_ID,
    "job_id": JOB_ID,
    "kind": "build",
    "epoch": 1,
    "number": 1,
    "worker_id": "host-1",
    "agent": "codex",
    "state": "running",
    "class": None,
    "turns": 2,
    "restarts": 0,
    "tokens_used": 48_200,
    "cost": 0.31,
    "last_event": "tool_closed",
    "started_at": TIME,
    "last_event_at": TIME,
    "ended_at": None,
}
BEGUN = {"id": JOB_ID, "number": 1, "ended": False, "age_s": 0.0, "last_number": 0}
INTERRUPTED = {"repair": REPAIR | {"action": "interrupt_session", "state": "executing", "trigger": "asked"}}
EVENT = {"number": 7, "t": 12.5, "source": "stdout", "event": "said", "fields": {"text": "Done."}}


@records.post(
    "/{job:path}/session",
    **declared(Right.CONTRACT, name="tell", example={"session": BEGUN}),
)
async def tell_session(job: JobName, body: SessionBody, access: Here, caller: Holder) -> Response:
    """Begin an agent session of an attempt, say how it stands, or that it ended; renews no lease."""
    return answer(**await access.app.sessions.recording.tell(caller, job, body.session, body.said()))


@records.post(
    "/{job:path}/session/events",
    **declared(Right.CONTRACT, example={"session": {"id": JOB_ID, "number": 1}, "kept": 3}),
)
async def tell_events(job: JobName, body: SessionEventsBody, access: Here, caller: Holder) -> Response:
    """Tell what a session was seen to do; each event is kept once by its number."""
    events = [event.model_dump() for event in body.events]
    kept = await access.app.sessions.recording.tell_events(
        caller, job, body.session, events, dropped=body.dropped, silent_seconds=body.silent_s
    )
    return answer(**kept)


@reads.get("", **declared(Right.READ, name="list", example={"sessions": [EXAMPLE], "next_cursor": None}))
async def list_sessions(
    access: Here,
    job: Annotated[
        str | None, Query(max_length=500, description="Only those of this job, by its id or external id.")
    ] = None,
    worker: Annotated[str | None, Query(max_length=200, description="Only those of this worker.")] = None,
    live: Annotated[bool | None, Query(description="Only those that have not ended, or have.")] = None,
    before: AfterId = None,
    limit: Limit = 100,
    as_: Format = "json",
) -> Response:
    """List agent sessions, the newest first, a page at a time."""
    rows, after = await access.app.sessions.reading.page(
        await access.project(), SessionFilter(job, worker, live), before=before, limit=limit
    )
    return listed("sessions", rows, after, as_)


@reads.get("/{session_id}", **declared(Right.READ, name="show", example={"session": EXAMPLE}))
async def show_session(session_id: SessionId, access: Here) -> Response:
    """Show one session: how it stands, what was found of it, its clocks, what it cost, what was left of it."""
    return answer(session=await access.app.sessions.reading.show(await access.project(), session_id))


@acts.post("/{session_id}/interrupt", **declared(Right.OPERATE, key="required", example=INTERRUPTED))
async def interrupt_session(session_id: SessionId, body: ReasonBody, access: Here) -> Response:
    """Have a session's turn cut: its supervisor does it at its next renewal, and goes on with the same thread."""
    wish = Wish(RepairAction.INTERRUPT_SESSION, body.reason, session=str(session_id))
    repairs = access.app.watchdog.repairs
    return answer(repair=await repairs.carry_out(await access.project(), wish, access.principal))


@reads.get(
    "/{session_id}/lines",
    **declared(Right.READ, name="lines", example={"lines": [EVENT | {"kind": "say"}], "earlier": None}),
)
async def session_lines(
    session_id: SessionId,
    access: Here,
    kind: Annotated[
        list[LineKind] | None, Query(description="Only lines of these kinds.", max_length=len(KINDS))
    ] = None,
    find: Annotated[
        str | None, Query(min_length=1, max_length=200, description="Only lines with this text.")
    ] = None,
    before: Annotated[
        int | None, Query(ge=0, le=LONGEST, description="`earlier` of the answer before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Lines an answer.")] = 500,
) -> Response:
    """Give the newest events of a session, of some kinds or with some text; `earlier` leads to those before."""
    reading, project = access.app.sessions.reading, await access.project()
    await reading.show(project, session_id)
    kinds = None if kind is None else tuple(kind)
    found = await reading.lines(project, session_id, LinesAsked(limit, before, 0, kinds, find))
    lines = [
        {name: value for name, value in row.items() if name != "least"}
        | {"fields": access.app.redactor.redact_data(row["fields"])}
        for row in found.events
    ]
    return answer(lines=lines, earlier=found.earlier)


@reads.get(
    "/{session_id}/events",
    **declared(Right.READ, name="events", example={"events": [EVENT], "next_after": 7, "ended": False}),
)
async def session_events(
    session_id: SessionId,
    access: Here,
    request: Request,
    after: Annotated[int, Query(ge=0, le=LONGEST, description="`next_after` of the answer before.")] = 0,
    wait: Annotated[
        float, Query(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for events of a live session.")
    ] = 0.0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Events an answer.")] = 500,
) -> Response:
    """Give a session's events in order, or wait for them; `ended` says that no more will come."""
    state = state_of(request)

    async def is_gone() -> bool:
        return state.closing.is_set() or await request.is_disconnected()

    told = await access.app.sessions.reading.events(
        await access.project(), session_id, after=after, limit=limit, wait_seconds=wait, is_gone=is_gone
    )
    return answer(**told)
