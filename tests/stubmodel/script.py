"""What the model says: steps in their order, and the fault that befalls its server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Shell:
    """A command in the agent's shell."""

    command: str


@dataclass(frozen=True)
class Contract:
    """A tool of the MCP server `watchkeeper`."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


Call = Shell | Contract
Step = str | Call
"""A final answer, or a call."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong. Seconds, and numbers of events of the stream.

    `at` befalls that step only, `times` so many requests only; without either every one.
    """

    status: int | None = None
    code: str = "server_error"
    message: str = "the script says so"
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    refusal: Mapping[str, str] | None = None
    hang: bool = False
    hang_after: int | None = None
    cut_after: int | None = None
    drip: float | None = None
    keepalive: float | None = None
    at: int | None = None
    times: int | None = None

    def befalls(self, step: int, seen: int) -> bool:
        return (self.at is None or step == self.at) and (self.times is None or seen <= self.times)


@dataclass(frozen=True)
class Script:
    """One scenario. Steps go on over all turns of a conversation; the last one is repeated, if it is `endless`."""

    steps: Sequence[Step]
    fault: Fault | None = None
    endless: bool = False

    def step(self, number: int) -> Step:
        """Give what follows after so many answers and results; more than there are is an answer of nothing left."""
        if number < len(self.steps):
            return self.steps[number]
        return self.steps[-1] if self.endless else "Nothing is left to do."


TOO_LONG = {
    "code": "context_length_exceeded",
    "message": "Your input exceeds the context window of this model.",
}
USED_UP = {"code": "insufficient_quota", "message": "You exceeded your current quota."}
