"""Repairs on a test's database: incidents to repair, people who decide, and what stands on record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from raw_sql import rows
from watchkeeper.app.repairs import repair_parts
from watchkeeper.app.whole import App
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.policies import Policy, PolicyMode, RuleChange
from watchkeeper.domain.principals import Principal, PrincipalKind, Role
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.repairs.acting import RepairConfig
from watchkeeper.services.repairs.breaker import BreakerConfig

AT_ONCE = RepairConfig(verify_seconds=10.0, cool_down_seconds=0.0, breaker=BreakerConfig(attempts=1_000))


@dataclass
class Shop:
    """Desk and duty over one database, under a policy that a test can change."""

    app: App
    config: RepairConfig = AT_ONCE
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        self.desk, self.brakes, self.duty = repair_parts(self.app, lambda: self.policy, self.config)

    def mode(self, rule: str, mode: PolicyMode) -> None:
        """Put another policy in force, which decides otherwise of one rule."""
        rules = {**self.policy.rules, RuleName(rule): RuleChange(mode=mode)}
        self.policy = replace(self.policy, rules=rules, digest=f"{rule}:{mode}:{self.policy.digest}"[:200])

    async def run(self) -> Mapping[str, int]:
        return (await self.duty.run_once()).counts

    async def person(
        self,
        name: str,
        role: Role = Role.SUPERVISOR,
        *,
        kind: PrincipalKind = PrincipalKind.PERSON,
        minted_by: Principal | None = None,
        project: str | None = "p",
    ) -> Principal:
        """Give somebody with a fresh token."""
        made = await self.app.identity.create_token(
            name, role, project, actor="t", kind=kind, minted_by=minted_by and minted_by.id
        )
        return await self.app.identity.authenticate(made.secret)

    async def running(self, kind: str = "k", worker: str = "w", **declared: Any) -> ClaimedJob:
        """Give a job that a worker has just claimed."""
        fields = {"on_lost": "requeue", **declared}
        await self.app.kinds.declare("p", KindDeclaration.parse({"name": kind, **fields}), actor="t")
        await self.app.queue.enqueue("p", [JobRequest(kind)], actor="t")
        await rows(
            self.app.database,
            "INSERT INTO watchkeeper.workers (project_id, worker_id, profile, slots, last_seen_at)"
            " VALUES ('p', %(worker)s, 'runtime', 5, watchkeeper.now()) ON CONFLICT DO NOTHING",
            {"worker": worker},
        )
        [job] = await self.app.queue.claim("p", worker, [kind], profile="runtime")
        return job

    async def incident(self, rule: str, job: str | None = None, **fields: Any) -> UUID:
        """Open an incident as a rule would."""
        [row] = await rows(
            self.app.database,
            "INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, job_id, worker_id,"
            " kind, evidence, is_mirrored) VALUES ('p', %(rule)s, gen_random_uuid()::text, 'high', %(job)s,"
            " %(worker_id)s, %(kind)s, %(evidence)s::text::jsonb, %(is_mirrored)s) RETURNING id",
            {
                "rule": rule,
                "job": job and UUID(job),
                "worker_id": None,
                "kind": None,
                "is_mirrored": False,
                **fields,
                "evidence": json.dumps(fields.get("evidence", {})),
            },
        )
        return UUID(str(row["id"]))

    async def over(self, *incidents: UUID) -> None:
        """Resolve incidents, as a rule's pass evidence would."""
        await rows(
            self.app.database,
            "UPDATE watchkeeper.watchdog_incidents SET state = 'resolved', resolved_at = watchkeeper.now()"
            " WHERE id = ANY (%(ids)s)",
            {"ids": list(incidents)},
        )

    async def records(self) -> list[dict[str, Any]]:
        return await rows(
            self.app.database, "SELECT * FROM watchkeeper.repair_actions WHERE plan IS NOT NULL ORDER BY id"
        )

    async def last(self) -> dict[str, Any]:
        return (await self.records())[-1]

    async def one(self, statement: str, **arguments: Any) -> Any:
        """Give the first value of the first row."""
        [row] = await rows(self.app.database, statement, arguments)
        return next(iter(row.values()))

    async def incident_state(self, incident: UUID) -> str:
        return str(
            await self.one("SELECT state FROM watchkeeper.watchdog_incidents WHERE id = %(id)s", id=incident)
        )
