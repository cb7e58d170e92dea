"""What a heartbeat of a foreign helper leaves to the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.domain.heartbeat_steps import Command

MOST_HEARD = 100


@dataclass
class Memory:
    """What a heartbeat leaves to the next one, and one relayed command to the next.

    `retried` and `has_claimed` are of the present heartbeat. `failed_retries` counts by job. `stopped` says why
    nothing may be claimed; `stop_is_told` that our server knows, whose word then resumes it. `heard` are the repairs
    whose requests were taken in. `parked_until` (Unix time): the agent's provider serves it no sooner.
    """

    job: str | None = None
    has_claimed: bool = False
    retried: set[str] = field(default_factory=set)
    failed_retries: dict[str, int] = field(default_factory=dict)
    no_job_heartbeats: int = 0
    silent_heartbeats: int = 0
    stopped: str | None = None
    stop_is_told: bool = False
    heard: list[str] = field(default_factory=list)
    parked_until: float = 0.0

    def hears(self, repair: str) -> bool:
        """Say whether a repair's request is new, and remember it: each is told again until its effect is seen."""
        if repair in self.heard:
            return False
        self.heard = [*self.heard, repair][-MOST_HEARD:]
        return True

    def hear(self, is_stopped: bool, reason: str) -> None:
        """Take in the server's word on this worker."""
        if is_stopped:
            self.stopped, self.stop_is_told = self.stopped or reason, True
        elif self.stop_is_told:
            self.resume()

    def resume(self) -> None:
        """Go on after a stop: a person decided so."""
        self.stopped, self.stop_is_told, self.silent_heartbeats, self.parked_until = None, False, 0, 0.0

    def begin(self) -> None:
        """Begin a heartbeat."""
        self.retried = set()
        self.has_claimed = False

    def take_retry(self, command: Command) -> bool:
        """Say whether a command may be run once more in this heartbeat, and remember that it was."""
        if command in self.retried:
            return False
        self.retried.add(command)
        return True

    def count_failed_retry(self, job: str) -> int:
        self.failed_retries[job] = self.failed_retries.get(job, 0) + 1
        while len(self.failed_retries) > 100:
            self.failed_retries.pop(next(iter(self.failed_retries)))
        return self.failed_retries[job]

    def to_json(self) -> dict[str, Any]:
        return {
            "job": self.job,
            "has_claimed": self.has_claimed,
            "retried": sorted(self.retried),
            "failed_retries": self.failed_retries,
            "no_job_heartbeats": self.no_job_heartbeats,
            "silent_heartbeats": self.silent_heartbeats,
            "stopped": self.stopped,
            "stop_is_told": self.stop_is_told,
            "heard": self.heard,
            "parked_until": self.parked_until,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Memory:
        """Read what `to_json` gave; raises KeyError or TypeError for else."""
        return cls(
            job=kept["job"],
            has_claimed=bool(kept["has_claimed"]),
            retried=set(kept["retried"]),
            failed_retries=dict(kept["failed_retries"]),
            no_job_heartbeats=int(kept["no_job_heartbeats"]),
            silent_heartbeats=int(kept["silent_heartbeats"]),
            stopped=kept["stopped"],
            stop_is_told=bool(kept["stop_is_told"]),
            heard=list(kept.get("heard", ())),
            parked_until=float(kept.get("parked_until", 0.0)),
        )
