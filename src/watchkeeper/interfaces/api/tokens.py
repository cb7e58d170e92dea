"""Tokens: made and rotated (a secret is shown once), listed, revoked."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Response

from watchkeeper.domain.errors import NotFound, PermissionDenied
from watchkeeper.domain.principals import PrincipalKind, Right, Role
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Access, Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.kinds import REASON
from watchkeeper.interfaces.api.pages import MAX_PAGE, AfterId, Limit
from watchkeeper.interfaces.api.schemas import RotationBody, TokenBody
from watchkeeper.services.operations import as_uuid

reads = APIRouter(prefix="/api/tokens", tags=["tokens"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api/tokens", tags=["tokens"], route_class=ActRoute)

OWN = "self"
"""In the place of an id: the token that asks."""


@reads.get(
    "",
    **declared(
        Right.MANAGE_TOKENS,
        name="list",
        example={"tokens": [{"id": JOB_ID, "role": "worker"}], "next_cursor": None},
    ),
)
async def list_tokens(access: Here, limit: Limit = MAX_PAGE, cursor: AfterId = None) -> Response:
    """List tokens, never their secrets, the oldest first; those of attempts are left out."""
    only = access.principal.project_id or access.project_asked
    rows, following = await access.app.identity.list_tokens(only, cursor, limit)
    return answer(tokens=rows, next_cursor=following)


@acts.post(
    "",
    **declared(
        Right.MANAGE_TOKENS,
        name="make",
        key="required",
        status=201,
        example={"token": {"id": JOB_ID, "name": "codex-1", "role": "worker", "secret": "wkw_..."}},
    ),
)
async def make_token(body: TokenBody, access: Here) -> Response:
    """Make a token. Its secret is in this answer and nowhere else; a repeated request does not show it again."""
    project = project_for(body, access)
    made = await access.app.identity.create_token(
        body.name,
        Role(body.role),
        project,
        actor=access.principal.actor,
        minted_by=access.principal.id,
        lifetime_seconds=body.lifetime_seconds,
        kind=None if body.kind is None else PrincipalKind(body.kind),
        reason=body.reason,
    )
    token = {
        "id": made.id,
        "name": body.name,
        "role": body.role,
        "project_id": project,
        "expires_at": made.expires_at,
    }
    return answer(201, token={**token, "secret": made.secret})


class ForProject(Protocol):
    """A body that may say which project it is about; null says: the whole installation."""

    project_id: str | None

    @property
    def model_fields_set(self) -> set[str]: ...


def project_for(body: ForProject, access: Access) -> str | None:
    """Give the project that something is made for; raise PermissionDenied for what is only for owners of the whole."""
    asked = body.project_id if "project_id" in body.model_fields_set else access.project_asked
    if access.principal.project_id is None:
        return asked
    if asked is None and "project_id" in body.model_fields_set:
        raise PermissionDenied("a token of the whole installation is for owners of the whole to make")
    return access.principal.project(asked)


ROTATED: dict[str, Any] = {
    "token": {
        "id": JOB_ID,
        "principal": "default/codex-1",
        "role": "worker",
        "replaces": "019aa5c0-8a00-7000-8000-000000000001",
        "old_ends_at": TIME,
        "secret": "wkw_...",
    },
    "own": False,
}


@acts.post(
    "/{token_id}/rotate",
    **declared(Right.MANAGE_TOKENS, name="rotate", key="required", status=201, example=ROTATED),
)
async def rotate_token(token_id: str, body: RotationBody, access: Here) -> Response:
    """Give a token a successor; the old one lives on for the overlap. `self` is the token that asks, told by `own`."""
    principal = access.principal
    made = await access.app.identity.rotate(
        _id(token_id, access),
        principal.project_id,
        actor=principal.actor,
        rotated_by=principal.id,
        reason=body.reason,
        overlap_seconds=body.overlap_seconds,
    )
    token = {name: getattr(made, name) for name in made.__dataclass_fields__}
    return answer(201, token=token, own=made.replaces == principal.token_id)


@acts.delete("/{token_id}", **declared(Right.MANAGE_TOKENS, name="revoke", key="required"))
async def revoke_token(token_id: str, reason: REASON, access: Here) -> Response:
    """End a token at once, and the console sessions that began with it."""
    found = _id(token_id, access)
    await access.app.identity.revoke(
        found, access.principal.project_id, actor=access.principal.actor, reason=reason
    )
    return answer(id=found, revoked=True)


def _id(token_id: str, access: Access) -> UUID:
    found = access.principal.token_id if token_id == OWN else as_uuid(token_id)
    if found is None:
        raise NotFound("there is no living token of that id")
    return found
