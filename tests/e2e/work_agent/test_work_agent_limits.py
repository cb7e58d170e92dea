"""What sessions may take of their machine, held by a look at their processes where no controller does it."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.work_agent.desk import Desk
from e2e.work_agent.turns import AGENT, put_turns
from watchkeeper.agents import scope

HOG = "python3 -c 'import time; held = bytearray(200 << 20); time.sleep(600)' {nonce}"
MANY = "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep {nonce} & done; wait"
BOUNDS: dict[str, Any] = {"limits": {"memory_bytes": 100 << 20, "processes": 10}, "sample_seconds": 0.3}


def test_a_limit_that_the_kernel_does_not_hold_bites_all_the_same(desk: Desk, nonce: str) -> None:
    """Too much memory, too many processes, by a plain command and in a tool of an agent: ended, and a person's with
    what was used. Who keeps within the limits is left alone, and nothing is left.
    """
    made, held = scope.make(desk.place, "probe", scope.Limits(**BOUNDS["limits"]))
    if made is not None:
        made.remove()
    if held:
        pytest.skip(f"the kernel holds {', '.join(held)} here")
    desk.kind("agents")
    desk.worker(**BOUNDS, slots=3, kinds=["plain"])
    desk.worker("home-agents", **AGENT, **BOUNDS, kinds=["agents"])
    hog, many = (desk.put(script.format(nonce=nonce)) for script in (HOG, MANY))
    modest = desk.put("python3 -c 'import time; held = bytearray(20 << 20); time.sleep(1)'")
    turn = [("run", HOG.format(nonce=nonce)), ("done", 10)]
    spoken = put_turns(desk, turn, kind="agents")
    for job, word in ((hog, "memory"), (many, "processes"), (spoken, "memory")):
        stuck = desk.wait_for(job, "stuck", "failed", "completed", timeout=40)
        assert (stuck["state"], stuck["state_reason"]) == ("stuck", "budget"), word
        (attempt,) = stuck["attempts"]
        assert word in attempt["error"], attempt["error"]
    assert desk.wait_for(modest, "completed", "stuck")["state"] == "completed"
