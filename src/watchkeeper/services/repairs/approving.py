"""People's words on repairs: approved, rejected, withdrawn. A word binds to the plan's digest and is used once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import Conflict, PermissionDenied
from watchkeeper.domain.policies import FourEyes, Policy
from watchkeeper.domain.principals import Principal, PrincipalKind
from watchkeeper.domain.repairs import APPROVAL_MINUTES, Authority, RepairState, may_decide
from watchkeeper.services.repairs.records import Change, RepairRecords
from watchkeeper.storage.database import Connection, Row, fetch, fetch_row

OPEN = frozenset({RepairState.PROPOSED, RepairState.APPROVED})


class Approving:
    """Takes people's words, in the caller's transaction, on a repair that the caller has locked."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        records: RepairRecords,
        lifetime_seconds: float = APPROVAL_MINUTES * 60.0,
    ) -> None:
        self._policy = policy
        self._records = records
        self._lifetime_seconds = min(lifetime_seconds, APPROVAL_MINUTES * 60.0)

    async def approve(
        self, connection: Connection, row: Row, by: Principal, *, digest: str | None, reason: str
    ) -> Row:
        """Keep an approval; the repair is approved once there are enough of them.

        `digest` is that of the plan which the person saw. Raises PermissionDenied for who may not, Conflict for another
        plan, for a repair that somebody else decided meanwhile, and for a second word of the same person.
        """
        if row["state"] != RepairState.PROPOSED:
            raise faster(row, await fetch(connection, "approvals_of", _of(row)))
        await self._must_be_another(connection, row, by)
        self._must_have_authority(row, by)
        if digest is not None and digest != row["plan_digest"]:
            raise Conflict(
                "the plan is not the one that you saw", hint="Look at the repair again, then decide."
            )
        standing = await standing_approvals(connection, row)
        others = [approval["actor_id"] for approval in standing]
        if others and await _is_one_person(connection, others, None, by):
            raise Conflict("you have approved this already; it needs the word of another person as well")
        await self._keep(connection, row, by, "approved", reason)
        standing = await standing_approvals(connection, row)
        if len(standing) < approvals_needed(self._policy(), row):
            await self._tell(connection, row, by, "approval_given", reason)
            note = "waits for the word of one more person"
            await self._records.note(connection, row, note)
            return {**row, "note": note}
        expires_at = min(approval["expires_at"] for approval in standing)
        change = Change(by.actor, reason, note=f"approved by {by.actor}", expires_at=expires_at)
        return await self._records.move(connection, row, RepairState.APPROVED, change)

    async def reject(self, connection: Connection, row: Row, by: Principal, reason: str) -> Row:
        """Refuse a repair for good; raise PermissionDenied, or Conflict where it is decided already."""
        if row["state"] not in OPEN:
            raise faster(row, await fetch(connection, "approvals_of", _of(row)))
        if not may_decide(by.role, authority_of(row)):
            raise PermissionDenied(f"this repair is for a {authority_of(row)} to decide")
        await self._keep(connection, row, by, "rejected", reason)
        return await self._records.move(
            connection, row, RepairState.REJECTED, Change(by.actor, reason, note=f"rejected by {by.actor}")
        )

    async def withdraw(self, connection: Connection, row: Row, by: Principal, reason: str) -> Row:
        """Take one's own word back before it is used: who approved the approval, who asked the whole repair."""
        if row["state"] not in OPEN:
            raise faster(row, await fetch(connection, "approvals_of", _of(row)))
        taken = await fetch(connection, "withdraw_approvals", {**_of(row), "actor_id": by.id})
        if taken:
            if row["state"] == RepairState.APPROVED:
                return await self._records.move(
                    connection,
                    row,
                    RepairState.PROPOSED,
                    Change(by.actor, reason, note=f"{by.actor} took the approval back"),
                )
            await self._tell(connection, row, by, "approval_withdrawn", reason)
            return row
        if row["asked_by_id"] != by.id:
            raise PermissionDenied("you have neither asked for this repair nor approved it")
        note = "withdrawn by who asked for it"
        return await self._records.move(
            connection, row, RepairState.REJECTED, Change(by.actor, reason, note=note)
        )

    def _must_have_authority(self, row: Row, by: Principal) -> None:
        if row["plan"]["authority"] is None:
            raise Conflict(
                "the policy only observes this rule: nothing of it can be approved",
                hint="Ask for the repair yourself, or change the policy's mode for this rule.",
            )
        if not may_decide(by.role, authority_of(row)):
            raise PermissionDenied(f"this repair is for a {authority_of(row)} to decide")

    async def _must_be_another(self, connection: Connection, row: Row, by: Principal) -> None:
        """Refuse who asked, on whose behalf, and whoever is of their chain of tokens: made or given, at any remove.

        Two names that one person made for himself stand in one chain, too.
        """
        kind = (await fetch_row(connection, "principal_kind", {"id": by.id}))["kind"]
        if kind != PrincipalKind.PERSON:
            raise PermissionDenied(f"an approval is a person's word; this token belongs to a {kind}")
        asker: UUID | None = row["asked_by_id"]
        if asker is None:
            return
        askers = [asker]
        if row["on_behalf_of"] is not None:
            named = {"project_id": row["project_id"], "names": [row["on_behalf_of"]]}
            askers += [found["id"] for found in await fetch(connection, "principal_named", named)]
        if await _is_one_person(connection, askers, row["asker_minted_by"], by):
            raise PermissionDenied(
                "who asked for a repair, or stands behind the asking, may not approve it",
                hint="Another person approves; what you may do yourself you do without asking for a repair.",
            )

    async def _keep(
        self, connection: Connection, row: Row, by: Principal, decision: str, reason: str
    ) -> None:
        said = {
            "decision": decision,
            "actor": by.actor,
            "actor_id": by.id,
            "reason": self._records.kept(reason),
        }
        lifetime = {"lifetime_seconds": self._lifetime_seconds, "plan_digest": row["plan_digest"]}
        await fetch_row(connection, "add_approval", {**_of(row), **said, **lifetime})

    async def _tell(self, connection: Connection, row: Row, by: Principal, event: str, reason: str) -> None:
        said = {"event": event, "actor": by.actor, "reason": self._records.kept(reason)}
        await fetch(connection, "audit_approval", {**_of(row), **said, "plan_digest": row["plan_digest"]})


