"""Codex: how `codex exec --json` is started, and what its lines mean."""

from __future__ import annotations

import glob
import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from watchkeeper.agents.adapter import ContractServer, Launch, Setup, Tally, Turn
from watchkeeper.agents.agent_home import ThreadLocks, agent_home, login_at
from watchkeeper.agents.json_lines import (
    COMMANDS,
    SERVER,
    contract_command,
    digest,
    number,
    of_cut_line,
    parsed,
    part,
    said,
    shown_call,
    shown_result,
    thread_id,
    whole,
    word,
)
from watchkeeper.agents.program import Program
from watchkeeper.agents.reset_times import reset_time, seconds_told
from watchkeeper.agents.verdicts import shortened, table
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.sessions.events import (
    Began,
    Limited,
    Retrying,
    Said,
    SessionEvent,
    Spent,
    Stirred,
    ToolClosed,
    ToolOpened,
    Trouble,
    TurnBegan,
    TurnEnded,
    Unknown,
    Waits,
)

NAME = "codex"

HOME = "CODEX_HOME"
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
_CUT_OPENED = re.compile(r'"type":\s*"item\.started".{0,40}"id":\s*"([^"]{1,100})"')
_CUT_CLOSED = re.compile(r'"type":\s*"item\.completed".{0,40}"id":\s*"([^"]{1,100})"')


class CodexStream:
    """What the lines of `codex exec --json` mean, for one version; None is the newest.

    `clock` gives the time since 1970: a limit that ends "in 2 hours" ends two hours after it was read.
    """

    name = NAME

    def __init__(self, version: str | None = None, clock: Callable[[], float] = time.time) -> None:
        self.table = table(NAME, version)
        self._clock = clock

    def read(self, line: str) -> list[SessionEvent]:
        event = parsed(line)
        if event is None:
            return of_cut_line(line, _CUT_OPENED, _CUT_CLOSED) or [self.table.between(line)]
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
                return self._failed(word(part(event, "error"), "message"))
            case "error":
                return [self._hindered(word(event, "message"))]
            case "thread/status/changed":
                return [_standing(part(part(event, "params"), "status"))]
        return [Stirred(kind) if kind in self.table.stirs else Unknown(kind or "a line without a type")]

    def read_error(self, line: str) -> list[SessionEvent]:
        return self.table.complaint(line)

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

    def _failed(self, text: str) -> list[SessionEvent]:
        trouble = self.table.trouble(text)
        limited = [Limited(reset_time(text, self._clock()), shortened(text))]
        ended = TurnEnded(ok=False, trouble=trouble, text=shortened(text))
        return [*limited, ended] if trouble is Trouble.USAGE_LIMIT else [ended]

    def _hindered(self, text: str) -> SessionEvent:
        """Say what an `error` line means. Transient and final look alike; only `turn.failed` after it ends the turn."""
        trouble = self.table.trouble(text)
        if trouble is Trouble.USAGE_LIMIT:
            return Limited(reset_time(text, self._clock()), shortened(text))
        return Retrying(trouble, shortened(text), seconds_told(text))


class Codex(CodexStream):
    """Starts `codex exec --json`, the native program, with the prompt on stdin.

    What Watchkeeper needs is said on the command line, which wins over the operator's own config.toml. Raises
    UsageError where there is no program, and where its sandbox cannot be made and no other was chosen.
    """

    converses = True

    def __init__(self, setup: Setup, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock=clock)
        self._setup = setup
        self._home = agent_home(setup, NAME, HOME, ".codex")
        self.login = login_at(self._setup, HOME, self._home, "codex login")
        self._locks = ThreadLocks(setup, NAME)
        self._program = Program(NAME, setup)
        self._learn()

    @property
    def version(self) -> str | None:
        return self._program.version

    @property
    def measured(self) -> bool:
        return self.table.measured

    def launch(self, turn: Turn) -> Launch:
        if self._program.is_new():
            self._learn()
        options = ["exec", "--json", "--skip-git-repo-check", "--cd", str(turn.workspace)]
        settings = SETTINGS | (_contract_settings(turn.contract) if turn.contract else {})
        if turn.also_writes:
            settings["sandbox_workspace_write.writable_roots"] = [str(path) for path in turn.also_writes]
        options += [
            part for name, value in settings.items() for part in ("-c", f"{name}={json.dumps(value)}")
        ]
        if not self._chosen_sandbox:
            options += ["--sandbox", SANDBOX]
        resumed = [] if turn.thread is None else ["resume", turn.thread]
        command = [str(self._program.path), *options, *self._setup.arguments, *resumed, "-"]
        environment = {**self._setup.environ, HOME: str(self._home)}
        lock = None if turn.thread is None else self._locks.of(turn.thread)
        return Launch(command, environment, stdin=turn.prompt, thread=turn.thread, lock=lock)

    def transcript(self, turn: Turn, thread: str) -> Path | None:  # noqa: ARG002 - it is found by the thread
        named = f"sessions/*/*/*/rollout-*-{glob.escape(thread)}.jsonl"
        return None if "/" in thread else next(self._home.glob(named), None)

    def tally(self) -> Tally:
        return CodexTally()

    @property
    def _chosen_sandbox(self) -> bool:
        return any(SANDBOX_CHOICE.match(argument) for argument in self._setup.arguments)

    def _learn(self) -> None:
        """Take up what a program that is new to us can do."""
        self.table = table(NAME, self.version)
        if not self._chosen_sandbox:
            self._try_sandbox()

    def _try_sandbox(self) -> None:
        environment = {"PATH": self._setup.path, HOME: str(self._home), "HOME": str(self._home)}
        try:
            done = self._program.run(["sandbox", "--", "/bin/true"], environment)
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
