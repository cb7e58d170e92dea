"""What an attempt knows of its agent's thread, kept on disk so that whoever goes on with the job can resume it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from watchkeeper.domain.sessions.events import Began, Spent
from watchkeeper.domain.sessions.facts import SessionFact


@dataclass
class Conversation:
    """One job's thread on this machine, over all turns, supervisors and attempts that had it.

    `tokens` and `cost` (US dollars) are of this thread, `tokens_before` and `cost_before` of those that it took the
    place of. `restarts` counts the times that the agent was started again because something went wrong, `rounds` the
    turns that the gate asked for in this attempt. A thread that is `unsafe` is not resumed; its workspace is. `recent`
    are digests of the tool calls with which the turn before this one ended: a loop goes on over turns.
    """

    agent: str
    thread: str | None = None
    version: str | None = None
    tokens: int = 0
    cost: float | None = None
    tokens_before: int = 0
    cost_before: float = 0.0
    restarts: int = 0
    rounds: int = 0
    unsafe: bool = False
    failures: list[str] = field(default_factory=list)
    recent: list[list[Any]] = field(default_factory=list)

    @classmethod
    def from_record(cls, record: dict[str, Any], agent: str) -> Self:
        """Read one back; a record of another agent's thread is of no use to this one."""
        known = {one.name for one in fields(cls)}
        if record.get("agent") != agent:
            return cls(agent)
        return cls(**{name: value for name, value in record.items() if name in known})

    def record(self) -> dict[str, Any]:
        return asdict(self)

    def take_over(self, former: Self) -> None:
        """Go on with a former attempt's thread; the gate's rounds begin anew."""
        for one in fields(self):
            setattr(self, one.name, getattr(former, one.name))
        self.rounds = 0

    @property
    def resumes(self) -> str | None:
        """Give the thread to resume, None where a fresh one must be begun."""
        return None if self.unsafe else self.thread

    @property
    def all_tokens(self) -> int:
        return self.tokens_before + self.tokens

    @property
    def all_cost(self) -> float:
        return self.cost_before + (self.cost or 0.0)

    def take(self, fact: SessionFact) -> bool:
        """Take in what concerns the thread as a whole; say whether it is to be kept on disk at once."""
        match fact:
            case Began(thread=thread, version=version):
                changed = thread is not None and thread != self.thread
                self.thread = thread or self.thread
                self.version = version or self.version
                return changed
            case Spent(tokens=tokens, cost=cost):
                # A turn that was killed is missing from the agent's own later totals: what was told once stays.
                self.tokens = max(self.tokens, tokens)
                self.cost = (
                    cost if self.cost is None or (cost is not None and cost > self.cost) else self.cost
                )
        return False

    def abandon(self) -> None:
        """Begin anew: what the thread has used stays on the job's account."""
        self.tokens_before, self.cost_before = self.all_tokens, self.all_cost
        self.thread, self.tokens, self.cost, self.unsafe, self.recent = None, 0, None, False, []
