"""Types: Bearer tokens: made, listed, rotated, revoked.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class RotationBody(TypedDict):
    """`overlap_seconds`."""

    overlap_seconds: NotRequired[float]
    reason: str


class Token(TypedDict):
    id: NotRequired[str | None]
    name: NotRequired[str | None]
    old_ends_at: NotRequired[str | None]
    principal: NotRequired[str | None]
    replaces: NotRequired[str | None]
    role: NotRequired[str | None]
    secret: NotRequired[str | None]


class TokenBody(TypedDict):
    """`project_id` null makes a token of the whole installation."""

    kind: NotRequired[Literal["person", "service", "agent"] | None]
    lifetime_seconds: NotRequired[float | None]
    name: str
    project_id: NotRequired[str | None]
    reason: NotRequired[str | None]
    role: Literal["viewer", "worker", "supervisor", "owner"]


class TokensListAnswer(TypedDict):
    next_cursor: Any
    ok: bool
    tokens: list[Token]


class TokensMakeAnswer(TypedDict):
    ok: bool
    token: Token


class TokensRotateAnswer(TypedDict):
    ok: bool
    own: bool
    token: Token
