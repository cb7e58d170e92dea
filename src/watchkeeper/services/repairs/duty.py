"""The repair duty: reacts to open incidents, plans, acts where it may, and sees to what was begun.

Safe on many machines at once: incidents and repairs are taken with SKIP LOCKED, and decided again under the lock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from watchkeeper.domain.incidents import IncidentState
from watchkeeper.domain.policies import Policy, PolicyMode
from watchkeeper.domain.repair_plans import CHANGING, OF_THE_LEASE
from watchkeeper.domain.repairs import Authority, Plan, RepairState
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import RepairAction, RuleName
from watchkeeper.domain.rules.rule import Rule
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.repairs.acting import Acting, RepairConfig, needed_now
from watchkeeper.services.repairs.asking import LOOKED_AT
from watchkeeper.services.repairs.breaker import TRIPPED_NOTE
from watchkeeper.services.repairs.incident_moves import ONLY_PUT_BEFORE_PEOPLE, attempts_of, move_incident
from watchkeeper.services.repairs.planning import Planning
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one

NOTHING = ""

_LOOKED_AT = {
    "looked_at": [action.value for action in LOOKED_AT],
    "of_the_lease": [action.value for action in OF_THE_LEASE],
}

Hand = Callable[[Connection, Row], Awaitable[str]]
"""Takes one row in hand, and gives what came of it."""


class RepairDuty:
    """Plans for incidents without a repair, and carries out what is allowed to be."""

    def __init__(
        self,
        database: Database,
        policy: Callable[[], Policy],
        planning: Planning,
        acting: Acting,
        config: RepairConfig,
    ) -> None:
        self._database = database
        self._policy = policy
        self._planning = planning
        self._acting = acting
        self._config = config
        self._passed_over: defaultdict[str, set[UUID]] = defaultdict(set)

    def duty(self) -> Duty:
        return Duty("repairs", self.run_once, self._config.interval_seconds)

    async def run_once(self) -> Ran:
        """See to what was begun, plan for what is open, carry out what may be; give counts by what came of it."""
        counts: Counter[str] = Counter()
        for query, arguments, hand in (
            ("executing_repairs", _LOOKED_AT, self._see),
            ("incidents_to_repair", self._limits(), self._plan),
            ("actionable_repairs", self._waiting(), self._act),
        ):
            counts += await self._walk(query, arguments, hand)
        return Ran(dict(counts))

    async def _walk(self, query: str, arguments: Mapping[str, Any], hand: Hand) -> Counter[str]:
        """Take a batch in hand. Those of which nothing came are passed over until the others had their turn."""
        counts: Counter[str] = Counter()
        passed_over = self._passed_over[query]
        given = {**arguments, "limit": self._config.batch, "passed_over": list(passed_over)}
        batch = await self._database.fetch(query, given)
        for found in batch:
            async with self._database.transaction() as connection:
                came = await hand(connection, found)
            if came == NOTHING:
                passed_over.add(found["id"])
            else:
                counts[came] += 1
        if len(batch) < self._config.batch:
            passed_over.clear()
        return counts

    def _limits(self) -> dict[str, Any]:
        """Say for each rule how often it is tried, and how long after that the next step is due."""
        policy, rules = self._policy(), list(RULES.values())
        return {
            "rules": [rule.name.value for rule in rules],
            "attempts": [0 if _is_off(policy, rule) else attempts_of(rule, policy) for rule in rules],
            "afterwards": [self._afterwards(policy, rule) for rule in rules],
            "verify_seconds": self._config.verify_seconds,
        }

    def _afterwards(self, policy: Policy, rule: Rule) -> float | None:
        if rule.action in ONLY_PUT_BEFORE_PEOPLE:
            is_paused_then = rule.name is RuleName.MISSING_WORKER_KIND
            return self._config.undecided_seconds if is_paused_then else None
        return None if policy.escalate_after(rule.name) is None else 0.0

    def _waiting(self) -> dict[str, Any]:
        return {"policy_digest": self._policy().digest, "tripped_note": TRIPPED_NOTE}

    async def _see(self, connection: Connection, found: Row) -> str:
        row = await _locked(connection, found, RepairState.EXECUTING)
        if row is None:
            return NOTHING
        return _news(row, await self._acting.see(connection, row))

    async def _plan(self, connection: Connection, incident: Row) -> str:
        where = {"project_id": incident["project_id"], "id": incident["id"]}
        rule = RULES[RuleName(incident["rule"])]
        step = self._next_step(rule, incident)
        if step is None or await fetch_one(connection, "lock_incident", where) is None:
            return NOTHING
        if isinstance(step, IncidentState):
            why = f"{incident['attempts']} repairs did not end it"
            moved = await move_incident(connection, incident["project_id"], incident["id"], step, why)
            return "escalated" if moved else NOTHING
        if await self._is_effect_of_repair(connection, incident):
            return "marked_as_effect"
        return "planned" if await self._planning.for_incident(connection, rule, incident, step) else NOTHING

    def _next_step(self, rule: Rule, incident: Row) -> RepairAction | IncidentState | None:
        """Say what an incident needs now: its rule's action, another one, a person, or nothing yet."""
        tried, since = incident["attempts"], incident["seconds_since"]
        if incident["is_vetoed"] or (since is not None and since < self._config.verify_seconds):
            return None
        if tried < attempts_of(rule, self._policy()):
            return rule.action
        if rule.action in ONLY_PUT_BEFORE_PEOPLE:
            is_next = rule.name is RuleName.MISSING_WORKER_KIND and tried == 1
            return RepairAction.PAUSE_KIND if is_next and since >= self._config.undecided_seconds else None
        return None if self._policy().escalate_after(rule.name) is None else IncidentState.ESCALATED

    async def _is_effect_of_repair(self, connection: Connection, incident: Row) -> bool:
        """Mark an incident that a repair of its target brought about: no repair follows from a repair."""
        found = await fetch_one(
            connection,
            "repair_before_incident",
            {
                "project_id": incident["project_id"],
                "rule": incident["rule"],
                "job_id": incident["job_id"],
                "worker_id": incident["worker_id"],
                "kind": incident["kind"],
                "opened_at": incident["opened_at"],
                "changing": [action.value for action in CHANGING],
                "seconds": self._config.aftermath_seconds,
            },
        )
        if found is None:
            return False
        where = {"project_id": incident["project_id"], "id": incident["id"], "repair_id": found["id"]}
        await fetch(connection, "mark_repair_effect", where)
        why = f"it came of repair {found['id']}: no repair follows from a repair"
        await move_incident(
            connection, incident["project_id"], incident["id"], IncidentState.NEEDS_HUMAN, why
        )
        return True

    async def _act(self, connection: Connection, found: Row) -> str:
        row = await _locked(connection, found, RepairState(found["state"]))
        if row is None:
            return NOTHING
        plan = Plan.from_json(row["plan"])
        if row["incident_state"] == IncidentState.RESOLVED:
            return _news(row, await self._acting.expire(connection, row, "its incident is over"))
        if needed_now(self._policy(), row, plan, plan.preconditions) is not plan.authority:
            why = "the policy asks for another authority now"
            return _news(row, await self._acting.expire(connection, row, why))
        if row["state"] == RepairState.PROPOSED and plan.authority is not Authority.SYSTEM:
            return NOTHING
        return _news(row, await self._acting.act(connection, row))


def _is_off(policy: Policy, rule: Rule) -> bool:
    modes = (policy.mode(rule.name, rule.action, is_mirrored=mirrored) for mirrored in (False, True))
    return all(mode is PolicyMode.OFF for mode in modes)


async def _locked(connection: Connection, found: Row, state: RepairState) -> Row | None:
    where = {"project_id": found["project_id"], "id": found["id"], "states": [state.value]}
    return await fetch_one(connection, "lock_actionable_repair", where)


def _news(before: Row, after: Row) -> str:
    return NOTHING if after["state"] == before["state"] else str(after["state"])
