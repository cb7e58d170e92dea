"""What an agent says is followed as it says it, whatever the agent does to its output afterwards."""

from __future__ import annotations

import json

from e2e.work_agent.desk import Desk
from waiting import wait_until

CUTTING = """
import os, pathlib, threading
os.write(1, b"said at first\\n" * 1000)
while not pathlib.Path({go!r}).exists():
    threading.Event().wait(0.02)
os.ftruncate(1, 0)
os.write(1, b"something else, said after the cut\\n")
"""


def test_an_agent_that_cuts_its_output_is_found_out_and_heard_further(desk: Desk) -> None:
    """What was said stays in the redacted copy, a line and the timeline tell of the cut, and the rest is there."""
    worker = desk.worker()
    script, go = desk.place / "out" / "cut.py", desk.place / "out" / "go"
    script.write_text(CUTTING.format(go=str(go)))
    job = desk.put(f"python3 {script}")

    def copied() -> str:
        return "".join(path.read_text() for path in desk.place.glob("home/sessions/*/*/stdout.redacted"))

    wait_until(lambda: copied().count("said at first\n") == 1000, 20, "what was said at first to be copied")
    go.touch()
    desk.wait_for(job, "completed")
    rest = copied().replace("said at first\n", "").splitlines()
    assert rest == [
        "[the output was cut here: 14000 bytes were read, 35 are there now]",
        "something else, said after the cut",
    ]
    timeline = json.dumps(desk.ask("GET", f"/api/jobs/{job}/timeline"))
    assert '"output_cut": ["stdout"]' in timeline
    (told,) = worker.events("output_cut")
    assert told["file"].endswith("/stdout")
