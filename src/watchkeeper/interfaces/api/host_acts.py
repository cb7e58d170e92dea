"""Acts of the host guard: asked for with a packet, looked at with every gate; approved and rejected as any repair."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import Field

from watchkeeper.domain.host_guard.telling import Said
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


ASSET = {"asset": "verifier_post_check", "written_at": TIME, "written_by": "principal:lin", "fields": {}}


class AssetsBody(Body):
    """What a person says of an incident for which no process was ended; the rest is taken from the database."""

    root_cause: Reason
    service_health: Reason
    owner_followup: Reason
    evidence_refs: list[Word] = Field(default=[], max_length=20)
    review_days: float = Field(default=7.0, gt=0, le=365)
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


@reads.get(
    "/incidents/{incident_id}/assets", **declared(Right.READ, name="show_assets", example={"assets": [ASSET]})
)
async def show_assets(incident_id: ItemId, access: Here) -> Response:
    """Give the five assets of a host incident, as far as they are written."""
    found = await access.app.watchdog.host_assets.show(await access.project(), incident_id)
    return answer(assets=found)


@acts.post(
    "/incidents/{incident_id}/assets",
    **declared(Right.OPERATE, name="write_assets", key="required", status=201, example={"assets": [ASSET]}),
)
async def write_assets(incident_id: ItemId, body: AssetsBody, access: Here) -> Response:
    """Write the five assets of a host incident for which no process was ended; only then it can be closed."""
    said = Said(
        body.root_cause,
        body.service_health,
        body.owner_followup,
        access.principal.actor,
        tuple(body.evidence_refs),
    )
    written = await access.app.watchdog.host_assets.write(
        await access.project(), incident_id, said, review_days=body.review_days, reason=body.reason
    )
    return answer(201, assets=written)
