"""Saved views: a page of the console with its filters, kept under a name by a person, or by all of a project."""

from __future__ import annotations

from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound
from watchkeeper.domain.page_addresses import PageAddress
from watchkeeper.domain.principals import Principal, Right
from watchkeeper.domain.redaction import Redactor
from watchkeeper.storage.database import Database, Row, fetch, fetch_row

MOST_VIEWS = 100
"""A person's in one project, and a project's own."""


class SavedViews:
    """The views of one database."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    async def list(self, project_id: str, principal: Principal) -> list[Row]:
        """Give the project's views and the principal's own."""
        asked = {"project_id": project_id, "principal_id": principal.id}
        return await self._database.fetch("list_saved_views", asked)

    async def save(
        self,
        project_id: str,
        principal: Principal,
        name: str,
        address: PageAddress,
        *,
        of_project: bool,
        reason: str | None = None,
    ) -> Row:
        """Keep a view, in the place of one of that name.

        Raises Conflict over MOST_VIEWS, and PermissionDenied for a project's view by who may not operate it.
        """
        if of_project:
            principal.demand(Right.OPERATE)
        self._redactor.refuse_in_name("'name'", name)
        place = {"project_id": project_id, "owner": None if of_project else principal.id}
        kept = {"name": name, "address": self._redactor.kept(str(address))}
        who = {"actor": principal.actor, "reason": self._redactor.kept_if_any(reason)}
        async with self._database.transaction() as connection:
            saved = await fetch_row(connection, "save_view", {**place, **kept, **who})
            if (await fetch_row(connection, "count_saved_views", place))["count"] > MOST_VIEWS:
                raise Conflict(f"there are {MOST_VIEWS} views already", hint="Remove one that is not used.")
        return saved

    async def remove(self, project_id: str, principal: Principal, view_id: UUID, *, reason: str) -> None:
        """Remove a view; raise NotFound, and PermissionDenied where it is the project's and they may not operate it."""
        place = {"project_id": project_id, "id": view_id}
        async with self._database.transaction() as connection:
            found = await fetch(connection, "find_saved_view", {**place, "principal_id": principal.id})
            if found and found[0]["of_project"]:
                principal.demand(Right.OPERATE)
            why = {"actor": principal.actor, "reason": self._redactor.kept(reason)}
            if not found or not await fetch(connection, "remove_view", {**place, **why}):
                raise NotFound("there is no such view here")