async def _is_one_person(
    connection: Connection, others: list[UUID], minted_by: UUID | None, by: Principal
) -> bool:
    """Say whether one person may stand behind an approver and behind somebody else: who makes a token can use it."""
    chains = [("asker", each) for each in (*others, minted_by) if each is not None]
    chains += [("approver", each) for each in (by.id, by.minted_by) if each is not None]
    sides, ids = [side for side, _ in chains], [each for _, each in chains]
    given = {"sides": sides, "ids": ids, "approver": by.id, "askers": others}
    return bool((await fetch_row(connection, "stands_behind", given))["is_behind"])


def authority_of(row: Row) -> Authority:
    return Authority(row["authority"])


def approvals_needed(policy: Policy, row: Row) -> int:
    """Give how many people must agree: what the program planned needs two where the policy counts it for nobody."""
    if authority_of(row) is Authority.SYSTEM:
        return 0
    return 2 if row["asked_by_id"] is None and policy.four_eyes is FourEyes.ALWAYS else 1


async def standing_approvals(connection: Connection, row: Row) -> list[Row]:
    """Give the approvals of a repair's present plan that may still be used, by the database's clock."""
    return await fetch(connection, "standing_approvals", {**_of(row), "plan_digest": row["plan_digest"]})


def faster(row: Row, words: list[dict[str, Any]]) -> Conflict:
    """Say who was faster, and what came of it."""
    last = next((word for word in reversed(words) if word["withdrawn_at"] is None), None)
    who = (
        ""
        if last is None
        else f": {last['decision']} by {last['actor']} at {last['created_at']:%H:%M:%S} UTC"
    )
    return Conflict(f"somebody was faster; this repair is {row['state']}{who}", state=row["state"])


def _of(row: Row) -> dict[str, Any]:
    return {"project_id": row["project_id"], "repair_id": row["id"]}
