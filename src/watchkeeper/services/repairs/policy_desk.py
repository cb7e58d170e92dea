"""The policy in force as people see it, and the breakers that only people reset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import Conflict, NotFound
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.principals import Principal
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.rule import Rule
from watchkeeper.services.repairs.acting import Acting
from watchkeeper.services.repairs.records import RepairRecords
from watchkeeper.storage.database import Database, Row, fetch, fetch_one


@dataclass(frozen=True, slots=True)
class PolicyDesk:
    """How far the program may go by itself in one database."""

    database: Database
    policy: Callable[[], Policy]
    records: RepairRecords
    acting: Acting

    async def in_force(self, project_id: str, *, of_whole: bool) -> dict[str, Any]:
        """Give the policy, the mode of each rule, the project's breakers, and both switches.

        Who turned a switch, and why, is a matter of the installation: only `of_whole` sees it.
        """
        policy = self.policy()
        return {
            "policy": {
                "version": policy.version,
                "digest": policy.digest,
                "four_eyes": policy.four_eyes,
                "reclaim": policy.reclaim,
                "reclaim_mirrored": policy.reclaim_mirrored,
            },
            "rules": [_told(policy, rule) for rule in RULES.values()],
            "breakers": await self.breakers(project_id),
            "switches": [
                row if of_whole else {"name": row["name"], "is_on": row["is_on"]}
                for row in await self.database.fetch("switch_facts")
            ],
        }

    async def breakers(self, project_id: str) -> list[Row]:
        """Give the breakers of a project, the tripped ones first."""
        return await self.database.fetch("list_breakers", {"project_id": project_id})

    async def reset_breaker(
        self, project_id: str, rule: str, pool: str, by: Principal, *, drop: bool, reason: str
    ) -> int:
        """Let a rule act in a pool again, and run or drop what waited; give how many that were.

        Raises NotFound for one that never was, and Conflict for a breaker that is not tripped.
        """
        where = {"project_id": project_id, "rule": rule, "pool": pool}
        async with self.database.transaction() as connection:
            waiting = await fetch(connection, "lock_waiting_repairs", where)
            said = {"actor": by.actor, "reason": self.records.kept(reason)}
            choice = "drop" if drop else "run"
            if await fetch_one(connection, "find_breaker", where) is None:
                raise NotFound("there is no such breaker here: it never tripped")
            if not await fetch(connection, "reset_breaker", {**where, **said, "waiting": choice}):
                raise Conflict(f"the breaker of {rule} in pool {pool} is not tripped")
            for row in waiting if drop else ():
                await self.acting.expire(connection, row, "dropped when its breaker was reset")
        return len(waiting)


def _told(policy: Policy, rule: Rule) -> dict[str, Any]:
    change = policy.rules.get(rule.name)
    return {
        "rule": rule.name,
        "sentence": rule.sentence,
        "severity": (change and change.severity) or rule.severity,
        "action": rule.action,
        "mode": policy.mode(rule.name, rule.action, is_mirrored=False),
        "mode_mirrored": policy.mode(rule.name, rule.action, is_mirrored=True),
        "escalation": (change and change.escalation) or rule.escalation,
        "escalate_after": policy.escalate_after(rule.name),
        "next_action": (change and change.next_action) or rule.next_action,
        "stops_worker": rule.stops_worker,
        "runbook": rule.runbook,
    }
