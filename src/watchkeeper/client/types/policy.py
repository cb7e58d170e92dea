"""Types: How far each rule may go by itself.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Policy(TypedDict):
    digest: NotRequired[str | None]
    four_eyes: NotRequired[str | None]
    version: NotRequired[str | None]


class PolicyResetBreakerAnswer(TypedDict):
    ok: bool
    repairs: int


class PolicyRule(TypedDict):
    action: NotRequired[str | None]
    mode: NotRequired[str | None]
    rule: NotRequired[str | None]


class PolicyShowAnswer(TypedDict):
    breakers: list[Any]
    ok: bool
    policy: Policy
    rules: list[PolicyRule]
    switches: list[PolicySwitch]


class PolicySwitch(TypedDict):
    is_on: NotRequired[bool | None]
    name: NotRequired[str | None]


class ResetBody(TypedDict):
    """`waiting`."""

    pool: NotRequired[str]
    reason: str
    waiting: Literal["run", "drop"]
