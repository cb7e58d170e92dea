"""Who asks, and what each role may do: one table, deny by default."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from watchkeeper.domain.errors import NotFound, PermissionDenied

SYSTEM_PROJECT = "system"


class Role(StrEnum):
    VIEWER = "viewer"
    WORKER = "worker"
    SUPERVISOR = "supervisor"
    OWNER = "owner"


class Right(StrEnum):
    READ = "read"
    CONTRACT = "contract"
    ENQUEUE = "enqueue"
    OPERATE = "operate"
    DECLARE_KIND = "declare_kind"
    MANAGE_TOKENS = "manage_tokens"
    MANAGE_PROJECTS = "manage_projects"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.WORKER: frozenset({Right.CONTRACT}),
    Role.SUPERVISOR: frozenset({Right.READ, Right.ENQUEUE, Right.OPERATE}),
    Role.OWNER: frozenset(Right),
}

TOKEN_PREFIX: dict[Role, str] = {
    Role.VIEWER: "wkv_",
    Role.WORKER: "wkw_",
    Role.SUPERVISOR: "wks_",
    Role.OWNER: "wko_",
}
JOB_TOKEN_PREFIX = "wkj_"  # noqa: S105 - a prefix, no secret


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody with a living token.

    `project_id` None is the whole installation; a job token names its job and epoch.
    """

    id: UUID
    name: str
    role: Role
    project_id: str | None = None
    job_id: str | None = None
    job_seq: int | None = None
    job_epoch: int | None = None
    job_worker_id: str | None = None

    @property
    def actor(self) -> str:
        """The name that the audit trail keeps."""
        return f"principal:{self.name}"

    def demand(self, right: Right) -> None:
        """Raise PermissionDenied unless the role has the right."""
        if right not in RIGHTS[self.role]:
            raise PermissionDenied(f"the role {self.role} may not {right.replace('_', ' ')}")

    def project(self, asked: str | None = None) -> str:
        """Give the project that a request is about.

        Raises NotFound for a project of others, as if it did not exist, and where an owner of the whole names none.
        """
        if self.project_id is None:
            if asked is None:
                raise NotFound("name the project", hint="This token sees all projects: add ?project=NAME.")
            return asked
        if asked is not None and asked != self.project_id:
            raise NotFound(f"there is no project {asked!r} here")
        return self.project_id
