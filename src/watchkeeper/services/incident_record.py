"""Findings become incidents: one for each fingerprint, however many watchdogs find the same.

`record_finding` is for services that meet the fact themselves and would leave no row of it: it counts each time.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from watchkeeper.domain.causes import EXPLAINS, Shared, Subject, causes_of
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.incidents import Opening, Past, capped, opening, return_of
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.storage.database import Connection, Row, fetch

SEEN_AGAIN = timedelta(minutes=1)
"""A finding that says nothing new is written down as seen this often."""

MOST_RELATED = 10_000
WATCHDOG = "watchdog"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The incident that a finding came to. `opened` is true for the one recorder who opened it.

    `is_new` says that it was opened or counted one more. `stopped_worker` names the worker that it stopped.
    """

    id: UUID
    project_id: str
    rule: RuleName
    fingerprint: str
    state: str
    severity: str
    occurrences: int
    opened: bool
    is_flapping: bool = False
    recurrence_of: UUID | None = None
    cause_id: UUID | None = None
    stopped_worker: str | None = None


async def record_finding(
    connection: Connection, finding: Finding, policy: Policy, *, actor: str = WATCHDOG
) -> Recorded | None:
    """Record in the caller's transaction something that just happened; None where the rule is turned off.

    It counts each time. Take the worker's row before calling, if at all: a stop condition locks it.
    """
    recorded = await record_findings(connection, [finding], policy, is_edge=True, actor=actor)
    return recorded[0] if recorded else None


async def record_findings(
    connection: Connection,
    findings: Sequence[Finding],
    policy: Policy,
    *,
    is_edge: bool = False,
    actor: str = WATCHDOG,
) -> list[Recorded]:
    """Open or count the incidents of findings; give them in the order of their first finding.

    What is not an edge is counted when it names other evidence (`evidence_ref`) than the last one, so that several
    watchdogs that see the same rows count them once. Findings of rules that are turned off are left out.
    """
    batch = _batch(findings, policy, is_edge=is_edge)
    known = {} if is_edge else await _unchanged(connection, batch)
    news = {key: row for key, row in batch.items() if key not in known}
    written: dict[tuple[str, str], Recorded] = {}
    if news:
        await _lock_workers(connection, news.values())
        rows = await fetch(
            connection,
            "record_findings",
            {
                "findings": json.dumps(list(news.values()), default=str),
                "policy_version": policy.version,
                "policy_digest": policy.digest,
                "is_edge": is_edge,
                "actor": actor,
            },
        )
        opened = [row for row in rows if row["opened"]]
        if opened:
            await _settle(connection, opened, policy)
        written = {(row["project_id"], row["fingerprint"]): _recorded(row) for row in rows}
    return [known[key] if key in known else written[key] for key in batch]


async def attach(connection: Connection, incidents: Iterable[Row]) -> dict[UUID, UUID]:
    """Attach symptoms to their causes among these incidents and those that share something with them."""
    rows = list(incidents)
    ids, projects = [row["id"] for row in rows], {row["project_id"] for row in rows}
    related = await fetch(
        connection,
        "related_incidents",
        {
            "ids": ids,
            "projects": list(projects),
            "everywhere": list(EXPLAINS[Shared.INSTALLATION]),
            "most": MOST_RELATED,
        },
    )
    found = causes_of(_subject(row) for row in related)
    loose = {row["id"]: found[row["id"]] for row in related if row["cause_id"] is None and row["id"] in found}
    if not loose:
        return {}
    attached = await fetch(
        connection,
        "attach_symptoms",
        {
            "symptoms": list(loose),
            "causes": list(loose.values()),
            "projects": list({row["project_id"] for row in related}),
        },
    )
    return {row["id"]: row["cause_id"] for row in attached}


def _batch(
    findings: Sequence[Finding], policy: Policy, *, is_edge: bool
) -> dict[tuple[str, str], dict[str, Any]]:
    """Give a row for each fingerprint, in the order in which all recorders take them; the latest finding tells it."""
    grouped: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[finding.project_id, finding.fingerprint].append(finding)
    batch = {}
    for key in sorted(grouped):
        last = max(grouped[key], key=lambda each: each.found_at)
        begin = opening(last.rule, policy, last.evidence.get("command"))
        if begin is not None:
            times = len(grouped[key] if is_edge else {each.evidence_ref for each in grouped[key]})
            batch[key] = _row(last, begin, times)
    return batch


