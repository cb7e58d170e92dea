"""Tokens: made (the secret is shown once), listed, revoked."""

from __future__ import annotations

from fastapi import APIRouter, Response

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import Right, Role
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Access, Here
from watchkeeper.interfaces.api.documents import JOB_ID, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.kinds import REASON
from watchkeeper.interfaces.api.schemas import TokenBody
from watchkeeper.services.operations import as_uuid

reads = APIRouter(prefix="/api/tokens", tags=["tokens"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api/tokens", tags=["tokens"], route_class=ActRoute)


@reads.get("", **declared(Right.MANAGE_TOKENS, example={"tokens": [{"id": JOB_ID, "role": "worker"}]}))
async def list_tokens(access: Here) -> Response:
    """List tokens, never their secrets; those of attempts are left out."""
    only = access.principal.project_id or access.project_asked
    return answer(tokens=await access.app.identity.list_tokens(only))


@acts.post(
    "",
    **declared(
        Right.MANAGE_TOKENS,
        key="required",
        status=201,
        example={"token": {"id": JOB_ID, "name": "codex-1", "role": "worker", "secret": "wkw_..."}},
    ),
)
async def make_token(body: TokenBody, access: Here) -> Response:
    """Make a token. Its secret is in this answer and nowhere else; a repeated request does not show it again."""
    project = _project(body, access)
    made = await access.app.identity.create_token(
        body.name,
        Role(body.role),
        project,
        actor=access.principal.actor,
        minted_by=access.principal.id,
        lifetime_seconds=body.lifetime_seconds,
    )
    token = {
        "id": made.id,
        "name": body.name,
        "role": body.role,
        "project_id": project,
        "expires_at": made.expires_at,
    }
    return answer(201, token={**token, "secret": made.secret})


def _project(body: TokenBody, access: Access) -> str | None:
    asked = body.project_id if "project_id" in body.model_fields_set else access.project_asked
    if access.principal.project_id is None:
        return asked
    return access.principal.project(asked)


@acts.delete("/{token_id}", **declared(Right.MANAGE_TOKENS, key="required"))
async def revoke_token(token_id: str, reason: REASON, access: Here) -> Response:
    """End a token at once."""
    if (found := as_uuid(token_id)) is None:
        raise NotFound("there is no living token of that id")
    await access.app.identity.revoke(
        found, access.principal.project_id, actor=access.principal.actor, reason=reason
    )
    return answer(id=found, revoked=True)
