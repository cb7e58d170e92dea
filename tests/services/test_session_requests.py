"""What the server asks of a supervisor's sessions: each request once, to the attempt that it means, and no other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchkeeper.agents.sweep import SweepReport
from watchkeeper.services.supervision.seams import Unrecorded
from watchkeeper.services.supervision.session_requests import SessionRequests, left_of


@dataclass
class Held:
    """An attempt that notes how it was asked."""

    id: str
    epoch: int
    asked: list[tuple[bool, str | None]] = field(default_factory=list)

    def asked_to_interrupt(self, *, insists: bool, reason: str | None) -> None:
        self.asked.append((insists, reason))


def request(number: int, **said: Any) -> dict[str, Any]:
    wanted = {"repair": f"r{number}", "job": "j", "epoch": 2, "session": 1, "action": "interrupt_session"}
    return {**wanted, "insists": False, **said}


async def test_a_request_is_taken_once_by_the_attempt_that_it_means(tmp_path: Path) -> None:
    """It comes again with every answer; another epoch's, another job's and one that is over are left alone."""
    requests = SessionRequests([tmp_path], Unrecorded())
    held, other = Held("j", 2), Held("j", 1)
    asked = [
        request(1),
        request(2, insists=True, reason="wrong way"),
        request(3, epoch=3),
        request(4, job="k"),
    ]
    for _ in range(3):
        requests.take(asked, [other, held])
    insisted = (True, "wrong way")
    assert (held.asked, other.asked) == ([(False, None), insisted], [])
    requests.take([request(5, action="sweep_session")], [held])
    requests.take([request(6, action="sweep_session", epoch=9)], [held])
    assert held.asked == [(False, None), insisted], "a sweep of what runs comes after its end"
    await asyncio.sleep(0)


def test_shared_daemons_are_not_left_by_a_session() -> None:
    """What did not end and what nobody could prove is left; a daemon of the configured list is meant to stay."""
    ours = {"pid": 1, "start_ticks": 5, "name": "stuck", "why": "descendant"}
    theirs = {"pid": 2, "start_ticks": 5, "name": "chrome", "why": "another user"}
    daemon = {"pid": 3, "start_ticks": 5, "name": "ssh-agent", "why": "shared daemon"}
    report = SweepReport(gone=False, left=(ours,), reported=(theirs, daemon))
    assert [(one["pid"], one["command"]) for one in left_of(report)] == [(1, "stuck"), (2, "chrome")]
