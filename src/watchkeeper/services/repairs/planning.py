"""Makes plans: for an incident, as its rule proposes, or for somebody who asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from watchkeeper.domain.errors import Conflict, JobNotFound, NotFound, UsageError
from watchkeeper.domain.policies import Policy, PolicyMode
from watchkeeper.domain.repair_plans import ON_JOBS, ON_KINDS, ON_SESSIONS, ON_WORKERS, is_mirrored, make_plan
from watchkeeper.domain.repairs import Authority, Plan, Target, authority_needed, by_hearsay
from watchkeeper.domain.rules.names import RepairAction, RuleName
from watchkeeper.domain.rules.rule import Rule
from watchkeeper.services.repairs.records import Asked, RepairRecords
from watchkeeper.services.repairs.targets import Seen, look
from watchkeeper.storage.database import Connection, Row

ONLY_OBSERVES = "the policy only observes this rule: nothing is done"


class Planning:
    """Looks at a target, plans, and writes the plan down. `patience_seconds`: a target may move for so long."""

    def __init__(
        self, policy: Callable[[], Policy], records: RepairRecords, patience_seconds: float = 60.0
    ) -> None:
        self._policy = policy
        self._records = records
        self._patience_seconds = patience_seconds

    async def for_incident(
        self, connection: Connection, rule: Rule, incident: Row, action: RepairAction
    ) -> Row | None:
        """Plan an incident's repair; None where the policy has it off, or the target is about to move.

        Where the action fits nothing that is there, a stuck queue is put before people, and all else goes to one.
        """
        try:
            async with connection.transaction():
                return await self._write(connection, rule, incident, action)
        except (Conflict, NotFound, JobNotFound) as error:
            if incident["age_seconds"] < self._patience_seconds:
                return None
            why = error.message
        other = RepairAction.PROPOSE if rule.name is RuleName.QUEUE_STUCK else RepairAction.ALERT
        return await self._write(
            connection, rule, incident, other, f"{action.value} fits nothing here: {why}"
        )

    async def _write(
        self, connection: Connection, rule: Rule, incident: Row, action: RepairAction, why: str | None = None
    ) -> Row | None:
        policy = self._policy()
        target = target_of(action, incident)
        seen = await look(connection, incident["project_id"], target, action)
        mirrored = bool(incident["is_mirrored"]) or is_mirrored(seen.image)
        mode = policy.mode(rule.name, action, is_mirrored=mirrored)
        if mode is PolicyMode.OFF:
            return None
        mode = by_hearsay(mode) if incident["is_hearsay"] else mode
        live = seen.image.get("lease") == "live"
        arguments = dict(seen.arguments)
        ends_attempt = rule.name is RuleName.HIDDEN_FAILURE and action is RepairAction.BLOCK_COMPLETE
        if ends_attempt:
            arguments["ends_attempt"] = True
        authority = authority_needed(
            mode, action, rule=rule.name, has_live_lease=live, ends_attempt=ends_attempt
        )
        plan = make_plan(action, target, seen.image, authority, arguments)
        asked = Asked(
            incident["project_id"],
            rule.name.value,
            rule.sentence if why is None else f"{rule.sentence} {why}",
            incident_id=incident["id"],
            **named(seen, incident),
            note=waits_for(authority),
        )
        return await self._records.propose(connection, asked, plan, policy)

    async def asked(
        self, connection: Connection, asked: Asked, action: RepairAction, target: Target
    ) -> tuple[Plan, Seen]:
        """Plan what somebody asks for, without writing it down.

        Raises NotFound and JobNotFound where the target is not there, Conflict where the action does not fit it.
        """
        seen = await look(connection, asked.project_id, target, action)
        rule = _RULES.get(asked.trigger)
        mode = PolicyMode.SUPERVISOR
        if rule is not None:
            mode = self._policy().mode(rule, action, is_mirrored=is_mirrored(seen.image))
        authority = authority_needed(
            mode, action, rule=rule, has_live_lease=seen.image.get("lease") == "live", asked=True
        )
        return make_plan(action, target, seen.image, authority, seen.arguments), seen


def target_of(action: RepairAction, incident: Row) -> Target:
    """Say what an incident's repair is about; raise Conflict where the incident names nothing of that sort.

    What is not named is never taken for all there is.
    """
    if action in ON_JOBS:
        return _named("job", incident["job_id"], action)
    if action in ON_WORKERS:
        return _named("worker", incident["worker_id"], action)
    if action in ON_KINDS:
        return _named("kind", incident["kind"], action)
    if action in ON_SESSIONS:
        return _named("session", incident["evidence"].get("session_id"), action)
    return Target("incident", str(incident["id"]))


ASKED_OF: dict[str, frozenset[RepairAction]] = {
    "job": ON_JOBS,
    "worker": ON_WORKERS,
    "kind": ON_KINDS,
    "session": frozenset({RepairAction.INTERRUPT_SESSION}),
}
"""What can be asked for without an incident, by what it is done to."""


def target_asked(action: RepairAction, given: Mapping[str, str | None]) -> Target:
    """Say what a request is about; raise UsageError unless it names the one thing that the action is done to."""
    what = next((what for what, actions in ASKED_OF.items() if action in actions), None)
    if what is None:
        raise UsageError(f"{action.value} follows from an incident and cannot be asked for")
    name = given.get(what)
    if not name or [each for each in given.values() if each] != [name]:
        raise UsageError(f"{action.value} is done to one {what}: name that, and nothing else")
    return Target(what, name)


def _named(what: str, name: Any, action: RepairAction) -> Target:
    if not name:
        raise Conflict(f"the incident names no {what}: {action.value} has no target")
    return Target(what, str(name))


def named(seen: Seen, incident: Row) -> dict[str, Any]:
    """Give whom a repair is about, for the record."""
    return {
        "job_id": incident["job_id"],
        "worker_id": incident["worker_id"],
        "kind": seen.row.get("kind") or incident["kind"],
        "pool": seen.pool,
    }


def waits_for(authority: Authority | None) -> str | None:
    """Say what a repair waits for, if it does."""
    if authority is None:
        return ONLY_OBSERVES
    return None if authority is Authority.SYSTEM else f"waits for the word of a {authority.value}"


_RULES: dict[str, RuleName] = {rule.value: rule for rule in RuleName}
