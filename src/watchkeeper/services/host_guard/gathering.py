"""The facts that the gates of one act are judged by, as the database has them in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from watchkeeper.domain.host_guard.gates import Facts, Verdict, Word, judge_gates
from watchkeeper.domain.host_guard.limits import Limits
from watchkeeper.domain.host_guard.plan import RULE_OF_FAMILY, planned
from watchkeeper.domain.repairs import Plan
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one, fetch_row


@dataclass(frozen=True, slots=True)
class Dry:
    """The dry run of this moment: how old its scan is, and why targets are not what was planned."""

    scanned_ago: float
    drift: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Facts, and the rows that they come from."""

    facts: Facts
    window_id: UUID | None
    incident: Row | None
    words: tuple[Row, ...]

    def verdicts(self, limits: Limits) -> tuple[Verdict, ...]:
        return judge_gates(self.facts, limits)

    def after(self, dry: Dry) -> Gathered:
        """Give the same facts with another dry run."""
        return replace(self, facts=replace(self.facts, scanned_ago=dry.scanned_ago, drift=dry.drift))

    @property
    def usable(self) -> list[Row]:
        """Give the words that an act uses up: each that stands for this plan and is not the asker's own."""
        digest, asker = self.facts.plan_digest, self.facts.asked_by
        return [
            word
            for word in self.words
            if not word["is_used"]
            and not word["is_withdrawn"]
            and word["plan_digest"] == digest
            and word["actor_id"] != asker
        ]


async def gathered(connection: Connection, row: Row, dry: Dry | None) -> Gathered:
    """Gather the facts of an act; without a dry run that gate is not met."""
    plan, where = Plan.from_json(row["plan"]), {"project_id": row["project_id"], "id": row["id"]}
    words = await fetch(connection, "words_on_plan", where)
    switch = await fetch_row(connection, "actions_switch")
    about = {name: row[name] for name in ("project_id", "host", "fingerprint", "trigger")}
    known = await fetch_row(connection, "host_gate_facts", about)
    incident = None
    if row["trigger"] in RULE_OF_FAMILY.values():
        asked: dict[str, Any] = {"project_id": row["project_id"], "rule": row["trigger"], "host": row["host"]}
        incident = await fetch_one(connection, "host_incident_for", asked)
    facts = Facts(
        now=known["now"],
        plan_digest=row["plan_digest"],
        asked_by=row["asked_by_id"],
        words=tuple(_word(word) for word in words),
        has_window=known["window_id"] is not None,
        evidence_ref=row["evidence_ref"],
        rule=None if incident is None else incident["rule"],
        targets=len(planned(plan)),
        scanned_ago=None if dry is None else dry.scanned_ago,
        drift=() if dry is None else dry.drift,
        has_post_checks=bool(plan.arguments.get("post_checks")),
        runs_last_hour=known["runs_last_hour"],
        since_last=known["since_last"],
        is_one_under_way=known["is_one_under_way"],
        is_tripped=known["is_tripped"],
        actions_on=switch["is_on"],
    )
    return Gathered(facts, known["window_id"], incident, tuple(words))


def _word(row: Row) -> Word:
    return Word(
        row["actor_id"],
        row["plan_digest"],
        row["created_at"],
        row["expires_at"],
        is_used=row["is_used"],
        is_withdrawn=row["is_withdrawn"],
    )
