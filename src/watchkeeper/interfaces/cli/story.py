"""The example as a story: from what the audit trail says of ten jobs to lines that a newcomer can follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from watchkeeper.domain.jobs import TERMINAL, JobState

WIDTH = 14
SHOWN_REASON = 160
HELD = {JobState.STUCK, JobState.PAUSED}

Tell = Callable[[str, str | None], None]
"""Takes a line and its colour."""


class Story:
    """Tells each step of the jobs that it knows, once, and what it came to in the end."""

    def __init__(self, names: Mapping[int, str], tell: Tell) -> None:
        self._names = names
        self._tell = tell
        self._seen: set[int] = set()
        self._states: dict[int, JobState] = dict.fromkeys(names, JobState.PENDING)
        self._rescued: set[int] = set()
        self._retried: set[int] = set()
        self._unverified: set[int] = set()

    @property
    def is_over(self) -> bool:
        return all(state in TERMINAL or state in HELD for state in self._states.values())

    def read(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Tell what is new in a project's newest audit rows, which come with the newest first."""
        for row in reversed(list(rows)):
            if row["seq"] not in self._seen and row["new_state"] and row["job_seq"] in self._names:
                self._seen.add(row["seq"])
                self._step(row)

    def end(self) -> None:
        """Tell what all of it came to."""
        counts = Counter(self._states.values())
        verified = counts[JobState.COMPLETED] - len(self._unverified)
        parts = [f"{verified} of {len(self._names)} completed with verified files"]
        if self._unverified:
            parts.append(f"{len(self._unverified)} completed, unverified")
        if counts[JobState.STUCK]:
            parts.append(f"{counts[JobState.STUCK]} blocked by the gate, for a person to decide")
        if self._rescued:
            parts.append(f"{len(self._rescued)} rescued")
        if self._retried:
            parts.append(f"{len(self._retried)} done at another attempt")
        self._tell("the example is through: " + ", ".join(parts), "good")

    def _step(self, row: Mapping[str, Any]) -> None:
        seq, state = row["job_seq"], JobState(row["new_state"])
        was, self._states[seq] = self._states[seq], state
        worker = str(row["actor"]).removeprefix("worker:")
        reason = " ".join(str(row["reason"] or "").split())[:SHOWN_REASON]
        match state:
            case JobState.RUNNING if was is not JobState.RUNNING:
                attempt = "" if row["epoch"] == 1 else f", attempt {row['epoch']}"
                self._say(seq, f"claimed by {worker}{attempt}")
            case JobState.COMPLETED if row["verified"] != "artifact":
                self._unverified.add(seq)
                self._say(seq, "completed, unverified: no evidence was asked for", "warning")
            case JobState.COMPLETED:
                self._say(seq, "verified and completed", "good")
            case JobState.STUCK:
                self._say(seq, f"BLOCKED: it said 'done', and {reason}", "bad")
            case JobState.PENDING if row["event"] in {"lease_reaped", "attempt_lost"}:
                self._rescued.add(seq)
                self._say(
                    seq,
                    "RESCUED: its worker is gone and its lease ran out; it can be claimed again",
                    "warning",
                )
            case JobState.PENDING if row["event"] == "attempt_failed":
                self._retried.add(seq)
                self._say(seq, f"failed, will be tried again: {reason}", "warning")
            case JobState.FAILED | JobState.CANCELLED | JobState.PAUSED:
                self._say(seq, f"{state}: {reason}", "bad")

    def _say(self, seq: int, text: str, colour: str | None = None) -> None:
        self._tell(f"{self._names[seq].ljust(WIDTH)}  {text}", colour)
