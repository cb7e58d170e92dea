"""Who asks, and may they: tokens and console sessions, the rights of roles, the bounds of job tokens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Annotated, cast

from fastapi import Depends, Header, Query, Request

from watchkeeper.app.whole import App
from watchkeeper.domain.errors import NotFound, PermissionDenied, StaleLease, Unauthenticated
from watchkeeper.domain.principals import Principal, Right, Role
from watchkeeper.interfaces.api.limits import Allowance
from watchkeeper.interfaces.api.state import ApiState, state_of
from watchkeeper.services.failed_logins import source_of
from watchkeeper.services.holding import Caller
from watchkeeper.services.refusals import Refusal

MAX_TOKEN_CHARS = 512

ProjectName = Annotated[
    str | None,
    Query(description="The project; needed with a token that sees all projects.", max_length=63),
]
LeaseToken = Annotated[
    str | None,
    Header(
        alias="Watchkeeper-Lease",
        description="The lease token that `claim` gave; a job token needs none.",
        max_length=200,
    ),
]


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody who was let in. `project_asked` is what the request names.

    With `dry_run` all that is written is taken back; a handler that does more than write must not do it.
    """

    app: App
    principal: Principal
    project_asked: str | None = None
    dry_run: bool = False

    async def project(self) -> str:
        """Give the project that the request is about; raise NotFound for one that is not there for them."""
        name = self.principal.project(self.project_asked)
        if self.principal.project_id is None and not await self.app.kinds.projects(name):
            raise NotFound(f"there is no project {name[:63]!r}")
        return name


async def admit(
    request: Request, rights: tuple[Right, ...], *, in_job: bool, beside_job: bool = False
) -> Access:
    """Find who asks and check that they may; `in_job` says that the route is a contract command of one job.

    `beside_job`: another route that is open to the agent of an attempt, while it holds the lease.
    Raises Unauthenticated (after a while, for who fails often), RateLimited, PermissionDenied and StaleLease.
    """
    state = state_of(request)
    principal = await _principal(request, state)
    request.state.principal = principal
    if principal.job_seq is not None and not in_job and beside_job and principal.job_worker_id is None:
        raise StaleLease
    if principal.job_seq is not None and not (in_job or beside_job):
        raise PermissionDenied("a job token is for the contract's commands of its own job only")
    if not any(principal.may(right) for right in rights):
        principal.demand(rights[0])
    return Access(state.app, principal)


async def _principal(request: Request, state: ApiState) -> Principal:
    header = request.headers.get("authorization")
    if header is None and state.session is not None:
        return await state.session(request)
    try:
        secret = _bearer(header)
        caller = hashlib.sha256(secret.encode()).digest()
        principal = await _look_up(state, secret, caller, address_of(request))
    except Unauthenticated:
        if header is not None:
            await note_failed_login(state, request, "api")
        raise
    # Whoever holds a token may let it slip into a text, encoded too; of stored ones there are hashes only.
    state.app.redactor.learn(secret)
    if lease := request.headers.get("watchkeeper-lease"):
        state.app.redactor.learn(lease[:200].partition(".")[2])
    is_worker = principal.role is Role.WORKER
    rate = state.limits.worker_per_second if is_worker else state.limits.interactive_per_second
    request.state.allowance = Allowance(rate)
    request.state.allowance = state.buckets.take(caller, rate)
    return principal


async def _look_up(state: ApiState, secret: str, caller: bytes, address: str) -> Principal:
    if state.buckets.knows(caller):
        return await state.app.identity.authenticate(secret)
    async with state.failed_logins.look(address):
        return await state.app.identity.authenticate(secret)


def address_of(request: Request) -> str:
    """Give where a request comes from; behind a proxy the server has put the client's address there."""
    return request.client.host if request.client else ""


async def note_failed_login(state: ApiState, request: Request, door: str) -> None:
    """Write a failed login down, and let its address wait; raise RateLimited where too many wait already."""
    address = address_of(request)
    state.app.refusals.note(Refusal.of_login(source_of(address), door))
    await state.failed_logins.slow_down(address)


def _bearer(header: str | None) -> str:
    if header is None:
        raise Unauthenticated("no token came with the request")
    scheme, _, secret = header.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise Unauthenticated("the Authorization header is not 'Bearer TOKEN'")
    if len(secret) > MAX_TOKEN_CHARS or not secret.isascii():
        raise Unauthenticated
    return secret


def of_request(access: Access, request: Request) -> Access:
    """Give the access with the project that a request names, before its handler's own arguments are read."""
    return replace(access, project_asked=request.query_params.get("project"))


def _access(request: Request, project: ProjectName = None) -> Access:
    return replace(cast("Access", request.state.access), project_asked=project)


Here = Annotated[Access, Depends(_access)]


async def _caller(access: Here, lease: LeaseToken = None) -> Caller:
    return Caller(access.principal, await access.project(), lease)


Holder = Annotated[Caller, Depends(_caller)]
