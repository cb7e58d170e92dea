"""What supervisors tell of agent sessions: how each stands, and what it was seen to do. It renews no lease.

The holder of an attempt may tell of it, and may still do so after its end: a sweep comes last. An attempt at a mirrored
job is told of under the name that its reports give it. What an agent tells with
its job token stands beside its supervisor's word, never in its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from watchkeeper.domain.errors import JobNotFound, NotFound, StaleLease
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.holding import Caller, Claim, find_claim, job_row
from watchkeeper.services.requests import session_requests
from watchkeeper.storage.database import Connection, Database, fetch_one, fetch_row

MOST_EVENTS = 50_000
"""So many events of one session are kept; the rest are counted. A sender that coalesces comes nowhere near."""

DOCUMENTS = ("standing", "diagnosis", "unknown", "left")
TEXTS = ("transcript", "workspace")


class SessionRecording:
    """Writes sessions and their events down, redacted."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    async def tell(self, caller: Caller, job: str, number: int, said: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a session of an attempt, or note how it stands; what is None stays as it is.

        Answers how old the session is and the number of its last event, for who goes on with the telling; for one at a
        mirrored job also what is asked of it.

        Raises JobNotFound, and StaleLease for who never held the attempt.
        """
        given = dict(said)
        for name in DOCUMENTS:
            given[name] = None if given[name] is None else self._data(given[name])
        for name in TEXTS:
            given[name] = None if given[name] is None else self._redactor.redact(given[name])
        async with self._database.transaction() as connection:
            attempt = await self._attempt(connection, caller, job)
            row = await fetch_row(connection, "tell_session", {**given, **attempt, "number": number})
            asked = await self._asked_of(connection, attempt) if attempt.get("is_foreign") else []
        return {"session": {**row, "number": number}, **({"session_requests": asked} if asked else {})}

    async def tell_events(
        self,
        caller: Caller,
        job: str,
        number: int,
        events: Sequence[Mapping[str, Any]],
        *,
        dropped: int,
        silent_seconds: float | None,
    ) -> dict[str, Any]:
        """Keep what a session was seen to do, each event once by its number; raise NotFound for one not begun."""
        async with self._database.transaction() as connection:
            attempt = await self._attempt(connection, caller, job)
            session = await fetch_one(connection, "told_session", {**attempt, "number": number})
            if session is None:
                raise NotFound(f"session {number} of this attempt was not begun")
            room = max(0, MOST_EVENTS - session["events_kept"])
            kept = {
                "project_id": caller.project_id,
                "id": session["id"],
                "events": json.dumps([self._noted(one) for one in events[:room]], ensure_ascii=False),
                "dropped": dropped + max(0, len(events) - room),
                "silent_seconds": silent_seconds,
            }
            row = await fetch_row(connection, "add_session_events", kept)
        return {"session": {"id": session["id"], "number": number}, "kept": row["kept"]}

    async def _attempt(self, connection: Connection, caller: Caller, job: str) -> dict[str, Any]:
        if caller.lease_token is not None and "." not in caller.lease_token:
            return await self._foreign_attempt(connection, caller, job, caller.lease_token)
        claim = await find_claim(connection, caller, job)
        holder = await fetch_one(connection, "session_holder", _held(caller.project_id, claim))
        if holder is None:
            raise StaleLease
        return {
            "project_id": caller.project_id,
            "job_id": claim.job_id,
            "epoch": claim.epoch,
            "worker_id": holder["worker_id"],
            "told_by": "supervisor" if claim.token_hash is not None else "agent",
        }

    async def _foreign_attempt(
        self, connection: Connection, caller: Caller, job: str, attempt: str
    ) -> dict[str, Any]:
        """Find an attempt at a mirrored job by the name that its reports give it: a foreign lease has no token."""
        row = await job_row(connection, caller.project_id, job)
        if row is None or caller.principal.job_seq is not None:
            raise JobNotFound(f"there is no job {job[:100]!r} here")
        asked = {"project_id": caller.project_id, "seq": row["seq"], "attempt_id": attempt}
        found = await fetch_one(connection, "foreign_session_holder", asked)
        if found is None:
            raise StaleLease
        return {"project_id": caller.project_id, **found, "told_by": "supervisor", "is_foreign": True}

    async def _asked_of(self, connection: Connection, attempt: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Give what is asked of an attempt's session here: a foreign lease is renewed elsewhere."""
        asked = await session_requests(connection, attempt["project_id"], attempt["worker_id"])
        of_it = attempt["job_id"], attempt["epoch"]
        return [one for one in asked if (one["job"], one["epoch"]) == of_it]

    def _noted(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Give an event without its secrets, their kinds beside those that its sender took out."""
        taken: set[str] = set()
        kept: dict[str, Any] = self._redactor.redact_data(event, taken)
        if taken:
            before = kept["fields"].get("redacted")
            kinds = {kind for kind in before if isinstance(kind, str)} if isinstance(before, list) else set()
            kept["fields"]["redacted"] = sorted(kinds | taken)
        return kept

    def _data(self, data: Any) -> str:
        return json.dumps(self._redactor.redact_data(data), ensure_ascii=False)


def _held(project_id: str, claim: Claim) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "seq": claim.seq,
        "epoch": claim.epoch,
        "token_hash": claim.token_hash,
    }
