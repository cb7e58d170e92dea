"""Makes plans: for an incident, as its rule proposes, or for somebody who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.policies import Policy, PolicyMode
from watchkeeper.domain.repair_plans import ON_JOBS, ON_KINDS, ON_WORKERS, is_mirrored, make_plan
from watchkeeper.domain.repairs import Authority, Target, authority_needed
from watchkeeper.domain.rules.catalogue import Rule
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.repairs.records import Asked, RepairRecords
from watchkeeper.services.repairs.targets import Seen, look
from watchkeeper.storage.database import Connection, Row

ONLY_OBSERVES = "the policy only observes this rule: nothing is done"


class Planning:
    """Looks at a target, plans, and writes the plan down."""

    def __init__(self, policy: Callable[[], Policy], records: RepairRecords) -> None:
        self._policy = policy
        self._records = records

    async def for_incident(self, connection: Connection, rule: Rule, incident: Row) -> Row | None:
        """Plan a rule's repair of an incident; None where the policy has the rule's repairs off.

        Raises Conflict where the action does not fit what is there, JobNotFound and NotFound where nothing is there.
        """
        policy, action = self._policy(), rule.action
        target = target_of(action, incident)
        seen = await look(connection, incident["project_id"], target, action)
        mode = policy.mode(rule.name, action, is_mirrored=is_mirrored(seen.image))
        if mode is PolicyMode.OFF:
            return None
        authority = authority_needed(
            mode,
            action,
            rule=rule.name,
            has_live_lease=seen.image.get("lease") == "live",
        )
        asked = Asked(
            incident["project_id"],
            rule.name.value,
            rule.sentence,
            incident_id=incident["id"],
            **named(seen, incident),
            note=ONLY_OBSERVES if authority is None else _waits(authority),
        )
        plan = make_plan(action, target, seen.image, authority, seen.arguments)
        return await self._records.propose(connection, asked, plan, policy)


def target_of(action: RepairAction, incident: Row) -> Target:
    """Say what an incident's repair is about; raise Conflict where the incident names nothing of that sort.

    What is not named is never taken for all there is.
    """
    if action in ON_JOBS:
        return _named("job", incident["job_id"], action)
    if action in ON_WORKERS:
        return _named("worker", incident["worker_id"], action)
    if action in ON_KINDS:
        return _named("kind", incident["evidence"].get("kind"), action)
    return Target("incident", str(incident["id"]))


def _named(what: str, name: Any, action: RepairAction) -> Target:
    if not name:
        raise Conflict(f"the incident names no {what}: {action.value} has no target")
    return Target(what, str(name))


def named(seen: Seen, incident: Row) -> dict[str, Any]:
    """Give whom a repair is about, for the record."""
    kind = seen.row.get("kind") or incident["evidence"].get("kind")
    return {
        "job_id": incident["job_id"],
        "worker_id": incident["worker_id"],
        "kind": kind if isinstance(kind, str) else None,
        "pool": seen.pool,
    }


def _waits(authority: Authority) -> str | None:
    return None if authority is Authority.SYSTEM else f"waits for the word of a {authority.value}"
