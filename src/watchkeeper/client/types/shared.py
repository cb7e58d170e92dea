"""Types: What several groups share.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Answer(TypedDict):
    ok: bool


class DecisionBody(TypedDict):
    """A rejection needs its reason."""

    reason: NotRequired[str | None]


class ReasonBody(TypedDict):
    reason: str
