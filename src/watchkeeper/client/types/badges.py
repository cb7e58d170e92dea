"""Types: The state as a small picture.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class BadgesBadges(TypedDict):
    state: NotRequired[str | None]


class BadgesListAnswer(TypedDict):
    badges: BadgesBadges
    ok: bool


class BadgesRenewAnswer(TypedDict):
    badges: dict[str, Any]
    ok: bool
