"""Types: Life, readiness, metrics, and the stream of changes.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class SystemCheck(TypedDict):
    detail: NotRequired[str | None]
    name: NotRequired[str | None]
    ok: NotRequired[bool | None]


class SystemHealthzAnswer(TypedDict):
    ok: bool
    version: str


class SystemReadyzAnswer(TypedDict):
    checks: list[SystemCheck]
    ok: bool
