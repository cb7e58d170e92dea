"""Codex: how `codex exec --json` is started, and what its lines mean."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from watchkeeper.agents.json_lines import COMMANDS, contract_command, digest, parsed, part, said, whole, word
from watchkeeper.agents.reset_times import reset_time, seconds_told
from watchkeeper.agents.verdicts import shortened, table
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
)

NAME = "codex"

CUT_CHARACTERS = 64 * 1024
"""An unreadable line longer than this was cut by whoever follows the output, not by its writer's death."""

_SHELL_CALL = re.compile(r"\bwatchkeeper\s+([a-z-]+)")
_CUT_ITEM = re.compile(r'"type":\s*"item\.(started|completed)".{0,40}"id":\s*"([^"]{1,100})"')


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
            return self._cut_item(line) or [self.table.between(line)]
        kind = word(event, "type")
        if kind.startswith("item."):
            return self._item(kind, part(event, "item"))
        match kind:
            case "thread.started":
                return [Began(word(event, "thread_id") or None)]
            case "turn.started":
                return [TurnBegan()]
            case "turn.completed":
                return [*_spent(part(event, "usage")), TurnEnded(ok=True)]
            case "turn.failed":
                return self._failed(word(part(event, "error"), "message"))
            case "error":
                return [self._hindered(word(event, "message"))]
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

    def _cut_item(self, line: str) -> list[SessionEvent]:
        """Read what the head of an overlong line still tells, so that no tool stays open for it."""
        found = _CUT_ITEM.search(line, 0, 300)
        if found is None or len(line) < CUT_CHARACTERS:
            return []
        if found[1] == "started":
            return [ToolOpened(found[2], "overlong", digest(line))]
        return [ToolClosed(found[2], digest(line))]


def _opened(sort: str, item: dict[str, Any]) -> ToolOpened:
    if sort == "mcp_tool_call":
        server, tool = word(item, "server"), word(item, "tool")
        call = digest(server, tool, item.get("arguments"))
        return ToolOpened(word(item, "id"), f"{server}.{tool}", call, contract_command(server, tool))
    if sort == "command_execution":
        command = word(item, "command")
        return ToolOpened(word(item, "id"), sort, digest(command), _contract_call(command))
    told = {key: value for key, value in item.items() if key not in ("id", "status", "result", "error")}
    return ToolOpened(word(item, "id"), sort, digest(told))


def _closed(sort: str, item: dict[str, Any]) -> ToolClosed:
    status, code = word(item, "status"), item.get("exit_code")
    failed = status in ("failed", "declined") or (isinstance(code, int) and code != 0)
    told = [item.get(key) for key in ("aggregated_output", "exit_code", "result", "error", "changes")]
    return ToolClosed(word(item, "id"), digest(told), failed, wrote=sort == "file_change" and not failed)


def _contract_call(command: str) -> str | None:
    found = _SHELL_CALL.search(command)
    return found[1] if found and found[1] in COMMANDS else None


def _spent(usage: dict[str, Any]) -> list[SessionEvent]:
    """Cached input is part of the input, reasoning of the output; both count for the thread since its beginning."""
    tokens = whole(usage, "input_tokens") + whole(usage, "output_tokens")
    return [Spent(tokens)] if tokens > 0 else []
