"""Pages with their filters, kept under a name.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.shared import Answer
from watchkeeper.client.types.views import ViewBody, ViewsListAnswer, ViewsSaveAnswer


class ViewsListSaid(TypedDict, total=False):
    project: str


class ViewsSaveSaid(ViewBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ViewsRemoveSaid(TypedDict, total=False):
    reason: str
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/views")

_SAVE = Operation("POST", "/api/views", (), takes_key=True)

_REMOVE = Operation("DELETE", "/api/views/{view_id}", ("reason",), takes_key=True)


class ViewsGroup(Group):
    """Pages with their filters, kept under a name."""

    def list(self, **said: Unpack[ViewsListSaid]) -> ViewsListAnswer:
        """List the views that you saved in a project."""
        return cast("ViewsListAnswer", self._connection.json(_LIST, {}, said))

    def save(self, **said: Unpack[ViewsSaveSaid]) -> ViewsSaveAnswer:
        """Keep a page with its filters under a name."""
        return cast("ViewsSaveAnswer", self._connection.json(_SAVE, {}, said))

    def remove(self, view_id: str, **said: Unpack[ViewsRemoveSaid]) -> Answer:
        """Remove a view of your own, or of the project."""
        return cast("Answer", self._connection.json(_REMOVE, {"view_id": view_id}, said))
