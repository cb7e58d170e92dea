"""Read-only links to a page.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.shared import Answer
from watchkeeper.client.types.shares import ShareBody, SharesListAnswer, SharesMakeAnswer


class SharesListSaid(TypedDict, total=False):
    project: str


class SharesMakeSaid(ShareBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class SharesRevokeSaid(TypedDict, total=False):
    reason: str
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/shares")

_MAKE = Operation("POST", "/api/shares", (), takes_key=True)

_REVOKE = Operation("DELETE", "/api/shares/{share_id}", ("reason",), takes_key=True)


class SharesGroup(Group):
    """Read-only links to a page."""

    def list(self, **said: Unpack[SharesListSaid]) -> SharesListAnswer:
        """List a project's read-only links, the newest first, never their tokens."""
        return cast("SharesListAnswer", self._connection.json(_LIST, {}, said))

    def make(self, **said: Unpack[SharesMakeSaid]) -> SharesMakeAnswer:
        """Make a link that shows one page without a login."""
        return cast("SharesMakeAnswer", self._connection.json(_MAKE, {}, said))

    def revoke(self, share_id: str, **said: Unpack[SharesRevokeSaid]) -> Answer:
        """End a link at once."""
        return cast("Answer", self._connection.json(_REVOKE, {"share_id": share_id}, said))
