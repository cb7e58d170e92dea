"""Tokens: made, found by their hash, rotated, listed, revoked. Secrets leave this module once, when they are made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound, StaleLease, Unauthenticated, UsageError
from watchkeeper.domain.leases import hash_secret
from watchkeeper.domain.principals import (
    JOB_TOKEN_PREFIX,
    SYSTEM_PROJECT,
    TOKEN_PREFIX,
    Principal,
    PrincipalKind,
    Role,
    scoped_name,
)
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row
from watchkeeper.storage.jobs import HeldLease

SECRET_BYTES = 32
OVERLAP_SECONDS = 86_400.0
"""How long a rotated token lives on, unless said otherwise: whoever uses it has a day to take the new one."""

MAX_OVERLAP_SECONDS = 90 * 86_400.0
MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as its maker gets it, this once."""

    id: UUID
    secret: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class RotatedToken:
    """A token's successor as its maker gets it, this once. `old_ends_at` is when the replaced one ends."""

    id: UUID
    secret: str
    principal: str
    role: Role
    project_id: str | None
    expires_at: datetime | None
    replaces: UUID
    old_ends_at: datetime


class Identity:
    """Principals and tokens of one installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_token(
        self,
        name: str,
        role: Role,
        project_id: str | None,
        *,
        actor: str,
        minted_by: UUID | None = None,
        lifetime_seconds: float | None = None,
        kind: PrincipalKind | None = None,
        reason: str | None = None,
    ) -> NewToken:
        """Make a token for the principal of that name and project, making the principal too.

        Raises UsageError for a worker token without a project and for one of the installation's own, NotFound for a
        project that does not exist, and Conflict where the principal is of another kind than the one asked for.
        """
        if role is Role.WORKER:
            _demand_workers_project(project_id)
        if lifetime_seconds is not None and lifetime_seconds <= 0:
            raise UsageError("a token's lifetime is more than 0 seconds")
        secret = TOKEN_PREFIX[role] + secrets.token_urlsafe(SECRET_BYTES)
        async with self._database.transaction() as connection:
            await _demand_project(connection, project_id)
            principal_id = await _ensure_principal(connection, name, project_id, role, kind)
            row = await _create(
                connection,
                principal_id,
                role,
                project_id,
                secret,
                actor,
                minted_by,
                lifetime_seconds,
                None,
                reason,
            )
        return NewToken(row["id"], secret, row["expires_at"])

    async def create_job_token(self, principal: Principal, project_id: str, lease: HeldLease) -> NewToken:
        """Make a token for whoever does one attempt: bound to its epoch, dead with its lease.

        Raises StaleLease when the lease is no longer held.
        """
        secret = JOB_TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        async with self._database.transaction() as connection:
            if not await store.renew(connection, project_id, [lease]):
                raise StaleLease
            row = await _create(
                connection,
                principal.id,
                Role.WORKER,
                project_id,
                secret,
                principal.actor,
                principal.id,
                None,
                lease,
            )
        return NewToken(row["id"], secret, row["expires_at"])

    async def authenticate(self, secret: str) -> Principal:
        """Find who a token belongs to, or raise Unauthenticated.

        A job token whose lease has ended names no worker any more: the contract's commands answer it `stale_lease`, or
        once more how the attempt ended.
        """
        row = await self._database.fetch_one("find_token", {"secret_hash": hash_secret(secret)})
        if row is None:
            raise Unauthenticated
        if row["note_use"]:
            await self._database.fetch("note_token_use", {"id": row["id"]})
        return Principal(
            row["principal_id"],
            row["name"],
            Role(row["role"]),
            row["project_id"],
            str(row["job_id"]) if row["job_id"] else None,
            row["job_seq"],
            row["job_epoch"],
            row["job_worker_id"],
            row["id"],
            row["minted_by"],
        )

    async def list_tokens(
        self, project_id: str | None, after: UUID | None = None, limit: int = MAX_PAGE
    ) -> tuple[list[Row], UUID | None]:
        """Give a page of tokens, the oldest first, and the cursor of the next page (None at the end)."""
        arguments = {"project_id": project_id, "after": after, "limit": limit + 1}
        rows = await self._database.fetch("list_tokens", arguments)
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def rotate(
        self,
        token_id: UUID,
        project_id: str | None,
        *,
        actor: str,
        rotated_by: UUID | None,
        reason: str,
        overlap_seconds: float = OVERLAP_SECONDS,
    ) -> RotatedToken:
        """Give a living token a successor for the same principal, role and project; the old one ends after the overlap.

        Raises NotFound where there is no living one of that id; a job token has no successor.
        """
        if not 0 <= overlap_seconds <= MAX_OVERLAP_SECONDS:
            raise UsageError(f"the overlap is from 0 to {MAX_OVERLAP_SECONDS:.0f} seconds")
        where = {"id": token_id, "project_id": project_id}
        async with self._database.transaction() as connection:
            found = await fetch_one(connection, "role_of_token", where)
            if found is None:
                raise _no_living_token()
            secret = TOKEN_PREFIX[Role(found["role"])] + secrets.token_urlsafe(SECRET_BYTES)
            row = await fetch_one(
                connection,
                "rotate_token",
                {
                    **where,
                    "secret_hash": hash_secret(secret),
                    "overlap_seconds": overlap_seconds,
                    "rotated_by": rotated_by,
                    "actor": actor,
                    "reason": reason,
                },
            )
            if row is None:
                raise _no_living_token()
        return RotatedToken(secret=secret, **{**row, "role": Role(row["role"])})

    async def revoke(self, token_id: UUID, project_id: str | None, *, actor: str, reason: str) -> None:
        """End a token at once; raise NotFound where there is no living one of that id."""
        arguments = {"id": token_id, "project_id": project_id, "actor": actor, "reason": reason}
        if not await self._database.fetch("revoke_token", arguments):
            raise _no_living_token()

    async def revoke_other_owners(self, kept: UUID, *, actor: str, reason: str) -> int:
        """End every other owner's token of the whole installation, and with them their logins; give how many."""
        arguments = {"kept": kept, "actor": actor, "reason": reason}
        return len(await self._database.fetch("revoke_other_owners", arguments))


