"""Claude Code: how `claude -p` is started, and what the lines of its stream mean."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from watchkeeper.agents.adapter import Agent, ContractServer, Launch, Tally, Turn
from watchkeeper.agents.json_lines import (
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
from watchkeeper.agents.verdicts import shortened
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
    Waits,
)

ALLOWED = f"Bash,Edit,Write,Read,NotebookEdit,WebFetch,WebSearch,mcp__{SERVER}"
PERMISSION_CHOICE = re.compile(r"--permission-mode|--dangerously-skip-permissions|--allowed-?[tT]ools")

SETTINGS = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "MCP_TIMEOUT": "30000",
    "MCP_TOOL_TIMEOUT": "900000",
}
"""No reports and no updates from a worker; a call of the contract may take long: `complete` waits for the gate."""

USAGE = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class ClaudeStream(NativeStream):
    """What the lines of `claude -p --output-format stream-json` mean."""

    name = "claude"
    cut_opened = re.compile(r'"type":\s*"tool_use",\s*"id":\s*"([^"]{1,100})"')
    cut_closed = re.compile(r'"tool_use_id":\s*"([^"]{1,100})"')

    def read_event(self, event: dict[str, Any]) -> list[SessionEvent]:
        kind = word(event, "type")
        match kind:
            case "system":
                return self._system(event)
            case "assistant":
                return self._assistant(event)
            case "user":
                return list(_results(event))
            case "rate_limit_event":
                return [_rate_limit(part(event, "rate_limit_info"))]
            case "result":
                return self._result(event)
            case "control_request":
                return [Waits(shortened(word(part(event, "request"), "subtype") or kind))]
        return [self.other(kind)]

    def _system(self, event: dict[str, Any]) -> list[SessionEvent]:
        kind = word(event, "subtype")
        match kind:
            case "init":
                return [_began(event), TurnBegan()]
            case "api_retry":
                text = word(event, "error")
                status = event.get("error_status")
                trouble = self.table.trouble(text, status, text)
                if trouble is Trouble.OTHER and status is None:
                    # No answer came at all; why, only the end of the turn tells.
                    trouble = Trouble.NETWORK
                delay = number(event, "retry_delay_ms")
                return [Retrying(trouble, shortened(text), None if delay is None else delay / 1000)]
            case "session_state_changed" if word(event, "state") == "requires_action":
                return [Waits(kind)]
        return [self.other(kind, f"system/{kind}")]

    def _assistant(self, event: dict[str, Any]) -> list[SessionEvent]:
        """Read an answer's blocks; what a subagent says is said to the agent, not to us."""
        hindrance, inner = word(event, "error"), event.get("parent_tool_use_id") is not None
        told: list[SessionEvent] = []
        for block in _blocks(event):
            kind, text = word(block, "type"), word(block, "text")
            if kind in self.table.tools:
                told.append(_opened(block))
            elif kind == "text" and hindrance:
                told.append(self.hindered(text, hindrance))
            elif kind == "text" and not inner:
                told.append(Said(said(text)))
            else:
                told.append(Stirred(shortened(kind)))
        return told or [Stirred("assistant")]

    def _result(self, event: dict[str, Any]) -> list[SessionEvent]:
        """Read the end of a turn: `is_error`, subtype and reason together, for each of them alone lies at times."""
        errors = event.get("errors")
        texts = [word(event, "result"), *(str(one) for one in (errors if isinstance(errors, list) else ()))]
        text = shortened("\n".join(texts).strip())
        codes = (event.get("api_error_status"), event.get("terminal_reason"), event.get("subtype"))
        named = any(str(code) in self.table.codes for code in codes)
        if event.get("is_error") is not True and event.get("subtype") == "success" and not named:
            return [*_spent(event), TurnEnded(ok=True, text=text)]
        return [*_spent(event), *self.failed(text, *codes)]


