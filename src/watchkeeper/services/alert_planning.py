"""Incidents that ask for a person become alerts: each stage of an escalation once, for each channel.

Rows are the edge: this duty reads open incidents, whoever opened them, and writes into the outbox.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.alert_text import escalation_sentence
from watchkeeper.domain.alerting import AlertTimes, Trouble, Untold, Verdict, called_at, judged, stages_of
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import NextAction, RuleName, Severity
from watchkeeper.services.alert_endings import tell_ends
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

    async def plan(self, *, fresh: bool = False) -> tuple[int, float | None]:
        """Write the alerts that are due, page by page; `fresh`: of incidents of the last seconds alone.

        Give how many incidents were told, and in how many seconds the next word is due that time alone brings.
        """
        told, soonest, place = 0, None, ("", NOBODY)
        while True:
            async with self._database.transaction() as connection:
                rows = await fetch(connection, "troubles", {**self._page(place), "fresh": fresh})
                for row in rows:
                    if row["rule"] not in set(RuleName):
                        continue  # of a newer program, that watches too and tells it
                    verdict = judged(trouble_of(row), row["now"], self._times, self._policy())
                    told += await self._tell(connection, row, verdict)
                    if verdict.until is not None:
                        left = (verdict.until - row["now"]).total_seconds()
                        soonest = left if soonest is None else min(left, soonest)
            if len(rows) < PAGE:
                break
            place = (rows[-1]["project_id"], rows[-1]["id"])
        if not fresh:
            told += await tell_ends(self._database, self._redactor, self._policy().time_zone)
        return told, soonest

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
            "fresh": False,
            "unnotified": unnotified,
            "limit": PAGE,
        }

    async def _tell(self, connection: Connection, row: Row, verdict: Verdict) -> bool:
        stage = verdict.stage
        if row["awaiting"] is not None and (stage is not None or verdict.why is Untold.NEXT_STAGE):
            asked = self._notice(row, max(0, row["told"] - 1) if stage is None else stage, Moment.APPROVAL)
            if await announce(connection, asked, self._redactor):
                return True
        if stage is None:
            return False
        moment = Moment.OPENED if not row["told"] else Moment.ESCALATED
        return bool(await announce(connection, self._notice(row, stage, moment), self._redactor))

    def _notice(self, row: Row, stage: int, moment: Moment) -> Notice:
        policy, rule = self._policy(), RuleName(row["rule"])
        contact = called_at(rule, stage, policy)
        evidence = row["evidence_ref"] or f"incident:{row['id']}"
        text = escalation_sentence(
            state=rule,
            job=None if row["job_id"] is None else str(row["job_id"]),
            evidence=evidence,
            next_action=NextAction(row["next_action"]),
            owner=contact.person,
            due=row["due_at"],
            time_zone=policy.time_zone,
        )
        key, group = f"incident:{row['id']}:{stage}", f"{rule}:{row['cause'] or ''}"
        if moment is Moment.APPROVAL:
            group = f"approval:{row['awaiting']['id']}"  # each plan is a question of its own
            key = f"incident:{row['id']}:{group}"
        following, at = self._following(rule, stage, row["now"])
        facts = {
            **_facts(row),
            "evidence": evidence,
            "owner": contact.person,
            "stage": stage,
            "next_person": following,
            "next_at": at,
        }
        return Notice(
            row["project_id"],
            key,
            text,
            contact.person,
            Severity(row["severity"]),
            subject=f"{rule}: {row['severity']}{', flapping' if row['is_flapping'] else ''}",
            group=group,
            incident_id=row["id"],
            stage=stage,
            only=contact.channels or None,
            moment=moment,
            facts=facts,
        )

    def _following(self, rule: RuleName, stage: int, now: datetime) -> tuple[str, datetime]:
        """Say who is told next while nobody acknowledges, and when."""
        policy = self._policy()
        is_last = stage + 1 >= len(stages_of(rule, policy))
        seconds = self._times.repeat if is_last else self._times.stage
        return called_at(rule, stage + 1, policy).person, now + timedelta(seconds=seconds)


def _facts(row: Row) -> dict[str, Any]:
    job = row["external_id"] or (None if row["job_id"] is None else str(row["job_id"])[-8:])
    return {
        "rule": row["rule"],
        "severity": row["severity"],
        "job": job,
        "job_id": row["job_id"],
        "worker": row["worker_id"],
        "kind": row["kind"],
        "cause": row["cause"],
        "next_action": row["next_action"],
        "opened_at": row["opened_at"],
        "due_at": row["due_at"],
        "symptoms": row["symptoms"],
        "flapping": row["is_flapping"],
        "approval": row["awaiting"],
    }


def trouble_of(row: Row) -> Trouble:
    """Read the facts of one incident."""
    facts: dict[str, Any] = {name: row[name] for name in FACTS}
    return Trouble(
        rule=RuleName(row["rule"]),
        severity=Severity(row["severity"]),
        next_action=NextAction(row["next_action"]),
        **facts,
    )
