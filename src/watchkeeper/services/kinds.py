"""Projects and kinds: what may be asked for, under which policy, and whether it is paused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from watchkeeper.domain.errors import Conflict, NotFound, UsageError
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.storage.database import Database, Row

MAX_PAGE = 1000
MOST_NAMED = 5
"""So many live workers are named in a refusal."""


class Kinds:
    """The projects and kinds of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure_project(self, project_id: str, title: str = "") -> bool:
        """Make a project where there is none; say whether it is new."""
        return bool(await self._database.fetch("ensure_project", {"project_id": project_id, "title": title}))

    async def make_project(
        self, project_id: str, title: str = "", *, actor: str, reason: str | None = None
    ) -> bool:
        """The same, as somebody's act: the trail says whose."""
        asked = {"project_id": project_id, "title": title, "actor": actor, "reason": reason}
        return bool(await self._database.fetch("make_project", asked))

    async def projects(self, only: str | None = None) -> list[Row]:
        return await self._database.fetch("list_projects", {"project_id": only})

    async def delete_project(
        self, project_id: str, *, actor: str, reason: str, force: bool = False, dry_run: bool = False
    ) -> None:
        """Remove a project's rows for good; its audit trail stays. Raise NotFound if there is none.

        Raises Conflict while workers of it live, unless `force`, and UsageError for the project of the installation's
        own matters. A dry run deletes nothing, not even to take it back: that would lock every row of the project.
        """
        if project_id == SYSTEM_PROJECT:
            raise UsageError(f"{SYSTEM_PROJECT!r} is the installation's own project: it stays")
        found = await self._database.fetch_one("project_to_remove", {"project_id": project_id})
        if found is None:
            raise _no_project(project_id)
        if found["living"] and not force:
            raise _is_worked(project_id, found["living"])
        if dry_run:
            return
        arguments = {"project_id": project_id, "actor": actor, "reason": reason}
        if not await self._database.fetch("delete_project", arguments):
            raise _no_project(project_id)

    async def declare(
        self, project_id: str, kind: KindDeclaration, *, actor: str, reason: str | None = None
    ) -> Row:
        """Declare a kind or change its declaration; what a person paused stays paused."""
        fields: dict[str, Any] = {name: getattr(kind, name) for name in kind.__dataclass_fields__}
        contract = fields.pop("contract")
        rows = await self._database.fetch(
            "declare_kind",
            {
                **fields,
                "kind": fields.pop("name"),
                "project_id": project_id,
                "actor": actor,
                "reason": reason,
                "contract": None if contract is None else json.dumps(contract.to_json()),
            },
        )
        return rows[0]

    async def list(
        self, project_id: str, after: str | None = None, limit: int = MAX_PAGE
    ) -> tuple[list[Row], str | None]:
        """Give a page of kinds by name, and the cursor of the next page (None at the end)."""
        arguments = {"project_id": project_id, "after": after, "limit": limit + 1}
        rows = await self._database.fetch("list_kinds", arguments)
        return rows[:limit], rows[limit - 1]["kind"] if len(rows) > limit else None

    async def set_kind_paused(
        self, project_id: str, kind: str, *, paused: bool, actor: str, reason: str
    ) -> None:
        """Pause or resume the claims of a kind; raise NotFound for an unknown one."""
        arguments = {
            "project_id": project_id,
            "kind": kind,
            "paused": paused,
            "actor": actor,
            "reason": reason,
        }
        if not await self._database.fetch("set_kind_paused", arguments):
            raise NotFound(f"there is no kind {kind!r} in this project")

    async def set_project_paused(self, project_id: str, *, paused: bool, actor: str, reason: str) -> None:
        """Pause or resume all claims of a project; raise NotFound for an unknown one."""
        arguments = {"project_id": project_id, "paused": paused, "actor": actor, "reason": reason}
        if not await self._database.fetch("set_project_paused", arguments):
            raise _no_project(project_id)

    async def set_switch(self, name: str, *, is_on: bool, actor: str, reason: str) -> None:
        """Turn all claims, or all actions, on or off; raise Conflict while a restored database stands still."""
        changed = {"name": name, "is_on": is_on, "actor": actor, "reason": reason}
        if not await self._database.fetch("set_switch", changed):
            raise Conflict(
                "the database was restored from a backup and stands still: both switches are off",
                hint="'watchkeeper db resume', on a machine that has the database, sets it in motion.",
            )


def _no_project(project_id: str) -> NotFound:
    return NotFound(f"there is no project {project_id!r}")


def _is_worked(project_id: str, living: Sequence[str]) -> Conflict:
    named = ", ".join(living[:MOST_NAMED]) + (", ..." if len(living) > MOST_NAMED else "")
    return Conflict(
        f"the project {project_id!r} has live workers: {named}",
        hint="Stop them first; --force (force=true) removes the project under them, and what they hold is lost.",
    )
