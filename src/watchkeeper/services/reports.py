"""The reports of a project as data: stages, day 30, maturity, metrics, indicators, scores."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from watchkeeper.domain import outlook, stages
from watchkeeper.domain.evidence_facts import ProjectFacts
from watchkeeper.domain.judging import ENOUGH, Share
from watchkeeper.domain.metrics import metrics
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.scores import scores
from watchkeeper.services.evidence import gathered, joined, worker_facts
from watchkeeper.services.merges import project_group
from watchkeeper.storage.database import Database, fetch, fetch_row

DAYS = 30.0
NOT_ENOUGH = "not enough evidence"

RATES = {
    "stuck_classification_rate": "classified",
    "retry_success_rate": "retries",
    "gate_pass_rate": "gate",
    "artifact_evidence_rate": "evidence",
}
COUNTS = {"false_completes": "false_completes", "result_contract_failures": "contract_failures"}


class Reports:
    """The reports of one database; each reads one moment."""

    def __init__(self, database: Database, policy: Callable[[], Policy] = Policy) -> None:
        self._database = database
        self._policy = policy

    async def drill_ended(
        self, drill: str, *, passed: bool, evidence: int, actor: str, reason: str | None = None
    ) -> None:
        """Write down how a drill of the whole installation ended, with how many pieces of evidence."""
        ended = {"drill": drill, "passed": passed, "evidence": evidence, "actor": actor, "reason": reason}
        await self._database.fetch("end_drill", ended)

    async def stages(self, project_id: str) -> dict[str, Any]:
        """Judge each item of the sources by the stage that it is due at."""
        facts = await self._facts(project_id)
        return {
            **_frame(facts),
            "items": [
                {
                    "source": found.item.source,
                    "stage": found.item.stage,
                    "sentence": found.item.sentence,
                    "proof": found.item.proof,
                    "result": found.judged.result,
                    "because": found.judged.because,
                    "due_at": found.due_at,
                    "is_due": found.is_due,
                }
                for found in stages.report(facts)
            ],
        }

    async def d30(self, project_id: str) -> dict[str, Any]:
        """Recommend continuing, upgrading or another owner, and show how the persona changed."""
        facts = await self._facts(project_id)
        found = outlook.d30(facts)
        return {
            **_frame(facts),
            "recommendation": found.recommendation,
            "reasons": found.reasons,
            "provisional_until": found.provisional_until,
            "real_incidents": facts.real_incidents,
            "by_rule": facts.real,
            "answered": _shown(facts.answered),
            "persona": {
                "earlier": _shown(facts.earlier),
                "later": _shown(facts.later),
                "change": facts.persona_change,
                "status": "known" if facts.persona_change is not None else NOT_ENOUGH,
            },
        }

    async def maturity(self, project_id: str) -> dict[str, Any]:
        """Give the level from 1 to 5, and what each level asks for."""
        facts = await self._facts(project_id)
        found = [
            {
                "level": level.number,
                "sentence": level.sentence,
                "result": level.judged.result,
                "because": level.judged.because,
            }
            for level in outlook.levels(facts)
        ]
        return {**_frame(facts), "level": outlook.maturity(facts), "levels": found}

    async def metrics(self, project_id: str, days: float = DAYS) -> dict[str, Any]:
        """Give [S2]'s metrics table as it stands."""
        async with self._database.transaction() as connection:
            frame = await fetch_row(connection, "report_frame", {"project_id": project_id})
            since = frame["now"] - timedelta(days=days)
            counted = []
            for each in await project_group(connection, project_id):
                where = {"project_id": each, "since": since}
                open_now = await fetch(connection, "report_open_rules", where)
                seen = await fetch(connection, "report_incidents", where)
                phases = await fetch(connection, "report_phases", where)
                counted.append(
                    {
                        "open": {row["rule"]: row["open"] for row in open_now},
                        "seen": {row["rule"]: row["seen"] for row in seen},
                        "phases": {row["phase"]: row["seen"] for row in phases},
                    }
                )
        whole = joined(counted)
        found = metrics(self._policy(), whole["open"], whole["seen"], whole["phases"])
        lines = [{name: getattr(line, name) for name in line.__dataclass_fields__} for line in found]
        return {"generated_at": frame["now"], "days": days, "metrics": lines}

    async def indicators(self, project_id: str, days: float = DAYS) -> dict[str, Any]:
        """Give the seven indicators, each with its n, and the project advancement score."""
        facts = await self._facts(project_id, days)
        found: dict[str, Any] = {name: _shown(getattr(facts, field)) for name, field in RATES.items()}
        for name, field in COUNTS.items():
            share: Share = getattr(facts, field)
            status = "known" if share.part or share.is_enough else NOT_ENOUGH
            found[name] = {"value": share.part, "n": share.n, "status": status}
        age = facts.stuck_age_seconds
        found["queue_stuck_age_s"] = {
            "value": age,
            "n": facts.seen("queue_stuck", "missing_worker_kind", "lease_expired"),
            "status": NOT_ENOUGH if age is None else "known",
        }
        return {
            "generated_at": facts.now,
            "days": days,
            "indicators": found,
            "advancement": _shown(facts.advancement),
        }

    async def scores(self, project_id: str, days: float = DAYS) -> dict[str, Any]:
        """Give the health score of each worker, role and persona, with its parts."""
        async with self._database.transaction() as connection:
            frame = await fetch_row(connection, "report_frame", {"project_id": project_id})
            group = await project_group(connection, project_id)
            workers = await worker_facts(connection, group, frame["now"] - timedelta(days=days))
        found = [
            {
                "subject": score.subject,
                "name": score.name,
                "score": score.value,
                "status": NOT_ENOUGH if score.value is None else "known",
                "n": score.n,
                "open_incidents": score.open_incidents,
                "parts": {part: _shown(share) for part, share in score.parts.items()},
            }
            for score in scores(workers)
        ]
        return {"generated_at": frame["now"], "days": days, "scores": found}

    async def _facts(self, project_id: str, days: float | None = None) -> ProjectFacts:
        async with self._database.transaction() as connection:
            await fetch(connection, "read_steadily")
            return await gathered(connection, project_id, self._policy(), days)


def _frame(facts: ProjectFacts) -> dict[str, Any]:
    return {"generated_at": facts.now, "started_at": facts.started_at}


def _shown(share: Share) -> dict[str, Any]:
    return {
        "value": None if share.value is None or not share.is_enough else round(share.value, 4),
        "part": share.part,
        "n": share.n,
        "enough": ENOUGH,
        "status": "known" if share.is_enough else NOT_ENOUGH,
    }
