"""Codex: how `codex exec --json` is started, and what its lines mean."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

from watchkeeper.agents.adapter import Agent, ContractServer, Launch, Tally, Turn
from watchkeeper.agents.json_lines import (
    COMMANDS,
    SERVER,
    contract_command,
    digest,
    number,
    parsed,
    part,
    said,
    shown_call,
    shown_result,
    thread_id,
    whole,
    word,
)
from watchkeeper.agents.native import NativeAgent, NativeStream
from watchkeeper.agents.reset_times import seconds_told
from watchkeeper.agents.verdicts import shortened
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.sessions.events import (
    Began,
    Said,
    SessionEvent,
    Spent,
    Stirred,
    ToolClosed,
    ToolOpened,
    TurnBegan,
    TurnEnded,
    Unknown,
    Waits,
)

SANDBOX = "workspace-write"
SANDBOX_CHOICE = re.compile(r"-s|--sandbox|--dangerously-bypass-approvals|--approve-for-me|sandbox_mode\s*=")

SETTINGS: dict[str, Any] = {
    "approval_policy": "never",
    "check_for_update_on_startup": False,
    "analytics.enabled": False,
    "features.plugins": False,
    "features.shell_snapshot": False,
    "allow_login_shell": False,
}

TOOL_SECONDS = 900
"""How long a call of the contract may take: `complete` waits for the gate."""

_SHELL_CALL = re.compile(r"\bwatchkeeper\s+([a-z-]+)")


class CodexStream(NativeStream):
    """What the lines of `codex exec --json` mean."""

    name = "codex"
    cut_opened = re.compile(r'"type":\s*"item\.started".{0,40}"id":\s*"([^"]{1,100})"')
    cut_closed = re.compile(r'"type":\s*"item\.completed".{0,40}"id":\s*"([^"]{1,100})"')

    def read_event(self, event: dict[str, Any]) -> list[SessionEvent]:
        kind = word(event, "type") or word(event, "method")
        if kind.startswith("item."):
            return self._item(kind, part(event, "item"))
        match kind:
            case "thread.started":
                return [Began(thread_id(event, "thread_id"))]
            case "turn.started":
                return [TurnBegan()]
            case "turn.completed":
                return [*_spent(part(event, "usage")), TurnEnded(ok=True)]
            case "turn.failed":
                return self.failed(word(part(event, "error"), "message"))
            case "error":
                # Transient and final look alike; only `turn.failed` after it ends the turn.
                text = word(event, "message")
                return [self.hindered(text, delay_seconds=seconds_told(text))]
            case "thread/status/changed":
                return [_standing(part(part(event, "params"), "status"))]
        return [self.other(kind)]

    def _item(self, kind: str, item: dict[str, Any]) -> list[SessionEvent]:
        sort = word(item, "type")
        if sort in self.table.tools:
            match kind:
                case "item.started":
                    return [_opened(sort, item)]
                case "item.completed":
                    return [_closed(sort, item)]
            return [Stirred(sort)]
        if sort == "agent_message":
            return [Said(said(word(item, "text")))] if kind == "item.completed" else [Stirred(sort)]
        return [Stirred(sort) if sort in self.table.stirs else Unknown(f"{kind}/{shortened(sort)}")]


class Codex(NativeAgent):
    """Starts `codex exec --json` with the prompt on stdin.

    What Watchkeeper needs is said on the command line, which wins over the operator's own config.toml. Raises
    UsageError too where its sandbox cannot be made and no other was chosen.
    """

    stream = CodexStream
    home_variable = "CODEX_HOME"
    usual_home = ".codex"
    log_in = "codex login"
    transcripts = "sessions/*/*/*/rollout-*-{thread}.jsonl"

    def orders(self, turn: Turn) -> Launch:
        options = ["exec", "--json", "--skip-git-repo-check", "--cd", str(turn.workspace)]
        settings = SETTINGS | (_contract_settings(turn.contract) if turn.contract else {})
        if turn.also_writes:
            settings["sandbox_workspace_write.writable_roots"] = [str(path) for path in turn.also_writes]
        options += [
            part for name, value in settings.items() for part in ("-c", f"{name}={json.dumps(value)}")
        ]
        if not self.chosen(SANDBOX_CHOICE):
            options += ["--sandbox", SANDBOX]
        resumed = [] if turn.thread is None else ["resume", turn.thread]
        command = [str(self.program.path), *options, *self.setup.arguments, *resumed, "-"]
        lock = None if turn.thread is None else self.locks.of(turn.thread)
        return Launch(command, self.environment(), stdin=turn.prompt, thread=turn.thread, lock=lock)

    def tally(self) -> Tally:
        return CodexTally()

    def tried(self) -> None:
        if self.chosen(SANDBOX_CHOICE):
            return
        environment = {"PATH": self.setup.path, self.home_variable: str(self.home), "HOME": str(self.home)}
        try:
            done = self.program.run(["sandbox", "--", "/bin/true"], environment)
            told = (
                "" if done.returncode == 0 else done.stderr.strip()[-300:] or f"exit code {done.returncode}"
            )
        except (OSError, subprocess.SubprocessError) as error:
            told = str(error)
        if told:
            raise UsageError(
                f"Codex cannot make its sandbox {SANDBOX} on this machine: {told}",
                hint="Where user and machine are fence enough: work --agent codex -- --sandbox danger-full-access",
            )


class CodexTally:
    """Reads the totals that a rollout holds after each answer of the model, over all turns of the thread."""

    def __init__(self) -> None:
        self._told = 0

    def take(self, line: bytes) -> Spent | None:
        if b'"token_count"' not in line:
            return None
        event = parsed(line.decode(errors="replace")) or {}
        used = _spent(part(part(part(event, "payload"), "info"), "total_token_usage"))
        if not used or used[0].tokens <= self._told:
            return None
        self._told = used[0].tokens
        return used[0]


def _contract_settings(contract: ContractServer) -> dict[str, Any]:
    """Give the settings for the contract's MCP server: without it no turn begins, and its tools need no approval."""
    told = {
        "url": contract.url,
        "bearer_token_env_var": contract.token_variable,
        "required": True,
        "default_tools_approval_mode": "approve",
        "startup_timeout_sec": 30,
        "tool_timeout_sec": TOOL_SECONDS,
    }
    return {f"mcp_servers.{SERVER}.{name}": value for name, value in told.items()}