def _demand_workers_project(project_id: str | None) -> None:
    if project_id is None:
        raise UsageError("a worker token belongs to a project", hint="Name it with --project.")
    if project_id == SYSTEM_PROJECT:
        raise UsageError(f"{SYSTEM_PROJECT!r} is the installation's own project: it has no workers")


async def _demand_project(connection: Connection, project_id: str | None) -> None:
    if project_id is not None and not await fetch(connection, "list_projects", {"project_id": project_id}):
        raise NotFound(f"there is no project {project_id!r}")


def _no_living_token() -> NotFound:
    return NotFound("there is no living token of that id")


async def _ensure_principal(
    connection: Connection, name: str, project_id: str | None, role: Role, kind: PrincipalKind | None
) -> UUID:
    row = await fetch_one(
        connection,
        "ensure_principal",
        {
            "name": scoped_name(name, project_id),
            "project_id": project_id,
            "kind": kind,
            "usual_kind": PrincipalKind.AGENT if role is Role.WORKER else PrincipalKind.PERSON,
        },
    )
    if row is None:
        raise Conflict(f"the name {name!r} is taken", hint="Choose another name.")
    if kind is not None and row["kind"] != kind:
        raise Conflict(
            f"{name!r} is known as {row['kind']}, not as {kind}",
            hint="Leave out the kind, or choose another name.",
        )
    found: UUID = row["id"]
    return found


async def _create(
    connection: Connection,
    principal_id: UUID,
    role: Role,
    project_id: str | None,
    secret: str,
    actor: str,
    minted_by: UUID | None,
    lifetime_seconds: float | None,
    lease: HeldLease | None = None,
    reason: str | None = None,
) -> Row:
    return await fetch_row(
        connection,
        "create_token",
        {
            "principal_id": principal_id,
            "role": role.value,
            "project_id": project_id,
            "secret_hash": hash_secret(secret),
            "job_seq": lease and lease.seq,
            "job_epoch": lease and lease.epoch,
            "minted_by": minted_by,
            "actor": actor,
            "lifetime_seconds": lifetime_seconds,
            "reason": reason,
        },
    )
