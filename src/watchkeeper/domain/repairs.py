"""The life of a repair: its states, the plan that it carries out, and by whose authority.

A plan binds what would be done to the exact state that it was made on; whoever approves approves its digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from watchkeeper.domain.policies import PolicyMode
from watchkeeper.domain.principals import Role
from watchkeeper.domain.rules.names import RepairAction, RuleName

APPROVAL_MINUTES = 60
"""An approval stands so long at most; it is checked by the database's clock when it is used."""

SESSION_PATIENCE_SECONDS = 300.0
"""So long a session's supervisor is asked: it renews several times meanwhile, and a turn takes a grace to end."""


class RepairState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NEEDS_HUMAN = "needs_human"
    ROLLED_BACK = "rolled_back"
    REJECTED = "rejected"
    EXPIRED = "expired"


_S = RepairState

TRANSITIONS: dict[RepairState, frozenset[RepairState]] = {
    _S.PROPOSED: frozenset({_S.APPROVED, _S.EXECUTING, _S.REJECTED, _S.EXPIRED}),
    _S.APPROVED: frozenset({_S.PROPOSED, _S.EXECUTING, _S.REJECTED, _S.EXPIRED}),
    _S.EXECUTING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.NEEDS_HUMAN}),
    _S.NEEDS_HUMAN: frozenset({_S.SUCCEEDED, _S.FAILED}),
    _S.SUCCEEDED: frozenset({_S.ROLLED_BACK}),
    _S.FAILED: frozenset(),
    _S.ROLLED_BACK: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
}

RESULT: dict[RepairState, str] = {
    _S.SUCCEEDED: "success",
    _S.FAILED: "failed",
    _S.NEEDS_HUMAN: "needs_human",
}
"""What a repair's column `result` says of the states that have one; it stays when the repair is rolled back."""


def may_become(old: RepairState, new: RepairState) -> bool:
    """Say whether the table of transitions allows `old` -> `new`."""
    return new in TRANSITIONS[old]


class Authority(StrEnum):
    """By whose word a repair is carried out."""

    WORKER = "worker"
    SYSTEM = "system"
    SUPERVISOR = "supervisor"
    OWNER = "owner"


AT_LEAST_A_SUPERVISOR = frozenset(
    {
        RepairAction.FAIL,
        RepairAction.REQUEUE,
        RepairAction.RESUME,
        RepairAction.RESUME_WORKER,
        RepairAction.FAIL_KIND,
    }
)
"""What ends work, or lets go what somebody had stopped: never without a person, whatever a policy says."""

FORCING = frozenset(
    {
        RepairAction.RELEASE,
        RepairAction.RECLAIM,
        RepairAction.MARK_STALE,
        RepairAction.PAUSE,
        RepairAction.FAIL,
    }
)
"""What takes a job from whoever holds it."""


def authority_needed(
    mode: PolicyMode,
    action: RepairAction,
    *,
    rule: RuleName | None = None,
    has_live_lease: bool = False,
    asked: bool = False,
    ends_attempt: bool = False,
) -> Authority | None:
    """Say whose word an action needs; None where the policy lets nobody act on it.

    A live lease is never taken, and nothing of a second primary job decided, without a person; nor is anything that
    was `asked` for done on the asker's word alone. `ends_attempt`: a block that takes the job, on what somebody told.
    A process of a host is a matter of owners, whatever a policy says.
    """
    if action is RepairAction.END_ORPHAN:
        return Authority.OWNER
    if mode in (PolicyMode.OFF, PolicyMode.OBSERVE) and not asked:
        return None
    if mode is PolicyMode.OWNER:
        return Authority.OWNER
    is_of_second_job = rule is RuleName.MULTIPLE_PRIMARY_JOBS and action is not RepairAction.STOP_WORKER
    needs_person = (
        asked
        or mode is PolicyMode.SUPERVISOR
        or action in AT_LEAST_A_SUPERVISOR
        or (has_live_lease and (ends_attempt or action in FORCING))
        or is_of_second_job
    )
    return Authority.SUPERVISOR if needs_person else Authority.SYSTEM


def by_hearsay(mode: PolicyMode) -> PolicyMode:
    """Give how far a plan goes that rests on a worker's word about others: never by itself."""
    return PolicyMode.SUPERVISOR if mode is PolicyMode.AUTO else mode


def may_decide(role: Role, authority: Authority) -> bool:
    """Say whether a role may approve, or reject, what needs this authority."""
    if authority is Authority.OWNER:
        return role is Role.OWNER
    return role in (Role.SUPERVISOR, Role.OWNER)


@dataclass(frozen=True, slots=True)
class Target:
    """What a repair is about: one job, worker, kind or incident, by the id that the database knows it by."""

    what: str
    id: str

    def __str__(self) -> str:
        return f"{self.what} {self.id}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One action on one target, and the state that it was planned on.

    `preconditions` are what must still be true when it is carried out. `authority` None says that the policy only
    observes. `carried_out_by` names who acts where Watchkeeper's own hands do not reach. Exactly one of `undo` and
    `no_undo_because` is a text.
    """

    action: RepairAction
    target: Target
    preconditions: Mapping[str, str | int | bool | None]
    steps: tuple[str, ...]
    blast_radius: str
    authority: Authority | None
    undo: str | None = None
    no_undo_because: str | None = None
    carried_out_by: str = "watchkeeper"
    arguments: Mapping[str, str | int | bool | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.target.id:
            raise ValueError("a plan without a target is never one for all")
        if (self.undo is None) == (self.no_undo_because is None):
            raise ValueError("a plan says how it is undone, or why it cannot be")

    def to_json(self) -> dict[str, Any]:
        return {
            "action": self.action.value,
            "target": {"what": self.target.what, "id": self.target.id},
            "preconditions": dict(self.preconditions),
            "steps": list(self.steps),
            "blast_radius": self.blast_radius,
            "authority": self.authority and self.authority.value,
            "undo": self.undo,
            "no_undo_because": self.no_undo_because,
            "carried_out_by": self.carried_out_by,
            "arguments": dict(self.arguments),
        }

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> Plan:
        """Read what `to_json` wrote."""
        return cls(
            RepairAction(plan["action"]),
            Target(plan["target"]["what"], plan["target"]["id"]),
            plan["preconditions"],
            tuple(plan["steps"]),
            plan["blast_radius"],
            plan["authority"] and Authority(plan["authority"]),
            plan["undo"],
            plan["no_undo_because"],
            plan["carried_out_by"],
            plan["arguments"],
        )

    @property
    def digest(self) -> str:
        """Give the SHA-256 of the plan's canonical JSON, to which an approval binds."""
        return hashlib.sha256(canonical(self.to_json())).hexdigest()


def canonical(value: Any) -> bytes:
    """Write JSON as RFC 8785 does. Of numbers only whole ones are known here, which every writer writes alike."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
