"""A scripted helper for drills: `python -m watchkeeper.example.helper DIRECTORY COMMAND ARGS...`.

`plan.json` in the directory gives, for each command of the contract, what it does each time it is run; the last one
repeats. What was run stands in `calls.jsonl`. `publish` copies files to `site` and prints their addresses.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

HEALTHY: dict[str, dict[str, Any]] = {
    "doctor": {"print": {"ok": True, "token_present": True, "touch": {"ok": True}}},
    "touch": {"print": {"ok": True, "touched": True}},
    "progress": {"print": {"ok": True, "status": "running"}},
    "complete": {"print": {"ok": True, "status": "completed"}},
}


def main() -> int:
    """Act as the plan says, and give the exit code."""
    here, command, arguments = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if command == "publish":
        return _publish(here, arguments)
    calls = here / "calls.jsonl"
    before = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
    number = sum(json.loads(line)["command"] == command for line in before)
    with calls.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"command": command, "arguments": arguments}) + "\n")
    plan = json.loads((here / "plan.json").read_text(encoding="utf-8"))
    acts = plan.get(command) or [HEALTHY.get(command, {"print": {"ok": True}})]
    act = acts[min(number, len(acts) - 1)]
    time.sleep(act.get("sleep", 0))
    if "print" in act:
        sys.stdout.write(json.dumps(act["print"]) + "\n")
    return int(act.get("exit", 0))


def _publish(here: Path, paths: list[str]) -> int:
    site = here / "site"
    address = (here / "address").read_text(encoding="utf-8")
    artifacts = []
    for path in paths:
        shutil.copyfile(path, site / Path(path).name)
        artifacts.append({"name": Path(path).name, "url": f"{address}/{Path(path).name}"})
    sys.stdout.write(json.dumps({"ok": True, "artifacts": artifacts}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