def _row(finding: Finding, begin: Opening, times: int) -> dict[str, Any]:
    return {
        "project_id": finding.project_id,
        "fingerprint": finding.fingerprint,
        "rule": finding.rule,
        "severity": begin.severity,
        "state": begin.state,
        "job_id": finding.job_id,
        "worker_id": finding.worker_id,
        "kind": finding.kind,
        "is_mirrored": finding.is_mirrored,
        "evidence": capped(finding.evidence),
        "evidence_ref": finding.evidence_ref and finding.evidence_ref[:500],
        "cause": finding.cause[:200],
        "owner": begin.owner,
        "next_action": begin.next_action,
        "due_seconds": begin.due and begin.due.total_seconds(),
        "stops_worker": begin.stops_worker,
        "times": times,
        "found_at": finding.found_at,
    }


async def _unchanged(
    connection: Connection, batch: Mapping[tuple[str, str], dict[str, Any]]
) -> dict[tuple[str, str], Recorded]:
    """Give the incidents of which the findings say nothing new, and that were written down as seen a moment ago."""
    if not batch:
        return {}
    rows = await fetch(
        connection,
        "known_incidents",
        {"projects": [project for project, _ in batch], "fingerprints": [print_ for _, print_ in batch]},
    )
    known = {}
    for row in rows:
        key = row["project_id"], row["fingerprint"]
        found = batch[key]
        is_told = found["evidence_ref"] in (None, row["evidence_ref"])
        if is_told and row["passing_since"] is None and found["found_at"] < row["last_seen_at"] + SEEN_AGAIN:
            known[key] = _recorded({**row, "rule": found["rule"], "opened": False, "stopped_worker": None})
    return known


async def _lock_workers(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    stopping = [row for row in rows if row["stops_worker"] and row["worker_id"]]
    if stopping:
        await fetch(
            connection,
            "lock_workers_to_stop",
            {
                "projects": [row["project_id"] for row in stopping],
                "workers": [row["worker_id"] for row in stopping],
            },
        )


async def _settle(connection: Connection, opened: list[Row], policy: Policy) -> None:
    """Note of new incidents what they are returns of, and what explains them; the rows are brought up to date."""
    by_id = {row["id"]: row for row in opened}
    projects = list({row["project_id"] for row in opened})
    past = await fetch(
        connection,
        "past_incidents",
        {"ids": list(by_id), "projects": projects, "days": policy.thresholds.recurrence_days},
    )
    before = defaultdict(list)
    for row in past:
        before[row["returned"]].append(row)
    returns = {
        new: return_of(
            (Past(row["id"], row["resolved_at"], row["quiet_until"], row["quiet_by"]) for row in rows),
            rows[0]["opened_at"],
            policy.thresholds.recurrence_days,
        )
        for new, rows in before.items()
    }
    if returns:
        await fetch(
            connection,
            "mark_returns",
            {
                "ids": list(returns),
                "projects": projects,
                "recurrences": [each.recurrence_of for each in returns.values()],
                "flapping": [each.is_flapping for each in returns.values()],
                "quiet_until": [each.quiet_until for each in returns.values()],
                "quiet_by": [each.quiet_by for each in returns.values()],
            },
        )
    for new, each in returns.items():
        by_id[new] |= {"recurrence_of": each.recurrence_of, "is_flapping": each.is_flapping}
    for symptom, cause in (await attach(connection, opened)).items():
        if symptom in by_id:
            by_id[symptom]["cause_id"] = cause


def _subject(row: Row) -> Subject:
    return Subject(
        row["id"],
        row["project_id"],
        RuleName(row["rule"]),
        row["opened_at"],
        row["job_id"],
        row["worker_id"],
        row["kind"],
    )


def _recorded(row: Row) -> Recorded:
    return Recorded(
        row["id"],
        row["project_id"],
        RuleName(row["rule"]),
        row["fingerprint"],
        row["state"],
        row["severity"],
        row["occurrences"],
        row["opened"],
        row["is_flapping"],
        row["recurrence_of"],
        row["cause_id"],
        row["stopped_worker"],
    )
