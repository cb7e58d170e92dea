"""How a repair is written down: proposed, and moved from state to state, each with its row in the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.repairs import RESULT, Authority, Plan, RepairState, may_become
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one, fetch_row

SYSTEM = "system"
"""The actor of what nobody but the program itself wanted."""

EVENTS: dict[RepairState, str] = {
    RepairState.PROPOSED: "approval_withdrawn",
    RepairState.APPROVED: "repair_approved",
    RepairState.EXECUTING: "repair_started",
    RepairState.SUCCEEDED: "repair_succeeded",
    RepairState.FAILED: "repair_failed",
    RepairState.NEEDS_HUMAN: "repair_needs_human",
    RepairState.ROLLED_BACK: "repair_rolled_back",
    RepairState.REJECTED: "repair_rejected",
    RepairState.EXPIRED: "repair_expired",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants a repair, and why. `trigger` is the rule, or `asked`; `asker` None is the program itself."""

    project_id: str
    trigger: str
    reason: str
    actor: str = SYSTEM
    on_behalf_of: str | None = None
    asker: UUID | None = None
    asker_minted_by: UUID | None = None
    incident_id: UUID | None = None
    job_id: UUID | None = None
    worker_id: str | None = None
    kind: str | None = None
    pool: str = "default"
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What is kept of a repair's move from state to state; None leaves what is there."""

    actor: str = SYSTEM
    reason: str | None = None
    note: str | None = None
    old_state: Mapping[str, Any] | None = None
    new_state: Mapping[str, Any] | None = None
    undo_state: Mapping[str, Any] | None = None
    output: str | None = None
    due_seconds: float | None = None
    expires_at: datetime | None = None


class RepairRecords:
    """Writes repairs; what is kept of outputs is redacted and cut."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def kept(self, text: str) -> str:
        """Give what is kept of a text from outside."""
        return self._redactor.kept(text)

    async def propose(self, connection: Connection, asked: Asked, plan: Plan, policy: Policy) -> Row:
        """Write a planned repair down as proposed; where the policy lets nobody act, that is noted."""
        fields = {name: getattr(asked, name) for name in Asked.__dataclass_fields__}
        fields["asked_by_id"] = fields.pop("asker")
        return await fetch_row(
            connection,
            "propose_repair",
            {
                **fields,
                "reason": self._redactor.kept(asked.reason),
                "action": plan.action.value,
                "authority": (plan.authority or Authority.SYSTEM).value,
                "plan": json.dumps(plan.to_json()),
                "plan_digest": plan.digest,
                "policy_version": policy.version,
                "policy_digest": policy.digest,
            },
        )

    async def move(self, connection: Connection, row: Row, to: RepairState, change: Change) -> Row:
        """Move a locked repair on; raise Conflict where the table of transitions does not let it."""
        old = RepairState(row["state"])
        if not may_become(old, to):
            raise Conflict(f"a repair that is {old} cannot become {to}")
        output = self._redactor.kept_if_any(change.output)
        reason = self._redactor.kept_if_any(change.reason)
        moved = await fetch_one(
            connection,
            "move_repair",
            {
                "project_id": row["project_id"],
                "id": row["id"],
                "from_states": [old.value],
                "to_state": to.value,
                "result": row["result"] if to is RepairState.ROLLED_BACK else RESULT.get(to),
                "event": EVENTS[to],
                "actor": change.actor,
                "reason": reason,
                "note": change.note,
                "old_state": _json(change.old_state),
                "new_state": _json(change.new_state),
                "undo_state": _json(change.undo_state),
                "output": output,
                "output_hash": None if output is None else hashlib.sha256(output.encode()).hexdigest(),
                "due_seconds": change.due_seconds,
                "expires_at": change.expires_at,
            },
        )
        if moved is None:
            raise Conflict
        return {**row, **moved}

    async def note(self, connection: Connection, row: Row, note: str) -> bool:
        """Say why a repair waits; give whether that is news."""
        where = {"project_id": row["project_id"], "id": row["id"]}
        return bool(await fetch(connection, "note_repair", {**where, "note": note}))


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)
