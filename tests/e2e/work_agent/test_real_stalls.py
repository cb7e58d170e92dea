"""Codex when its model falls silent and its supervisor dies."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from e2e.work_agent.real_work import HAND_IN, WRITE_PAGE, RealWork, agents_of
from stubmodel.script import Fault, Script
from waiting import wait_until

LONG_AGO = 7200.0


def age(place: Path) -> None:
    """Let all that was written below a place have been written long ago."""
    then = time.time() - LONG_AGO
    for path in place.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with suppress(FileNotFoundError):  # the agent has taken it away
                os.utime(path, (then, then))


def test_a_stall_goes_on_over_its_supervisors_death(real: RealWork) -> None:
    """The model falls silent, the supervisor is killed, and two come back to its place: one adopts the agent, counts
    its silence from its last word, hours ago, and ends it at once; its thread is resumed, the job is completed once.
    """
    script = Script([WRITE_PAGE, HAND_IN, "The page is there."], Fault(hang=True, times=1))
    address = real.model.serve(script)
    first = real.worker("codex", script, address=address)
    job = real.put()
    wait_until(lambda: real.model.asked_of(address), 60, "the agent's question")
    (thread,) = real.desk.place.glob("home*/sessions/*/*/thread.json")
    wait_until(lambda: '"thread": null' not in thread.read_text(), 60, "its first word")
    first.kill()
    age(real.desk.place)
    again = [real.worker("codex", script, address=address) for _ in range(2)]
    done = real.over(job)
    assert (done["state"], done["verified"], len(done["attempts"])) == ("completed", "artifact", 1)
    (adopter,) = [one for one in again if one.events("agent_session_adopted")]
    assert [(one["failure"], one["fresh"]) for one in adopter.events("session_begun_again")] == [
        ("F02", False)
    ]
    assert len(agents_of(real.desk)) == 2
