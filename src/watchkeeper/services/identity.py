"""Tokens: made, found by their hash, listed, revoked. Secrets leave this module once, when they are made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from watchkeeper.domain.errors import NotFound, StaleLease, Unauthenticated, UsageError
from watchkeeper.domain.leases import hash_secret
from watchkeeper.domain.principals import JOB_TOKEN_PREFIX, TOKEN_PREFIX, Principal, Role
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_row
from watchkeeper.storage.jobs import HeldLease

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as its maker gets it, this once."""

    id: UUID
    secret: str
    expires_at: datetime | None


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
    ) -> NewToken:
        """Make a token for the principal of that name, making the principal too.

        Raises UsageError for a worker token without a project, and NotFound for a project that does not exist.
        """
        if role is Role.WORKER and project_id is None:
            raise UsageError("a worker token belongs to a project", hint="Name it with --project.")
        if lifetime_seconds is not None and lifetime_seconds <= 0:
            raise UsageError("a token's lifetime is more than 0 seconds")
        secret = TOKEN_PREFIX[role] + secrets.token_urlsafe(SECRET_BYTES)
        async with self._database.transaction() as connection:
            if project_id is not None and not await fetch(
                connection, "list_projects", {"project_id": project_id}
            ):
                raise NotFound(f"there is no project {project_id!r}")
            kind = "agent" if role is Role.WORKER else "person"
            principal = await fetch_row(connection, "ensure_principal", {"name": name, "kind": kind})
            row = await _create(
                connection, principal["id"], role, project_id, secret, actor, minted_by, lifetime_seconds
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
        )

    async def list_tokens(self, project_id: str | None) -> list[Row]:
        return await self._database.fetch("list_tokens", {"project_id": project_id})

    async def revoke(self, token_id: UUID, project_id: str | None, *, actor: str, reason: str) -> None:
        """End a token at once; raise NotFound where there is no living one of that id."""
        arguments = {"id": token_id, "project_id": project_id, "actor": actor, "reason": reason}
        if not await self._database.fetch("revoke_token", arguments):
            raise NotFound("there is no living token of that id")


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
        },
    )
