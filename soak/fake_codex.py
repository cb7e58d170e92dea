"""A scripted Codex for the crowd: it works in steps that outlive its death, leaves a process, and ends its own job."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from uuid import uuid4

STEPS = 8
STEP_SECONDS = 1.0


def say(kind: str, **fields: object) -> None:
    print(json.dumps({"type": kind, **fields}), flush=True)


def complete() -> None:
    job = os.environ["WATCHKEEPER_JOB_ID"]
    request = urllib.request.Request(
        f"{os.environ['WATCHKEEPER_URL']}/api/worker/jobs/{job}/complete",
        json.dumps({"summary": "done", "artifacts": []}).encode(),
        {"Authorization": f"Bearer {os.environ['WATCHKEEPER_TOKEN']}", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=60).read()


def main() -> None:
    if "--version" in sys.argv:
        print("codex-cli 0.169.0")
        return
    diary, job = Path(os.environ["CROWD_DIARY"]), os.environ["WATCHKEEPER_JOB_ID"]
    resumed = sys.argv[sys.argv.index("resume") + 1] if "resume" in sys.argv else None
    (diary / f"pid-{os.getpid()}").write_text(job)
    subprocess.Popen(["sleep", "3600"], start_new_session=True)
    say("thread.started", thread_id=resumed or str(uuid4()))
    say("turn.started")
    steps = Path("steps")
    while (done := len(steps.read_text()) if steps.exists() else 0) < STEPS:
        item = {"id": f"item_{done}", "type": "command_execution", "command": f"step {done}"}
        say("item.started", item=item | {"status": "in_progress"})
        time.sleep(STEP_SECONDS)
        with steps.open("a") as file:
            file.write("x")
        say(
            "item.completed",
            item=item | {"status": "completed", "exit_code": 0, "aggregated_output": f"{done}"},
        )
    with (diary / f"done-{job}").open("a") as file:
        file.write("x")
    complete()
    say("item.completed", item={"id": "last", "type": "agent_message", "text": "Done."})
    say("turn.completed", usage={"input_tokens": 10, "output_tokens": 1})


if __name__ == "__main__":
    main()
