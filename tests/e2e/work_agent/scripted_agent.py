"""A scripted agent: it says what the job's prompt tells it to, in the words of `codex exec --json`.

The task is JSON, a list of turns; each turn is a list of steps, done one after the other. A turn that was resumed takes
the next list, and the last one again when there are no more. What it was told, and whether it resumed, is put down in
its state. Run as a program it is the agent, and in a supervisor's process its adapter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

TASK_BEGINS, TASK_ENDS = "<script>", "</script>"
TOLD: dict[str, Any] = {}
"""What this run of it was told."""


class ScriptedAgent:
    """The adapter. The user of agents can enter `place`, and may start `program`, a Python."""

    converses = True
    login = "log in again"

    version = None
    measured = True

    def __init__(self, place: Path, program: str = "/usr/bin/python3", name: str = "codex") -> None:
        from watchkeeper.agents.codex import CodexStream

        self.name = name
        self._program = program
        self._script = place / "agent.py"
        self._script.write_text(Path(__file__).read_text())
        self._stream = CodexStream()

    def read(self, line: str) -> list[Any]:
        return self._stream.read(line)

    def read_error(self, line: str) -> list[Any]:
        return self._stream.read_error(line)

    def launch(self, turn: Any) -> Any:
        from watchkeeper.agents.adapter import Launch

        told = {"prompt": turn.prompt, "thread": turn.thread, "state": str(turn.state)}
        if turn.contract is not None:
            told["mcp"] = turn.contract.url
        return Launch([self._program, str(self._script)], stdin=json.dumps(told))

    def tally(self) -> None:
        return None

    def transcript(self, turn: Any, thread: str) -> Path:
        return Path(turn.state, f"{thread}.jsonl")


def say(kind: str, **fields: Any) -> None:
    print(json.dumps({"type": kind, **fields}), flush=True)


def item(number: int, kind: str, **fields: Any) -> None:
    say(kind, item={"id": f"item_{number}", **fields})


def run_command(number: int, command: str) -> None:
    item(number, "item.started", type="command_execution", command=command, aggregated_output="",
         exit_code=None, status="in_progress")  # fmt: skip
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    item(number, "item.completed", type="command_execution", command=command,
         aggregated_output=done.stdout + done.stderr, exit_code=done.returncode,
         status="completed" if done.returncode == 0 else "failed")  # fmt: skip


def wait_for_file(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.02)


def call_tool(number: int, call: list[Any]) -> None:
    """Call a tool of the contract's MCP server: its name and arguments; what it answered stands in calls.jsonl."""
    tool, arguments = call
    told = {"server": "watchkeeper", "tool": tool, "arguments": arguments}
    item(number, "item.started", type="mcp_tool_call", **told, status="in_progress")
    asked = {
        "jsonrpc": "2.0",
        "id": number,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }
    headers = {
        "Authorization": f"Bearer {os.environ['WATCHKEEPER_TOKEN']}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    request = urllib.request.Request(TOLD["mcp"], json.dumps(asked).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read().decode()
    lines = [line.removeprefix("data:") for line in text.splitlines() if line.startswith(("data:", "{"))]
    result = json.loads(lines[-1])["result"]
    with Path(TOLD["state"], "calls.jsonl").open("a") as calls:
        calls.write(result["content"][0]["text"] + "\n")
    item(number, "item.completed", type="mcp_tool_call", **told, result=result, status="completed")


def flood(number: int, path: str) -> None:
    line = json.dumps(
        {"type": "item.updated", "item": {"id": f"item_{number}", "type": "reasoning", "text": "x" * 99}}
    )
    while not Path(path).exists():
        sys.stdout.write(f"{line}\n" * 500)


STEPS: dict[str, Callable[[int, Any], object]] = {
    "run": run_command,
    "call": call_tool,
    "say": lambda number, text: item(number, "item.completed", type="agent_message", text=text),
    "error": lambda _, text: say("error", message=text),
    "raw": lambda _, text: print(text, flush=True),
    "raw_part": lambda _, text: print(text, end="", flush=True),
    "long": lambda number, megabytes: item(
        number, "item.updated", type="reasoning", text="x" * (megabytes * 2**20)
    ),
    "flood": flood,
    "stderr": lambda _, text: print(text, file=sys.stderr, flush=True),
    "spent": lambda _, tokens: say("turn.completed", usage={"input_tokens": tokens, "output_tokens": 0}),
    "done": lambda _, tokens: say("turn.completed", usage={"input_tokens": tokens, "output_tokens": 1}),
    "failed": lambda _, text: say("turn.failed", error={"message": text}),
    "wait": lambda _, path: wait_for_file(path),
    "hang": lambda _, __: time.sleep(3600),
    "kill": lambda _, signum: os.kill(os.getpid(), signum),
    "exit": lambda _, code: sys.exit(code),
}


def main() -> None:
    told = json.load(sys.stdin)
    TOLD.update(told)
    state = Path(told["state"])
    thread = told["thread"] or str(uuid4())
    memory = state / "turns.json"
    turns: list[dict[str, Any]] = json.loads(memory.read_text()) if memory.exists() else []
    prompt = told["prompt"]
    script = state / "script.json"
    if TASK_BEGINS in prompt:
        script.write_text(prompt.partition(TASK_BEGINS)[2].partition(TASK_ENDS)[0])
    turns.append(
        {
            "prompt": prompt,
            "resumed": told["thread"],
            "thread": thread,
            "token": os.environ["WATCHKEEPER_TOKEN"],
        }
    )
    memory.write_text(json.dumps(turns))
    scripts = json.loads(script.read_text())
    say("thread.started", thread_id=thread)
    say("turn.started")
    for number, (step, argument) in enumerate(scripts[min(len(turns), len(scripts)) - 1]):
        STEPS[step](number, argument)


if __name__ == "__main__":
    main()
