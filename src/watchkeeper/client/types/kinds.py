"""Types: What each kind of job declares, and pausing it.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Kind(TypedDict):
    kind: NotRequired[str | None]
    name: NotRequired[str | None]
    on_lost: NotRequired[str | None]


class KindsDeclareAnswer(TypedDict):
    kind: Kind
    ok: bool


class KindsListAnswer(TypedDict):
    kinds: list[Kind]
    next_cursor: Any
    ok: bool
