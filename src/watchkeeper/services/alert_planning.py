"""Incidents that ask for a person become alerts: each stage of an escalation once, for each channel.

Rows are the edge: this duty reads open incidents, whoever opened them, and writes into the outbox.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from watchkeeper.domain.alert_text import escalation_sentence
from watchkeeper.domain.alerting import AlertTimes, Trouble, Untold, Verdict, called_at, judged
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import NextAction, RuleName, Severity
from watchkeeper.services.alerting import Notice, announce
from watchkeeper.storage.database import Connection, Database, Row, fetch

PAGE = 500
NOBODY = UUID(int=0)
FACTS = (
    "state",
    "opened_at",
    "is_shadow",
    "acknowledged_until",
    "quiet_until",
    "failed_repairs",
    "awaits_approval",
    "is_held",
    "is_mirrored",
    "cause",
    "is_symptom",
    "ends_at",
    "told",
    "told_at",
    "is_waiting",
)


class AlertPlanning:
    """Decides of each open incident whether somebody is told of it now."""

    def __init__(
        self, database: Database, redactor: Redactor, policy: Callable[[], Policy], times: AlertTimes
    ) -> None:
        self._database = database
        self._redactor = redactor
        self._policy = policy
        self._times = times

    async def plan(self) -> tuple[int, float | None]:
        """Write the alerts that are due, page by page.

        Give how many incidents were told, and in how many seconds a word is due that a lease's end makes urgent.
        """
        told, soonest, place = 0, None, ("", NOBODY)
        while True:
            async with self._database.transaction() as connection:
                rows = await fetch(connection, "troubles", self._page(place))
                for row in rows:
                    if row["rule"] not in set(RuleName):
                        continue  # of a newer program, that watches too and tells it
                    verdict = judged(trouble_of(row), row["now"], self._times, self._policy())
                    told += await self._tell(connection, row, verdict)
                    if row["ends_at"] is not None and verdict.until is not None:
                        left = (verdict.until - row["now"]).total_seconds()
                        soonest = left if soonest is None else min(left, soonest)
            if len(rows) < PAGE:
                return told, soonest
            place = (rows[-1]["project_id"], rows[-1]["id"])

    async def verdict(self, connection: Connection, project_id: str, incident: UUID) -> Verdict:
        """Say of one incident, open or over, whether it is told now, and why not."""
        before = UUID(int=incident.int - 1)
        rows = await fetch(connection, "troubles", {**self._page((project_id, before)), "only": incident})
        if not rows:
            return Verdict(why=Untold.RESOLVED)
        return judged(trouble_of(rows[0]), rows[0]["now"], self._times, self._policy())

    def _page(self, place: tuple[str, UUID]) -> dict[str, Any]:
        unnotified = sorted(self._policy().unnotified())
        return {
            "after_project": place[0],
            "after": place[1],
            "only": None,
            "unnotified": unnotified,
            "limit": PAGE,
        }

    async def _tell(self, connection: Connection, row: Row, verdict: Verdict) -> bool:
        if verdict.stage is None:
            return False
        return bool(await announce(connection, self._notice(row, verdict.stage), self._redactor))

    def _notice(self, row: Row, stage: int) -> Notice:
        policy, rule = self._policy(), RuleName(row["rule"])
        contact = called_at(rule, stage, policy)
        text = escalation_sentence(
            state=rule,
            job=None if row["job_id"] is None else str(row["job_id"]),
            evidence=row["evidence_ref"] or f"incident:{row['id']}",
            next_action=NextAction(row["next_action"]),
            owner=contact.person,
            due=row["due_at"],
            time_zone=policy.time_zone,
        )
        return Notice(
            row["project_id"],
            f"incident:{row['id']}:{stage}",
            text,
            contact.person,
            Severity(row["severity"]),
            subject=f"{rule}: {row['severity']}{', flapping' if row['is_flapping'] else ''}",
            group=f"{rule}:{row['cause'] or ''}",
            incident_id=row["id"],
            stage=stage,
            only=contact.channels or None,
        )


def trouble_of(row: Row) -> Trouble:
    """Read the facts of one incident."""
    facts: dict[str, Any] = {name: row[name] for name in FACTS}
    return Trouble(
        rule=RuleName(row["rule"]),
        severity=Severity(row["severity"]),
        next_action=NextAction(row["next_action"]),
        **facts,
    )
