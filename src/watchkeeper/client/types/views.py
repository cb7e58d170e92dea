"""Types: Pages with their filters, kept under a name.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class View(TypedDict):
    address: NotRequired[str | None]
    id: NotRequired[str | None]
    name: NotRequired[str | None]
    of_project: NotRequired[bool | None]
    saved_by: NotRequired[str | None]


class ViewBody(TypedDict):
    """A page with its filters."""

    address: str
    name: str
    of_project: NotRequired[bool]
    reason: NotRequired[str | None]


class ViewsListAnswer(TypedDict):
    ok: bool
    views: list[View]


class ViewsSaveAnswer(TypedDict):
    ok: bool
    view: View
