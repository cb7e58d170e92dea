"""What the database knows of a project, gathered for its reports: one query a figure, each bounded, in one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from watchkeeper.domain.artifacts import ArtifactKind
from watchkeeper.domain.evidence_facts import ProjectFacts
from watchkeeper.domain.judging import Share
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.scores import WorkerFacts
from watchkeeper.domain.stage_proofs import STUCK_RULES
from watchkeeper.services.merges import project_group
from watchkeeper.services.slos import kept, read_slos
from watchkeeper.storage.database import Connection, Row, fetch, fetch_row

SHARES = {
    "classified": "stuck_classification",
    "retries": "retry_success",
    "gate": "gate_pass",
    "false_completes": "false_completes",
    "contract_failures": "result_contract_failures",
    "evidence": "artifact_evidence",
}
"""Fields of the facts and the query of each; queue_stuck_age is the seventh indicator."""

WORKER_PARTS = ("doctor", "touch", "claim", "attempts", "gate", "advanced")
MISSING_WORK = ("claim_loop_idle", "missing_worker_kind")


async def gathered(
    connection: Connection, project_id: str, policy: Policy, days: float | None = None
) -> ProjectFacts:
    """Gather the facts of the last `days`, or since the project began, of all that is read together with it."""
    frame = await fetch_row(connection, "report_frame", {"project_id": project_id})
    since = frame["started_at"] if days is None else frame["now"] - timedelta(days=days)
    group = await project_group(connection, project_id)
    found = joined([await _of_one(connection, each, since) for each in group])
    found["golden"] = {row["drill"]: row["passed"] for row in await fetch(connection, "report_drills")}
    evidence, false = found["evidence"], found["false_completes"]
    found["captured"] = Share(evidence.part - min(evidence.part, false.part), evidence.part)
    found["slos"] = kept(await read_slos(connection, group, policy))
    workers = await worker_facts(connection, group, since)
    scored = [worker for worker in workers if any(share.is_enough for share in worker.parts.values())]
    found["scored_workers"] = len(scored)
    found["scored_roles"] = len({worker.role for worker in scored if worker.role is not None})
    return ProjectFacts(started_at=frame["started_at"], now=frame["now"], **found)


ONCE = frozenset({"ticks", "seals", "stuck_age_seconds"})
"""What is of the whole installation, or is an age: of several projects the largest, where each knows it."""


def joined(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up the facts of projects that are read together."""
    return {name: _added(name, [each[name] for each in facts]) for name in facts[0]}


def _added(name: str, values: Sequence[Any]) -> Any:
    if name in ONCE:
        return None if None in values else max(values)
    first = values[0]
    if isinstance(first, Share):
        return Share(sum(each.part for each in values), sum(each.n for each in values))
    if isinstance(first, Mapping):
        return {key: sum(each.get(key, 0) for each in values) for each in values for key in each}
    return sum(values)


async def _of_one(connection: Connection, project_id: str, since: datetime) -> dict[str, Any]:
    where = {"project_id": project_id, "since": since, "stuck_rules": list(STUCK_RULES)}
    found: dict[str, Any] = {}
    for name, query in SHARES.items():
        found[name] = _share(await fetch_row(connection, query, where))
    age = await fetch_row(connection, "queue_stuck_age", where)
    found |= {"stuck_age_seconds": age["seconds"]}
    found |= _advancement(await fetch_row(connection, "advancement", where))
    found |= _incidents(await fetch(connection, "report_incidents", where))
    found["repairs"] = {
        row["action"]: row["done"] for row in await fetch(connection, "report_repairs", where)
    }
    found["phases"] = {row["phase"]: row["seen"] for row in await fetch(connection, "report_phases", where)}
    kinds = [kind.value for kind in ArtifactKind]
    return found | _rest(await fetch_row(connection, "report_rest", {**where, "kinds": kinds}))


async def worker_facts(connection: Connection, projects: Sequence[str], since: datetime) -> list[WorkerFacts]:
    """Count what each worker of these projects did since a time."""
    rows: list[Row] = []
    for project_id in projects:
        rows += await fetch(connection, "worker_scores", {"project_id": project_id, "since": since})
    return [
        WorkerFacts(
            row["worker_id"],
            row["role"],
            row["persona"],
            {part: Share(row[part] or 0, row[f"{part}_n"] or 0) for part in WORKER_PARTS},
            row["open_incidents"],
        )
        for row in rows
    ]


def _share(row: Row) -> Share:
    return Share(row["part"], row["n"])


def _advancement(row: Row) -> dict[str, Share]:
    return {
        "advancement": _share(row),
        "earlier": Share(row["earlier"], row["earlier_n"]),
        "later": Share(row["later"], row["later_n"]),
    }


def _incidents(rows: list[Row]) -> dict[str, Any]:
    def total(name: str, *rules: str) -> int:
        return sum(row[name] for row in rows if not rules or row["rule"] in rules)

    stuck, routed = total("seen", *STUCK_RULES), total("routed", "missing_worker_kind")
    return {
        "incidents": {row["rule"]: row["seen"] for row in rows},
        "real": {row["rule"]: row["real"] for row in rows},
        "repaired": Share(total("repaired", *STUCK_RULES), stuck),
        "learnt": Share(total("learnt", *STUCK_RULES), stuck),
        "proposed": Share(total("proposed", *MISSING_WORK), total("seen", *MISSING_WORK)),
        "routed": Share(routed, routed + total("unresolved", "missing_worker_kind")),
        "answered": Share(total("answered"), total("called")),
    }


def _rest(row: Row) -> dict[str, Any]:
    rest = {
        name: value
        for name, value in row.items()
        if name not in ("artifacts", "known_kinds", "open_incidents")
    }
    return {**rest, "kinds_known": Share(row["known_kinds"], row["artifacts"])}
