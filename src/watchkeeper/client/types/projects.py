"""Types: The tenants.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Project(TypedDict):
    project_id: NotRequired[str | None]
    running: NotRequired[int | None]


class ProjectBody(TypedDict):
    project_id: str
    reason: NotRequired[str | None]
    title: NotRequired[str]


class ProjectsListAnswer(TypedDict):
    next_cursor: Any
    ok: bool
    projects: list[Project]


class ProjectsMakeAnswer(TypedDict):
    created: bool
    ok: bool
    project_id: str
