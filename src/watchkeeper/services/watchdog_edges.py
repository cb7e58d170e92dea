"""What just happened, as rules judge it: rows that triggers noted, each judged once, in the order they were noted.

A row leaves the inbox in the transaction that records what came of it, so that nothing is missed while nobody watches.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.facts import (
    AgentSessionFact,
    AttemptFact,
    CheckFact,
    CommandFact,
    LostArtifactFact,
    Round,
    RunFact,
    WorkerFact,
)
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.heartbeat_checks import HeartbeatCheck, judge_step, said_of
from watchkeeper.domain.jobs import StateReason
from watchkeeper.domain.json_in_text import last_object
from watchkeeper.domain.policies import Policy, Thresholds
from watchkeeper.domain.rules.commands import COMMAND_RULES, OF_RULES, REFUSED
from watchkeeper.domain.rules.evidence import ARTIFACT_RULES, ATTEMPT_RULES, CHECK_RULES, RUN_RULES
from watchkeeper.domain.rules.judging import RuleOf, judge
from watchkeeper.domain.rules.sessions import SESSION_RULES
from watchkeeper.domain.rules.workers import WORKER_RULES
from watchkeeper.storage.database import Connection, Row, fetch

BATCH = 500

Checks = Sequence[HeartbeatCheck]

_VERDICTS = ({reason.value for reason in StateReason} - REFUSED) | OF_RULES
"""Codes that say what became of a job, and not what a command answered."""


@dataclass(frozen=True, slots=True)
class Read:
    """What came of a batch of the inbox; `is_full`: there may be more."""

    findings: list[Finding]
    is_full: bool


async def read_inbox(connection: Connection, policy: Policy, now: datetime, batch: int = BATCH) -> Read:
    """Take a batch of what happened out of the inbox, and judge it."""
    entries = await fetch(connection, "take_inbox", {"limit": batch, "families": list(FAMILIES)})
    limits = policy.thresholds
    by_family: dict[str, list[Row]] = defaultdict(list)
    for entry in entries:
        by_family[entry["family"]].append(entry)
    findings: list[Finding] = []
    for name, rows in by_family.items():
        family = FAMILIES[name]
        facts = await fetch(connection, family.query, family.arguments(rows, limits))
        made = [family.fact(row, policy.checks) for row in facts]
        findings += judge(family.rules, made, limits, now).findings
    return Read(findings, len(entries) >= batch)


@dataclass(frozen=True, slots=True)
class Family:
    """One sort of row: the query that gives its facts, what that is asked by, and the rules that judge them."""

    query: str
    arguments: Callable[[list[Row], Thresholds], dict[str, Any]]
    fact: Callable[[Row, Checks], Any]
    rules: tuple[RuleOf[Any], ...]


def _by_id(rows: list[Row], _limits: Thresholds) -> dict[str, Any]:
    return {"projects": [row["project_id"] for row in rows], "ids": [row["ref_id"] for row in rows]}


def _by_session(rows: list[Row], _limits: Thresholds) -> dict[str, Any]:
    return {**_by_id(rows, _limits), "unheard_since": None, "quiet_since": None}


def _by_attempt(rows: list[Row], _limits: Thresholds) -> dict[str, Any]:
    return {
        "projects": [row["project_id"] for row in rows],
        "seqs": [row["seq"] for row in rows],
        "epochs": [row["epoch"] for row in rows],
    }


def _by_words(rows: list[Row], limits: Thresholds) -> dict[str, Any]:
    return {**_by_attempt(rows, limits), "verdicts": sorted(_VERDICTS)}


def _by_worker(rows: list[Row], limits: Thresholds) -> dict[str, Any]:
    most = max(limits.no_job_heartbeats, limits.silent_heartbeats)
    return {
        "projects": [row["project_id"] for row in rows],
        "workers": [row["worker_id"] for row in rows],
        "rounds": 4 * most + 4,
    }


def _command(row: Row, checks: Checks) -> CommandFact:
    ok, answer = row["exit_code"] == 0 and row["error_code"] is None, answer_in(row.pop("output"))
    verdict = judge_step(checks, row["command"], said_of(row["command"], ok, answer))
    return CommandFact(**{**row, "secrets": tuple(row["secrets"] or ()), "verdict": verdict})


def answer_in(output: str | None) -> dict[str, Any] | None:
    """Give what a command answered: the last JSON object of what it printed."""
    found = last_object(output) if output else None
    return None if found is None else found[1]


def _check(row: Row, _checks: Checks) -> CheckFact:
    return CheckFact(**{**row, "failed": tuple(row["failed"] or ())})


def _attempt(row: Row, _checks: Checks) -> AttemptFact:
    return AttemptFact(**{**row, "failures": tuple((cause, error) for cause, error in row["failures"])})


def _run(row: Row, checks: Checks) -> RunFact:
    """Make a phase's fact of its row; where it is a step of the heartbeat, its payload is what the step answered."""
    said = said_of(row["phase"], row.pop("went_well", None), row.pop("payload", None))
    made = {
        "secrets": tuple(row["secrets"] or ()),
        "owes_artifact": bool(row["owes_artifact"]),
        "verdict": judge_step(checks, row["phase"], said),
    }
    return RunFact(**{**row, **made})


def worker_fact(row: Row, checks: Checks) -> WorkerFact:
    """Make a worker's fact of its row, its last heartbeat judged by the checks."""
    said = heartbeat_of(row.pop("said"))
    given: list[Mapping[str, Any]] = (
        row["rounds"] if isinstance(row["rounds"], list) else json.loads(row["rounds"])
    )
    rounds = tuple(
        Round(
            UUID(each["id"]),
            datetime.fromisoformat(each["at"]),
            None if each["job_id"] is None else UUID(each["job_id"]),
            each["advanced"],
            each["is_over"],
            each["is_silent"],
        )
        for each in given
    )
    steps = {step: judge_step(checks, step, said) for step in ("doctor", "touch")}
    return WorkerFact(**{**row, "rounds": rounds, "held": tuple(row["held"]), **steps})


def heartbeat_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Give the last heartbeat as checks read it: the words that were said, and what steps answered."""
    words = {name: value for name, value in said["words"].items() if value is not None}
    return {**words, **(said["answers"] or {})}


def session_fact(row: Row, **more: Any) -> AgentSessionFact:
    """Make a session's fact of its row."""
    left = tuple(row.pop("left_processes"))
    return AgentSessionFact(**row, left=left, **more)


FAMILIES: dict[str, Family] = {
    "command": Family("command_facts", _by_id, _command, COMMAND_RULES),
    "word": Family("word_facts", _by_words, lambda row, _checks: CommandFact(**row), COMMAND_RULES),
    "check": Family("check_facts", _by_id, _check, CHECK_RULES),
    "attempt": Family("attempt_facts", _by_attempt, _attempt, ATTEMPT_RULES),
    "run": Family("run_facts", _by_id, _run, RUN_RULES),
    "outcome": Family("outcome_facts", _by_attempt, _run, RUN_RULES),
    "ending": Family("ending_facts", _by_attempt, _run, RUN_RULES),
    "unfinished": Family("unfinished_facts", _by_attempt, _run, RUN_RULES),
    "artifact": Family(
        "artifact_facts", _by_id, lambda row, _checks: LostArtifactFact(**row), ARTIFACT_RULES
    ),
    "session": Family("session_facts", _by_session, lambda row, _checks: session_fact(row), SESSION_RULES),
    "round": Family("worker_facts", _by_worker, worker_fact, WORKER_RULES),
}
