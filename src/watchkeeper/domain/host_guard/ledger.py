"""What the server says of attempts: which live, and when the others ended; the proof that a guess cannot give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from watchkeeper.domain.host_guard.seen import Attempt, Key, Scan, Seen

STALE_SECONDS = 120.0
"""A ledger that is older says nothing: the server that writes it is away."""


class Standing(NamedTuple):
    """One attempt: it lives, or it ended at that Unix time."""

    is_live: bool
    ended_at: float | None = None


class Spawned(NamedTuple):
    """A process as it was recorded when its session began."""

    boot_id: str
    pid_ns: str
    key: Key


@dataclass(frozen=True, slots=True)
class Ledger:
    """`at` is Unix time."""

    at: float
    attempts: Mapping[Attempt, Standing] = field(default_factory=dict)
    spawned: Mapping[Spawned, Attempt] = field(default_factory=dict)
    alerts: Mapping[str, int] = field(default_factory=dict)
    authorized: int = 0

    def is_stale(self, now: float) -> bool:
        return not -STALE_SECONDS <= now - self.at <= STALE_SECONDS

    def recorded(self, scan: Scan, process: Seen) -> Attempt | None:
        """Give the attempt whose session this very process was started for."""
        return self.spawned.get(Spawned(scan.boot_id, scan.pid_ns, process.key))

    def to_json(self) -> dict[str, Any]:
        return {
            "version": 1,
            "at": self.at,
            "attempts": [[*_told(attempt), *standing] for attempt, standing in self.attempts.items()],
            "spawned": [
                [one.boot_id, one.pid_ns, *one.key, *_told(attempt)] for one, attempt in self.spawned.items()
            ],
            "alerts": dict(self.alerts),
            "authorized": self.authorized,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ledger:
        """Read what `to_json` gave; raise KeyError, TypeError or ValueError for anything else."""
        if data["version"] != 1:
            raise ValueError(f"a ledger of version {data['version']!r}")
        return cls(
            float(data["at"]),
            {
                Attempt(str(project), UUID(job), int(number)): Standing(
                    bool(live), None if ended is None else float(ended)
                )
                for project, job, number, live, ended in data["attempts"]
            },
            {
                Spawned(str(boot), str(ns), Key(int(pid), int(ticks))): Attempt(
                    str(project), UUID(job), int(number)
                )
                for boot, ns, pid, ticks, project, job, number in data["spawned"]
            },
            {str(lane): int(count) for lane, count in data["alerts"].items()},
            int(data["authorized"]),
        )


def _told(attempt: Attempt) -> tuple[str, str, int]:
    return attempt.project, str(attempt.job), attempt.number
