"""A job of some seconds that tells how far it is, and stops by itself when it has lost its lease."""

from __future__ import annotations

import os
import subprocess
import time

from .page import finish, payload, table

STEP_SECONDS = 0.5


def survey() -> None:
    """Take soundings one by one; exit at once when another worker holds the job by now."""
    steps = int(payload()["steps"])
    attempt = os.environ["WATCHKEEPER_ATTEMPT"]
    rows = []
    for number in range(1, steps + 1):
        time.sleep(STEP_SECONDS)
        rows.append([str(number), f"{(number * 37) % 23 + 4} m"])
        if number % 4 == 0:
            _tell(f"{number} of {steps} soundings")
    note = f"<p>Taken in one go at attempt {attempt}; what an earlier worker had begun was thrown away.</p>"
    finish("Soundings", table(["place", "depth"], rows) + note, f"{steps} soundings at attempt {attempt}")


def _tell(message: str) -> None:
    command = ["watchkeeper", "progress", os.environ["WATCHKEEPER_JOB_ID"], message, "building_artifact"]
    told = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    if told.returncode == 3:
        raise SystemExit("the lease is lost: somebody else does this job now")
