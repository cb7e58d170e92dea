"""Who asks, and what each role may do: one table, deny by default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from watchkeeper.domain.errors import NotFound, PermissionDenied, UsageError
from watchkeeper.domain.suggestions import shown

SYSTEM_PROJECT = "system"


class Role(StrEnum):
    VIEWER = "viewer"
    WORKER = "worker"
    SUPERVISOR = "supervisor"
    OWNER = "owner"


class PrincipalKind(StrEnum):
    PERSON = "person"
    SERVICE = "service"
    AGENT = "agent"


class Right(StrEnum):
    READ = "read"
    CONTRACT = "contract"
    RECORD = "record"
    SUGGEST_REPAIR = "suggest_repair"
    ENQUEUE = "enqueue"
    OPERATE = "operate"
    PROPOSE = "propose"
    DECIDE = "decide"
    DECLARE_KIND = "declare_kind"
    MANAGE_TOKENS = "manage_tokens"
    MANAGE_PROJECTS = "manage_projects"
    SWITCH = "switch"
    MANAGE_POLICY = "manage_policy"
    RECEIVE_ALERTS = "receive_alerts"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.WORKER: frozenset(
        {Right.CONTRACT, Right.RECORD, Right.PROPOSE, Right.SUGGEST_REPAIR, Right.RECEIVE_ALERTS}
    ),
    Role.SUPERVISOR: frozenset(
        {
            Right.READ,
            Right.RECORD,
            Right.ENQUEUE,
            Right.OPERATE,
            Right.PROPOSE,
            Right.SUGGEST_REPAIR,
            Right.DECIDE,
            Right.RECEIVE_ALERTS,
        }
    ),
    Role.OWNER: frozenset(Right),
}

OF_THE_WHOLE: frozenset[Right] = frozenset({Right.MANAGE_PROJECTS, Right.SWITCH})
"""What only a token of the whole installation may do: a project's owner has the owner's other rights."""

TOKEN_PREFIX: dict[Role, str] = {
    Role.VIEWER: "wkv_",
    Role.WORKER: "wkw_",
    Role.SUPERVISOR: "wks_",
    Role.OWNER: "wko_",
}
JOB_TOKEN_PREFIX = "wkj_"  # noqa: S105 - a prefix, no secret

_NAME = re.compile(r"[^/\x00-\x1f\x7f]{1,200}")


def scoped_name(name: str, project_id: str | None) -> str:
    """Give the name under which a principal is known: a project's own carry the project's name.

    So the same name in two projects is two principals, and neither is one of the whole installation. Raises UsageError
    for a name that could be taken for another project's.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{shown(name)} is no name for a principal: 1 to 200 characters without '/'")
    return name if project_id is None else f"{project_id}/{name}"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody with a living token.

    `name` is the scoped one. `project_id` None is the whole installation; a job token names its job and epoch.
    `minted_by` is who made the token: that one is behind whatever is asked with it.
    """

    id: UUID
    name: str
    role: Role
    project_id: str | None = None
    job_id: str | None = None
    job_seq: int | None = None
    job_epoch: int | None = None
    job_worker_id: str | None = None
    token_id: UUID | None = None
    minted_by: UUID | None = None

    @property
    def actor(self) -> str:
        """The name that the audit trail keeps."""
        return f"principal:{self.name}"

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role] and (self.project_id is None or right not in OF_THE_WHOLE)

    def demand(self, right: Right) -> None:
        """Raise PermissionDenied unless the role has the right, over the whole installation where that is needed."""
        if right not in RIGHTS[self.role]:
            raise PermissionDenied(f"the role {self.role} may not {right.replace('_', ' ')}")
        if not self.may(right):
            raise PermissionDenied(f"to {right.replace('_', ' ')} is for owners of the whole installation")

    def demand_whole(self, what: str) -> None:
        """Raise PermissionDenied, about `what`, unless this is a principal of the whole installation."""
        if self.project_id is not None:
            raise PermissionDenied(f"{what} is for principals of the whole installation")

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