class Claude(NativeAgent):
    """Starts `claude -p` with the prompt on stdin and a session id that is chosen before."""

    stream = ClaudeStream
    home_variable = "CLAUDE_CONFIG_DIR"
    usual_home = ".claude"
    log_in = "claude /login"
    transcripts = "projects/*/{thread}.jsonl"

    def orders(self, turn: Turn) -> Launch:
        thread = turn.thread or str(uuid.uuid4())
        options = ["-p", "--output-format", "stream-json", "--verbose"]
        options += ["--session-id" if turn.thread is None else "--resume", thread]
        if turn.cost is not None:
            options += ["--max-budget-usd", f"{max(turn.cost, 0.01):.4f}"]
        if turn.contract is not None:
            options += ["--strict-mcp-config", "--mcp-config", _mcp_config(turn.contract)]
        if not self.chosen(PERMISSION_CHOICE):
            options += ["--permission-mode", "acceptEdits", "--allowedTools", ALLOWED]
        command = [str(self.program.path), *options, *self.setup.arguments]
        environment = self.environment(**SETTINGS)
        return Launch(command, environment, stdin=turn.prompt, thread=thread, lock=self.locks.of(thread))

    def tally(self) -> Tally:
        return ClaudeTally()


class ClaudeTally:
    """Sums what each answer used, by a transcript whose lines repeat it for each part of one answer.

    An answer's output is counted when it began to come: the turn's end tells more.
    """

    def __init__(self) -> None:
        self._before = 0
        self._answer = ("", 0)

    def take(self, line: bytes) -> Spent | None:
        if b'"usage"' not in line:
            return None
        message = part(parsed(line.decode(errors="replace")), "message")
        told = self._before + self._answer[1]
        name, tokens = word(message, "id"), sum(whole(part(message, "usage"), key) for key in USAGE)
        if name != self._answer[0]:
            self._before = told
        self._answer = (name, tokens)
        return Spent(self._before + tokens) if self._before + tokens > told else None


def _mcp_config(contract: ContractServer) -> str:
    """Give the contract's MCP server as Claude Code takes it; the token stays in the environment."""
    bearer = f"Bearer ${{{contract.token_variable}}}"
    server = {"type": "http", "url": contract.url, "headers": {"Authorization": bearer}}
    return json.dumps({"mcpServers": {SERVER: server}})


def _began(event: dict[str, Any]) -> Began:
    servers = event.get("mcp_servers")
    entries = [one for one in servers if isinstance(one, dict)] if isinstance(servers, list) else []
    failed = tuple(
        word(one, "name") for one in entries if word(one, "status") not in ("connected", "pending")
    )
    return Began(thread_id(event, "session_id"), word(event, "claude_code_version") or None, failed)


def _blocks(event: dict[str, Any]) -> list[dict[str, Any]]:
    content = part(event, "message").get("content")
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _opened(block: dict[str, Any]) -> ToolOpened:
    tool = word(block, "name")
    _, _, named = tool.partition("mcp__")
    server, _, command = named.partition("__")
    named = f"{server}.{command}" if command else tool
    given = block.get("input")
    call, shown = digest(tool, given), shown_call(word(part(block, "input"), "command") or given)
    return ToolOpened(word(block, "id"), named, call, contract_command(server, command), shown)


def _results(event: dict[str, Any]) -> Iterator[SessionEvent]:
    """Read what tools gave. A changed file is told beside the message, with its path and its patch or content."""
    beside = part(event, "tool_use_result")
    wrote = "filePath" in beside and ("structuredPatch" in beside or "newString" in beside)
    blocks = _blocks(event)
    for block in blocks:
        if word(block, "type").endswith("tool_result"):
            failed = block.get("is_error") is True
            gave = block.get("content")
            result, shown = digest(gave, failed), shown_result(gave)
            made = wrote and not failed
            yield ToolClosed(word(block, "tool_use_id"), result, failed, wrote=made, shown=shown)
        else:
            yield Stirred("user")
    if not blocks:
        yield Stirred("user")


def _rate_limit(told: dict[str, Any]) -> SessionEvent:
    if word(told, "status") != "rejected":
        return Stirred("rate_limit")
    return Limited(number(told, "resetsAt"), word(told, "rateLimitType"))


def _spent(event: dict[str, Any]) -> list[SessionEvent]:
    """Sum what all models were used for, in this thread so far."""
    models = part(event, "modelUsage")
    keys = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
    tokens = sum(whole(part(models, model), key) for model in models for key in keys)
    cost = number(event, "total_cost_usd")
    return [Spent(tokens, cost)] if tokens or cost else []


AGENT = Agent(ClaudeStream, Claude)
