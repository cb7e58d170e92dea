"""Types: Read-only links to a page.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Share(TypedDict):
    address: NotRequired[str | None]
    expires_at: NotRequired[str | None]
    id: NotRequired[str | None]
    made_by: NotRequired[str | None]
    reason: NotRequired[str | None]
    secret: NotRequired[str | None]
    state: NotRequired[str | None]


class ShareBody(TypedDict):
    """The page that a link shows, for how long."""

    address: str
    days: NotRequired[float]
    reason: str


class SharesListAnswer(TypedDict):
    ok: bool
    shares: list[Share]


class SharesMakeAnswer(TypedDict):
    ok: bool
    share: Share
