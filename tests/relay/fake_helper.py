"""A family of fake helpers, each a real executable written from this one script and its own plan.

The plan (JSON beside the executable) gives for each command a list of acts, one for each time it is run; the last one
repeats. What was run, with its arguments, stands in `calls.jsonl`.
"""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = """#!{python} -IS
import fcntl, json, os, signal, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
command, arguments = sys.argv[1], sys.argv[2:]
with open(HERE + "/calls.jsonl", "a+") as calls:
    fcntl.flock(calls, fcntl.LOCK_EX)
    calls.seek(0)
    number = sum(json.loads(line)["command"] == command for line in calls)
    calls.write(json.dumps({{"command": command, "arguments": arguments}}) + "\\n")
acts = json.load(open(HERE + "/plan.json")).get(command) or [{{"print": {{"ok": True}}}}]
act = acts[min(number, len(acts) - 1)]
if act.get("ignores_sigterm"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "on_sigterm" in act:
    def last_words(*_):
        print(json.dumps(act["on_sigterm"]), flush=True)
        os._exit(0)
    signal.signal(signal.SIGTERM, last_words)
if "child" in act and os.fork() == 0:
    os.setsid()
    os.execvp("sleep", ["sleep", act["child"]])
for part in [act.get("before"), act.get("print"), act.get("and")]:
    if part is not None:
        print(part if isinstance(part, str) else json.dumps(part), flush=True)
if "stderr" in act:
    print(act["stderr"], file=sys.stderr, flush=True)
if "sleep" in act:
    time.sleep(act["sleep"])
if "later" in act:
    time.sleep(act.get("after", 0))
    print(json.dumps(act["later"]), flush=True)
sys.exit(act.get("exit", 0))
"""

FETCH_FAILED = {"print": {"ok": False, "error": {"message": "TypeError: fetch failed"}}, "exit": 1}
SILENT = {"sleep": 60}


@dataclass
class FakeHelper:
    """One helper in a directory of its own."""

    directory: Path

    @classmethod
    def make(cls, directory: Path, plan: dict[str, list[Any]]) -> FakeHelper:
        directory.mkdir(parents=True)
        program = directory / "helper"
        program.write_text(SCRIPT.format(python=sys.executable))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        (directory / "plan.json").write_text(json.dumps(plan))
        return cls(directory)

    @property
    def words(self) -> str:
        return str(self.directory / "helper")

    @property
    def calls(self) -> list[tuple[str, list[str]]]:
        path = self.directory / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(call["command"], call["arguments"]) for call in map(json.loads, lines)]

    @property
    def commands(self) -> list[str]:
        return [command for command, _ in self.calls]

    def arguments(self, command: str) -> list[list[str]]:
        return [arguments for called, arguments in self.calls if called == command]
