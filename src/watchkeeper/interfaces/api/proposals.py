"""Proposals: decision records, put before people and decided once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from watchkeeper.domain.principals import SYSTEM_PROJECT, Principal, Right
from watchkeeper.domain.proposals import MERGE_PROJECTS, AdoptionStatus, ProposalDraft
from watchkeeper.interfaces.api.answers import answer, listed
from watchkeeper.interfaces.api.auth import Access, Here
from watchkeeper.interfaces.api.documents import JOB_ID, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute, KeyedRoute
from watchkeeper.interfaces.api.knowledge_schemas import DecisionBody, ProposalBody
from watchkeeper.interfaces.api.pages import AfterId, Format, ItemId, Limit
from watchkeeper.interfaces.api.schemas import ReasonBody
from watchkeeper.services.proposals import Decision

reads = APIRouter(prefix="/api/proposals", tags=["proposals"], route_class=GuardedRoute)
puts = APIRouter(prefix="/api/proposals", tags=["proposals"], route_class=KeyedRoute)
acts = APIRouter(prefix="/api/proposals", tags=["proposals"], route_class=ActRoute)

PROPOSAL: dict[str, Any] = {
    "id": JOB_ID,
    "kind": "missing_worker_kind",
    "decision": "Start a worker that can do 'report'.",
    "adoption_status": "proposed",
    "occurrences": 3,
}


@puts.post(
    "",
    **declared(
        Right.PROPOSE, key="optional", status=201, example={"proposal": {"id": JOB_ID, "existing": False}}
    ),
)
async def make(body: ProposalBody, access: Here) -> Response:
    """Put a decision before people; one that is undecided under the same fingerprint stays alone.

    A merge of projects (`merge_projects`, `subject.projects`, `subject.into`) is for owners of the whole, in `system`.
    """
    draft = ProposalDraft(
        await _project(body.kind, access),
        body.kind,
        body.decision,
        body.problem,
        body.recommendation,
        body.reasoning,
        tuple(body.options),
        body.landing_path,
        body.feedback_if_rejected,
        body.fingerprint,
        body.subject,
    )
    made = await access.app.watchdog.knowledge.proposals.make(
        draft, actor=access.principal.actor, reason=body.reason
    )
    return answer(201, proposal={"id": made.id, "existing": not made.is_new})


async def _project(kind: str, access: Access) -> str:
    if kind != MERGE_PROJECTS:
        return await access.project()
    access.principal.demand(Right.MANAGE_PROJECTS)
    return SYSTEM_PROJECT


@reads.get("", **declared(Right.READ, name="list", example={"proposals": [PROPOSAL], "next_cursor": None}))
async def list_proposals(
    access: Here,
    status: AdoptionStatus | None = None,
    limit: Limit = 100,
    cursor: AfterId = None,
    as_: Format = "json",
) -> Response:
    """List proposals, the newest first."""
    rows, following = await access.app.watchdog.knowledge.proposals.list(
        await access.project(), status=status, before=cursor, limit=limit
    )
    return listed("proposals", rows, following, as_)


@reads.get(
    "/{proposal_id}",
    **declared(Right.READ, version_of="proposal", name="show", example={"proposal": PROPOSAL}),
)
async def proposal(proposal_id: ItemId, access: Here) -> Response:
    """Give one proposal with its options, reasoning, decision, and what accepting it changed."""
    return answer(
        proposal=await access.app.watchdog.knowledge.proposals.show(await access.project(), proposal_id)
    )


@acts.post(
    "/{proposal_id}/accept",
    **declared(Right.DECIDE, version_of="proposal", key="required", example={"proposal": PROPOSAL}),
)
async def accept(proposal_id: ItemId, body: DecisionBody, access: Here) -> Response:
    """Accept a proposal, and carry out what its kind does."""
    decision = await _decision(proposal_id, body.reason, access)
    return answer(proposal=await access.app.watchdog.knowledge.proposals.accept(decision))


@acts.post(
    "/{proposal_id}/reject",
    **declared(Right.DECIDE, version_of="proposal", key="required", example={"proposal": PROPOSAL}),
)
async def reject(proposal_id: ItemId, body: ReasonBody, access: Here) -> Response:
    """Reject a proposal; the reason is the feedback that it asks for."""
    decision = await _decision(proposal_id, body.reason, access)
    return answer(proposal=await access.app.watchdog.knowledge.proposals.reject(decision))


@acts.post(
    "/{proposal_id}/undo",
    **declared(Right.DECIDE, version_of="proposal", key="required", example={"proposal": PROPOSAL}),
)
async def undo(proposal_id: ItemId, body: DecisionBody, access: Here) -> Response:
    """Take back what accepting a proposal changed."""
    decision = await _decision(proposal_id, body.reason, access)
    return answer(proposal=await access.app.watchdog.knowledge.proposals.undo(decision))


async def _decision(proposal_id: UUID, reason: str | None, access: Access) -> Decision:
    project, principal = await access.project(), access.principal
    return Decision(project, proposal_id, principal.actor, reason, decides_for_all(principal))


def decides_for_all(principal: Principal) -> bool:
    """Say whether somebody decides for the whole installation."""
    return principal.may(Right.MANAGE_PROJECTS)
