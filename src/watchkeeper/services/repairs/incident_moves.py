"""How incidents go on with their repairs: repairing, verifying, open again, escalated, in a person's hands."""

from __future__ import annotations

from uuid import UUID

from watchkeeper.domain.incidents import INCIDENT_TRANSITIONS, IncidentState
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.repairs import RepairState
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import Closer, RepairAction, RuleName
from watchkeeper.domain.rules.rule import Rule
from watchkeeper.storage.database import Connection, Row, fetch, fetch_row

ONLY_PUT_BEFORE_PEOPLE = frozenset({RepairAction.PROPOSE, RepairAction.ALERT})
"""These heal nothing, so that their incident stays as it is until people or facts decide."""


def attempts_of(rule: Rule, policy: Policy) -> int:
    """Give how often a rule's repair is tried for one incident."""
    return max(1, policy.escalate_after(rule.name) or 1)


async def move_incident(
    connection: Connection, project_id: str, incident_id: UUID, to: IncidentState, reason: str
) -> bool:
    """Move an incident; False where its state does not let it. One that a person acknowledged stays theirs."""
    sources = [old for old, targets in INCIDENT_TRANSITIONS.items() if to in targets]
    arguments = {
        "project_id": project_id,
        "id": incident_id,
        "to_state": to.value,
        "from_states": [old.value for old in sources if old is not IncidentState.ACKNOWLEDGED],
        "reason": reason,
    }
    return bool(await fetch(connection, "move_incident", arguments))


async def follow(connection: Connection, repair: Row, policy: Policy) -> None:
    """Move a repair's incident, if it has one, to where the repair's new state puts it."""
    if repair["incident_id"] is None or repair["incident_rule"] not in _KNOWN:
        return
    rule, action = RULES[RuleName(repair["incident_rule"])], RepairAction(repair["action"])
    where = {"project_id": repair["project_id"], "incident_id": repair["incident_id"]}
    tried = (await fetch_row(connection, "attempts_at_incident", where))["attempts"]
    is_last = tried >= attempts_of(rule, policy) and policy.escalate_after(rule.name) is not None
    to = _goal(rule, action, RepairState(repair["state"]), is_last=is_last)
    if to is not None:
        reason = f"repair {repair['id']} ({action.value}) is {repair['state']}"
        await move_incident(connection, repair["project_id"], repair["incident_id"], to, reason)


def _goal(rule: Rule, action: RepairAction, state: RepairState, *, is_last: bool) -> IncidentState | None:
    match state:
        case RepairState.EXECUTING:
            return IncidentState.REPAIRING
        case RepairState.SUCCEEDED if action not in ONLY_PUT_BEFORE_PEOPLE:
            is_persons = rule.closer is Closer.PERSON
            return IncidentState.NEEDS_HUMAN if is_persons else IncidentState.VERIFYING
        case RepairState.FAILED:
            return IncidentState.ESCALATED if is_last else IncidentState.OPEN
        case RepairState.NEEDS_HUMAN | RepairState.ROLLED_BACK:
            return IncidentState.NEEDS_HUMAN
    return None


_KNOWN = {rule.value for rule in RuleName}
