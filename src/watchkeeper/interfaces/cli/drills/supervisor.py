"""The supervisor of a drill, as a program of its own: the real one, over an agent that does what the drill needs.

Its orders come as JSON on stdin, the worker's token among them, so that no process list shows it.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from watchkeeper.agents.adapter import Launch, Turn
from watchkeeper.agents.codex import CodexStream
from watchkeeper.agents.known import adapter
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.services.supervise import supervise
from watchkeeper.services.supervision.config import SupervisorConfig

PAGE = "<!doctype html><title>Drill</title><h1>Drill</h1><p>This page is the evidence.</p>"
BEGIN = ({"type": "thread.started", "thread_id": "drill"}, {"type": "turn.started"})
RUN = {
    "type": "command_execution",
    "command": "write the page",
    "aggregated_output": "",
    "status": "completed",
}
THOUGHT = {"type": "item.completed", "item": {"id": "0", "type": "agent_message", "text": "Let me think."}}
DONE = (
    {"type": "item.started", "item": {**RUN, "id": "1", "exit_code": None, "status": "in_progress"}},
    {"type": "item.completed", "item": {**RUN, "id": "1", "exit_code": 0}},
    {"type": "turn.completed", "usage": {"input_tokens": 10, "output_tokens": 10}},
)


class HangsOnce(CodexStream):
    """An agent in the words of `codex exec --json`: its first turn goes silent, the resumed one does the work."""

    converses = True
    version: str | None = None
    measured = True
    login = ""

    def launch(self, turn: Turn) -> Launch:
        if turn.thread is None:
            return Launch(["/bin/sh", "-c", f"{_print(*BEGIN, THOUGHT)}; exec sleep 3600"])
        return Launch(
            ["/bin/sh", "-c", f"printf %s {shlex.quote(PAGE)} > index.html; {_print(*BEGIN, *DONE)}"]
        )

    def transcript(self, turn: Turn, thread: str) -> Path | None:  # noqa: ARG002 - it keeps none
        return None

    def tally(self) -> None:
        return None


def _print(*events: dict[str, Any]) -> str:
    return "printf '%s\\n' " + " ".join(shlex.quote(json.dumps(event)) for event in events)


def main() -> int:
    """Supervise as ordered until SIGTERM."""
    given: dict[str, Any] = json.load(sys.stdin)
    hangs = given.pop("hangs_once")
    limits = SessionLimits(**given.pop("session_limits"))
    given |= {name: Path(given[name]) for name in ("home", "system_place")}
    config = SupervisorConfig(**given, session_limits=limits)
    return asyncio.run(supervise(config, adapter_of=(lambda _, __: HangsOnce()) if hangs else adapter))


if __name__ == "__main__":
    sys.exit(main())
