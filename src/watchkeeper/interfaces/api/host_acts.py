"""Acts of the host guard: asked for with a packet, looked at with every gate; approved and rejected as any repair."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.pages import AfterId, ItemId, Limit
from watchkeeper.interfaces.api.schemas import Body, Reason, Word

reads = APIRouter(prefix="/api/host", tags=["host"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api/host", tags=["host"], route_class=ActRoute)

REMEDIATION: dict[str, Any] = {
    "id": JOB_ID,
    "host": "host-1",
    "state": "proposed",
    "playbook": "host_orphan_sigterm@1",
    "plan_digest": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "created_at": TIME,
    "outcome": None,
}
TRUST = {
    "playbook": "host_orphan_sigterm@1",
    "runs": 3,
    "verified": 3,
    "lower_bound": 0.4385,
    "level": "supervised",
}


class RemediationBody(Body):
    """The packet is one of `watchkeeper host triage --json`; without `evidence_ref` it is the evidence itself."""

    packet: dict[str, Any]
    evidence_ref: Word | None = None
    reason: Reason


@reads.get(
    "/remediations",
    **declared(Right.READ, name="list_acts", example={"remediations": [REMEDIATION], "next_cursor": None}),
)
async def remediations(access: Here, limit: Limit = 100, cursor: AfterId = None) -> Response:
    """List what the host guard was asked to do, and what came of it, the newest first."""
    rows, following = await access.app.watchdog.host_remediations.list(
        await access.project(), before=cursor, limit=limit
    )
    return answer(remediations=rows, next_cursor=following)


@reads.get(
    "/remediations/{remediation_id}",
    **declared(Right.READ, name="show_act", example={"remediation": REMEDIATION}),
)
async def remediation(remediation_id: ItemId, access: Here) -> Response:
    """Give one act with every gate, met or not, what came of each target, the looks after it, and the five assets."""
    found = await access.app.watchdog.host_remediations.show(await access.project(), remediation_id)
    return answer(remediation=found)


@reads.get("/playbooks", **declared(Right.READ, name="playbooks", example={"playbooks": [TRUST]}))
async def playbooks(access: Here) -> Response:
    """Say how far each playbook is trusted, by what its acts came to."""
    return answer(playbooks=await access.app.watchdog.host_remediations.trust(await access.project()))


@acts.post(
    "/remediations",
    **declared(
        Right.OPERATE, name="ask_act", key="required", status=201, example={"remediation": REMEDIATION}
    ),
)
async def ask_remediation(body: RemediationBody, access: Here) -> Response:
    """Plan to ask a proven orphan to end, and let it wait for another owner's word; the host itself carries it out."""
    made = await access.app.watchdog.host_remediations.ask(
        await access.project(),
        body.packet,
        access.principal,
        reason=body.reason,
        evidence_ref=body.evidence_ref,
    )
    return answer(201, remediation=made)
