"""Tells one session as a row of the corpus: lines as the agents print them, and what is seen beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

VERSIONS = {
    "codex": ("0.163.0", "0.169.0", "0.172.1"),
    "claude": ("2.1.197", "2.1.329", "2.2.4"),
    "command": ("",),
}
IDLE_CPU = 0.3


@dataclass
class Story:
    """One session; `t` is its clock. Calls are told in order of time."""

    agent: str
    version: str
    random: Random
    t: float = 0.0
    facts: list[dict[str, Any]] = field(default_factory=list)
    items: int = 0
    used: float = 1.0

    def fact(self, source: str, event: str, **fields: Any) -> None:
        self.facts.append({"t": round(self.t, 2), "source": source, "event": event, "fields": fields})

    def wait(self, seconds: float) -> Story:
        self.t += seconds
        return self

    def pause(self, least: float = 0.5, most: float = 8.0) -> Story:
        return self.wait(round(self.random.uniform(least, most), 2))

    # What the agent prints.

    def line(self, given: dict[str, Any] | str, source: str = "stdout") -> None:
        self.fact(source, "line", line=given if isinstance(given, str) else json.dumps(given))

    def begin(self) -> None:
        if self.agent == "codex":
            self.line({"type": "thread.started", "thread_id": f"0197-{self.random.randrange(16**8):08x}"})
            self.wait(0.05)
            self.line({"type": "turn.started"})
        elif self.agent == "claude":
            session = f"5e55-{self.random.randrange(16**8):08x}"
            self.line(
                {
                    "type": "system",
                    "subtype": "init",
                    "session_id": session,
                    "model": "claude-opus-4-8",
                    "mcp_servers": [{"name": "watchkeeper", "status": "connected"}],
                    "claude_code_version": self.version,
                }
            )
        else:
            self.line("starting")

    def says(self, text: str) -> None:
        if self.agent == "codex":
            self._item("completed", {"type": "agent_message", "text": text})
        elif self.agent == "claude":
            self._assistant({"type": "text", "text": text})
        else:
            self.line(text)

    def thinks(self) -> None:
        if self.agent == "codex":
            self._item("completed", {"type": "reasoning", "text": "**Planning the next step**"})
        elif self.agent == "claude":
            self._assistant({"type": "thinking", "thinking": "..."})
        else:
            self.line("working")

    def opens(self, command: str) -> str:
        """Begin a shell call; give its id."""
        self.items += 1
        name = f"item_{self.items}" if self.agent == "codex" else f"toolu_{self.items}"
        if self.agent == "codex":
            item = {"id": name, "type": "command_execution", "command": command, "aggregated_output": ""}
            self.line({"type": "item.started", "item": item | {"exit_code": None, "status": "in_progress"}})
        elif self.agent == "claude":
            self._assistant({"type": "tool_use", "id": name, "name": "Bash", "input": {"command": command}})
        else:
            self.line(f"$ {command}")
        return name

    def closes(self, name: str, command: str, output: str = "", code: int = 0) -> None:
        if self.agent == "codex":
            item = {"id": name, "type": "command_execution", "command": command, "aggregated_output": output}
            status = "failed" if code else "completed"
            self.line({"type": "item.completed", "item": item | {"exit_code": code, "status": status}})
        elif self.agent == "claude":
            result = {"tool_use_id": name, "type": "tool_result", "content": output, "is_error": code != 0}
            self.line({"type": "user", "message": {"role": "user", "content": [result]}})
        elif output:
            self.line(output)

    def runs(self, command: str, seconds: float = 1.0, output: str = "", code: int = 0) -> None:
        name = self.opens(command)
        self.wait(seconds)
        self.closes(name, command, output, code)

    def works(self, steps: int = 3) -> None:
        """Do so many different things, with changes in the workspace now and then."""
        for n in range(steps):
            self.pause()
            self.thinks()
            self.pause()
            self.runs(f"sed -n {self.random.randrange(900)}p src/part_{n}.py", 0.4, f"line {n}")
            if n % 2:
                self.pause(0.1, 1.0)
                self.fact("workspace", "change", files=1 + n % 3, commits=n % 2)

    def retries(self, text: str, status: int | None, attempt: int, of: int = 5) -> None:
        if self.agent == "codex":
            self.line({"type": "error", "message": f"Reconnecting... {attempt}/{of} ({text})"})
        else:
            told = {"type": "system", "subtype": "api_retry", "attempt": attempt, "max_retries": 10}
            error = "rate_limit" if status == 429 else "server_error"
            self.line(told | {"retry_delay_ms": 2000, "error_status": status, "error": error})

    def ends_turn(self, text: str = "Done.") -> None:
        if self.agent == "codex":
            used = {"input_tokens": 900 + self.items, "cached_input_tokens": 0, "output_tokens": 120}
            self.line({"type": "turn.completed", "usage": used})
        elif self.agent == "claude":
            self._result(subtype="success", is_error=False, result=text, terminal_reason="completed")

    def fails_turn(self, text: str, **codes: Any) -> None:
        if self.agent == "codex":
            self.line({"type": "error", "message": text})
            self.wait(0.02)
            self.line({"type": "turn.failed", "error": {"message": text}})
        else:
            self._result(subtype="success", is_error=True, result=text, **codes)

    def _item(self, kind: str, item: dict[str, Any]) -> None:
        self.items += 1
        self.line({"type": f"item.{kind}", "item": {"id": f"item_{self.items}"} | item})

    def _assistant(self, block: dict[str, Any]) -> None:
        message = {"role": "assistant", "content": [block]}
        self.line({"type": "assistant", "message": message, "parent_tool_use_id": None})

    def _result(self, **told: Any) -> None:
        self.line({"type": "result", "num_turns": 2, "total_cost_usd": 0.01} | told)

    # What is seen beside it.

    def starts(self, *, claims: bool = True) -> None:
        """The job is claimed, the process begins."""
        if claims:
            self.fact("lease", "claimed", epoch=1, worker="w1")
            self.fact("contract", "claim", ok=True)
            self.wait(0.2)
        self.fact("proc", "start", pid=4100)
        self.pause(0.2, 2.0)

    def renews(self, seconds: float, every: float = 15.0) -> None:
        """Let time pass in which only the lease is renewed."""
        until = self.t + seconds
        while self.t + every <= until:
            self.wait(every)
            self.fact("lease", "renewed", epoch=1, worker="w1")
        self.t = until

    def sample(self, *, busy: float = 0.0, passed: float = 10.0, sockets: int | None = 1) -> None:
        """Show the processes; `busy` is the part of a core that a child used while `passed` went by."""
        self.used += busy * passed
        agent = {"pid": 4100, "ppid": 4000, "state": "S", "cpu_seconds": IDLE_CPU, "command": self.agent}
        child = {
            "pid": 4123,
            "ppid": 4100,
            "state": "R",
            "cpu_seconds": round(self.used, 2),
            "command": "pytest",
        }
        told: dict[str, Any] = {"processes": [agent, child] if busy else [agent]}
        self.fact("proc", "sample", **told, **({} if sockets is None else {"sockets": sockets}))

    def watched(self, seconds: float, every: float, *, busy: float = 0.0) -> None:
        """Let time pass in which the processes are looked at."""
        for _ in range(int(seconds // every)):
            self.wait(every)
            self.sample(busy=busy, passed=every)
        self.wait(seconds % every)

    def exits(self, code: int | None = 0, signal: int | None = None) -> None:
        self.pause(0.05, 0.5)
        self.fact("proc", "exit", code=code, signal=signal)

    def calls(self, command: str, *, ok: bool = True, **told: Any) -> None:
        self.fact("contract", command, ok=ok, **told)

    def checked(
        self, *, bytes_: int = 5200, files: int = 3, status: int = 200, failed: tuple[str, ...] = ()
    ) -> None:
        self.fact(
            "artifact", "check", http_status=status, file_count=files, bytes=bytes_, failed=list(failed)
        )

    def hands_in(self) -> None:
        """The job is completed as it should be."""
        self.pause(0.2, 1.0)
        self.calls("upload-files", artifacts=2, phase="upload")
        self.pause(0.2, 1.0)
        self.checked()
        self.pause(0.1, 0.5)
        self.calls("complete", artifacts=2, phase="complete")

    def finishes(self) -> None:
        """The turn ends well and nothing is left."""
        self.says("All three parts are written and handed in.")
        self.pause(0.1, 0.6)
        self.ends_turn("All three parts are written and handed in.")
        self.exits(0)
        self.wait(0.3)
        self.fact("proc", "left", processes=[])

    def end(self, after: float = 0.5) -> None:
        self.wait(after)
        self.fact("clock", "end")
