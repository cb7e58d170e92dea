"""The tenants.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.projects import Project, ProjectBody, ProjectsListAnswer, ProjectsMakeAnswer
from watchkeeper.client.types.shared import Answer, ReasonBody


class ProjectsListSaid(TypedDict, total=False):
    limit: int
    cursor: str | None
    project: str


class ProjectsMakeSaid(ProjectBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ProjectsDeleteSaid(TypedDict, total=False):
    reason: str
    force: bool
    project: str
    idempotency_key: str
    dry_run: bool


class ProjectsPauseSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ProjectsResumeSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/projects", ("limit", "cursor"))

_MAKE = Operation("POST", "/api/projects", (), takes_key=True)

_DELETE = Operation("DELETE", "/api/projects/{project_id}", ("reason", "force"), takes_key=True)

_PAUSE = Operation("POST", "/api/projects/{project_id}/pause", (), takes_key=True)

_RESUME = Operation("POST", "/api/projects/{project_id}/resume", (), takes_key=True)


class ProjectsGroup(Group):
    """The tenants."""

    def list(self, **said: Unpack[ProjectsListSaid]) -> ProjectsListAnswer:
        """List the projects that the token sees by name, with their jobs by state."""
        return cast("ProjectsListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[ProjectsListSaid]) -> Iterator[Project]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "projects")

    def make(self, **said: Unpack[ProjectsMakeSaid]) -> ProjectsMakeAnswer:
        """Make a project where there is none of that name."""
        return cast("ProjectsMakeAnswer", self._connection.json(_MAKE, {}, said))

    def delete(self, project_id: str, **said: Unpack[ProjectsDeleteSaid]) -> Answer:
        """Remove a project's rows for good."""
        return cast("Answer", self._connection.json(_DELETE, {"project_id": project_id}, said))

    def pause(self, project_id: str, **said: Unpack[ProjectsPauseSaid]) -> Answer:
        """Let nobody claim jobs of a project."""
        return cast("Answer", self._connection.json(_PAUSE, {"project_id": project_id}, said))

    def resume(self, project_id: str, **said: Unpack[ProjectsResumeSaid]) -> Answer:
        """Let jobs of a project be claimed again."""
        return cast("Answer", self._connection.json(_RESUME, {"project_id": project_id}, said))
