"""Closes incidents whose trouble is over: a page of them at a time is held against how their subjects stand now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from watchkeeper.domain.heartbeat_checks import judge_step, said_of
from watchkeeper.domain.host_guard.lanes import OF_RULE
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.rules.passing import PASSES, Case, pass_evidence
from watchkeeper.domain.standings import (
    Decision,
    HostStanding,
    JobStanding,
    KindStanding,
    SessionStanding,
    Standing,
    Unresolved,
    WorkerStanding,
)
from watchkeeper.services.incidents import Closed, IncidentKey, Incidents, Passed
from watchkeeper.services.watchdog_edges import answer_in
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_row

PAGE = 200

COMMANDS = {
    RuleName.CLAIM_NO_OUTPUT: "claim",
    RuleName.COMPLETE_REJECTED: "complete",
    RuleName.DOCTOR_FAILED: "doctor",
    RuleName.TOUCH_FAILED: "touch",
}
"""The command whose success ends each; of `fetch_failed` it is the one that failed."""


@dataclass(frozen=True, slots=True)
class Over:
    """An incident whose trouble is over, as the facts of one moment show it."""

    key: IncidentKey
    passed: Passed


class Closing:
    """Goes through the unresolved incidents page by page, over and over."""

    def __init__(self, database: Database, incidents: Incidents, page: int = PAGE) -> None:
        self._database = database
        self._incidents = incidents
        self._page = page
        self._after: UUID | None = None

    async def run_once(self, policy: Policy) -> int:
        """Close what is over in the next page; give how many were closed."""
        async with self._database.transaction() as connection:
            page = await find_over(connection, policy, self._after, self._page)
        self._after = page.after
        closed = 0
        for each in page.over:
            async with self._database.transaction() as connection:
                came = await self._incidents.close(connection, each.key, each.passed, policy)
            closed += came is Closed.CLOSED
        return closed


@dataclass(frozen=True, slots=True)
class Page:
    """What of a page of unresolved incidents is over; `after` is the cursor of the next one, None at the end."""

    over: list[Over]
    after: UUID | None


async def find_over(connection: Connection, policy: Policy, after: UUID | None, limit: int) -> Page:
    """Hold a page of unresolved incidents against how their subjects stand now."""
    asked = {"rules": list(PASSES), "after": after, "limit": limit}
    rows = await fetch(connection, "unresolved_to_check", asked)
    if not rows:
        return Page([], None)
    now: datetime = (await fetch_row(connection, "clock"))["now"]
    standings = await _standings(connection, rows, now, policy)
    over = []
    for row in rows:
        rule = RuleName(row["rule"])
        incident = Unresolved(
            rule, row["evidence"], row["opened_at"], row["last_seen_at"], row["is_mirrored"]
        )
        evidence = pass_evidence(Case(incident, standings[row["id"]], policy.thresholds, now))
        if evidence:
            over.append(Over(IncidentKey(row["project_id"], row["id"], rule), Passed(evidence, now)))
    return Page(over, rows[-1]["id"] if len(rows) >= limit else None)


async def _standings(
    connection: Connection, rows: Sequence[Row], now: datetime, policy: Policy
) -> dict[UUID, Standing]:
    absent = timedelta(seconds=policy.absent_seconds)
    jobs = await _of(connection, "job_standings", [row for row in rows if row["job_id"]])
    workers = await _of(connection, "worker_standings", [row for row in rows if row["worker_id"]])
    kinds = await _of(
        connection,
        "kind_standings",
        [row for row in rows if row["kind"] and row["job_id"] is None],
        absent_at=now - absent,
    )
    sessions = await _of(
        connection, "session_standings", [row for row in rows if _named(row, "agent_session")]
    )
    hosts = await _of(connection, "host_standings", [row for row in rows if row["rule"] in OF_RULE])
    decisions = await _of(connection, "decided_of_incidents", rows)
    return {
        row["id"]: Standing(
            JobStanding(**jobs[row["id"]]) if row["id"] in jobs else None,
            _worker(workers[row["id"]], _command(row), policy) if row["id"] in workers else None,
            KindStanding(**kinds[row["id"]]) if row["id"] in kinds else None,
            SessionStanding(**sessions[row["id"]]) if row["id"] in sessions else None,
            Decision(**decisions[row["id"]]) if row["id"] in decisions else Decision(),
            HostStanding(**hosts[row["id"]]) if row["id"] in hosts else None,
        )
        for row in rows
    }


async def _of(connection: Connection, query: str, rows: Sequence[Row], **more: Any) -> dict[UUID, Row]:
    if not rows:
        return {}
    found = await fetch(
        connection,
        query,
        {
            "incidents": [row["id"] for row in rows],
            "projects": [row["project_id"] for row in rows],
            "jobs": [row["job_id"] for row in rows],
            "workers": [row["worker_id"] for row in rows],
            "kinds": [row["kind"] for row in rows],
            "origins": [row["evidence"].get("origin", "own") for row in rows],
            "next_jobs": [_next_job(row) for row in rows],
            "opened": [row["opened_at"] for row in rows],
            "seen": [row["last_seen_at"] for row in rows],
            "commands": [_command(row) for row in rows],
            "answered": [bool(row["evidence"].get("answered")) for row in rows],
            "epochs": [_epoch(row) for row in rows],
            "artifacts": [_named(row, "artifact") for row in rows],
            "sessions": [_named(row, "agent_session") for row in rows],
            **more,
        },
    )
    return {row.pop("incident_id"): row for row in found}


def _command(row: Row) -> str | None:
    rule = RuleName(row["rule"])
    if rule is RuleName.FETCH_FAILED:
        return str(row["evidence"].get("command"))
    return COMMANDS.get(rule)


def _worker(row: Row, step: str | None, policy: Policy) -> WorkerStanding:
    words = {name: row.pop(f"word_{name}") for name in ("ref", "ok", "answer", "output")}
    if step is None or words["ref"] is None:
        return WorkerStanding(**row)
    answer = words["answer"] or answer_in(words["output"])
    verdict = judge_step(policy.checks, step, said_of(step, words["ok"], answer))
    return WorkerStanding(**row, checked=verdict, checked_ref=words["ref"])


def _next_job(row: Row) -> UUID | None:
    job = row["evidence"].get("next_job") if row["rule"] == RuleName.QUEUE_STUCK else None
    try:
        return None if job is None else UUID(job)
    except ValueError:
        return None  # said by somebody outside


def _epoch(row: Row) -> int | None:
    epoch = row["evidence"].get("epoch")
    return epoch if isinstance(epoch, int) else None


def _named(row: Row, family: str) -> UUID | None:
    """Give the id of the row on which an incident rests, if it is of that family."""
    found, _, text = (row["evidence_ref"] or "").partition(":")
    try:
        return UUID(text) if found == family else None
    except ValueError:
        return None  # said by somebody outside
