"""Types: The console's sessions and invitations to it.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class LinkBody(TypedDict):
    """`project_id` null is for the whole installation."""

    channel: NotRequired[str | None]
    hours: NotRequired[float]
    name: str
    project_id: NotRequired[str | None]
    reason: NotRequired[str | None]
    role: Literal["viewer", "supervisor", "owner"]


class LoginsInviteAnswer(TypedDict):
    link: LoginsLink
    ok: bool


class LoginsLink(TypedDict):
    expires_at: NotRequired[str | None]
    principal: NotRequired[str | None]
    role: NotRequired[str | None]
    secret: NotRequired[str | None]
    token_id: NotRequired[str | None]


class LoginsSession(TypedDict):
    id: NotRequired[str | None]
    is_this: NotRequired[bool | None]
    last_seen_at: NotRequired[str | None]
    project_id: NotRequired[str | None]
    role: NotRequired[str | None]


class LoginsSessionsAnswer(TypedDict):
    ok: bool
    sessions: list[LoginsSession]
