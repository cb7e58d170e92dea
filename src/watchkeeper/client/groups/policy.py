"""How far each rule may go by itself.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.policy import PolicyResetBreakerAnswer, PolicyShowAnswer, ResetBody


class PolicyShowSaid(TypedDict, total=False):
    project: str


class PolicyResetBreakerSaid(ResetBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_SHOW = Operation("GET", "/api/policy")

_RESET_BREAKER = Operation("POST", "/api/policy/breakers/{rule}/reset", (), takes_key=True)


class PolicyGroup(Group):
    """How far each rule may go by itself."""

    def show(self, **said: Unpack[PolicyShowSaid]) -> PolicyShowAnswer:
        """Show the policy in force."""
        return cast("PolicyShowAnswer", self._connection.json(_SHOW, {}, said))

    def reset_breaker(self, rule: str, **said: Unpack[PolicyResetBreakerSaid]) -> PolicyResetBreakerAnswer:
        """Let a rule act in a pool again."""
        return cast("PolicyResetBreakerAnswer", self._connection.json(_RESET_BREAKER, {"rule": rule}, said))