def _opened(sort: str, item: dict[str, Any]) -> ToolOpened:
    if sort == "mcp_tool_call":
        server, tool = word(item, "server"), word(item, "tool")
        call = digest(server, tool, item.get("arguments"))
        shown = shown_call(item.get("arguments"))
        return ToolOpened(word(item, "id"), f"{server}.{tool}", call, contract_command(server, tool), shown)
    if sort == "command_execution":
        command = word(item, "command")
        shown = shown_call(command)
        return ToolOpened(word(item, "id"), sort, digest(command), _contract_call(command), shown)
    told = {key: value for key, value in item.items() if key not in ("id", "status", "result", "error")}
    shown = shown_call({key: value for key, value in told.items() if key != "type"})
    return ToolOpened(word(item, "id"), sort, digest(told), shown=shown)


def _closed(sort: str, item: dict[str, Any]) -> ToolClosed:
    status, code = word(item, "status"), item.get("exit_code")
    failed = status in ("failed", "declined") or (isinstance(code, int) and code != 0)
    told = [item.get(key) for key in ("aggregated_output", "exit_code", "result", "error", "changes")]
    return ToolClosed(
        word(item, "id"),
        digest(told),
        failed,
        wrote=sort == "file_change" and not failed,
        shown=_gave(item),
        exit_code=None if number(item, "exit_code") is None else whole(item, "exit_code"),
    )


def _gave(item: dict[str, Any]) -> str:
    """Give the end of what a tool gave: its output, the texts of its result, or why there is none."""
    error = item.get("error")
    why = error if isinstance(error, str) else word(part(item, "error"), "message")
    gave = item.get("aggregated_output") or part(item, "result").get("content") or why
    return shown_result(gave)


def _contract_call(command: str) -> str | None:
    found = _SHELL_CALL.search(command)
    return found[1] if found and found[1] in COMMANDS else None


def _standing(status: dict[str, Any]) -> SessionEvent:
    """Read how the thread stands, as `codex app-server` tells it; `exec` tells nothing of approvals."""
    flags = status.get("activeFlags")
    waits = [one for one in (flags if isinstance(flags, list) else ()) if str(one).startswith("waiting")]
    return Waits(", ".join(map(str, waits))[:300]) if waits else Stirred("session_state_changed")


def _spent(usage: dict[str, Any]) -> list[Spent]:
    """Cached input is part of the input, reasoning of the output; both count for the thread since its beginning."""
    tokens = whole(usage, "input_tokens") + whole(usage, "output_tokens")
    return [Spent(tokens)] if tokens > 0 else []


AGENT = Agent(CodexStream, Codex)
