"""Tools made of functions: the docstring teaches the agent, the arguments' model checks what it sends.

Every answer is one JSON object with `ok`, as the contract's; nothing that goes wrong becomes a traceback.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from pydantic import BaseModel, ConfigDict, ValidationError

from watchkeeper import __version__
from watchkeeper.domain.errors import ServerUnreachable, UsageError, WatchkeeperError
from watchkeeper.domain.suggestions import did_you_mean
from watchkeeper.logs import log
from watchkeeper.services.supervision.server_link import Refused

Json = dict[str, Any]
Told = Callable[[str], Awaitable[None]]
"""Says in words that a call goes on: a client that listens waits longer then."""

C = TypeVar("C")
Context = ServerRequestContext[dict[str, Any], Any]


class Arguments(BaseModel):
    """What a tool takes; unknown names are refused, with the one that was probably meant."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Arguments):
    pass


@dataclass(frozen=True)
class Tool(Generic[C]):
    """One tool. `run` gets the caller and the arguments, and is told of by its docstring; what it raises is answered
    as an error.
    """

    name: str
    arguments: type[Arguments]
    run: Callable[[C, Any], Awaitable[Json]]
    reads: bool

    @property
    def described(self) -> types.Tool:
        schema = self.arguments.model_json_schema()
        schema.pop("description", None)
        return types.Tool(
            name=self.name,
            description=" ".join((self.run.__doc__ or "").split()),
            input_schema=_without_titles(schema),
            annotations=types.ToolAnnotations(
                read_only_hint=self.reads, destructive_hint=False, open_world_hint=False
            ),
        )

    def take(self, given: Mapping[str, Any] | None) -> Arguments:
        """Check what an agent sent. Raises UsageError naming every fault."""
        try:
            return self.arguments.model_validate(dict(given or {}))
        except ValidationError as error:
            faults = "; ".join(self._fault(fault) for fault in error.errors(include_url=False)[:5])
            raise UsageError(f"{self.name}: {faults}", hint="Mend the arguments and call again.") from None

    def _fault(self, fault: Any) -> str:
        place = ".".join(str(part) for part in fault["loc"]) or "arguments"
        if fault["type"] == "extra_forbidden":
            return f"unknown argument {place[:80]!r}; {did_you_mean(place, self.arguments.model_fields)}"
        return f"{place[:80]}: {fault['msg']}"


@dataclass(frozen=True)
class Answered:
    """What a call came to."""

    answer: Json

    @property
    def ok(self) -> bool:
        return self.answer.get("ok") is True

    @property
    def code(self) -> str | None:
        error = self.answer.get("error")
        return None if self.ok or not isinstance(error, dict) else str(error.get("code"))


Calling = Callable[[Context, Tool[C], Mapping[str, Any] | None], Awaitable[Answered]]


def as_text(answer: Json) -> str:
    """Write an answer as JSON; a lone surrogate in somebody's payload is valid as an escape, not as UTF-8."""
    text = json.dumps(answer, ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(answer, default=str)
    return text


def server_of(
    name: str,
    instructions: str,
    tools: Iterable[Tool[C]],
    calling: Calling[C],
    write: Callable[[Json], str] = as_text,
) -> Server[Any]:
    """Make an MCP server of tools; `calling` finds out who calls, runs the tool and records the call.

    `write` puts an answer into words for the agent.
    """
    by_name = {tool.name: tool for tool in tools}
    described = types.ListToolsResult(tools=[tool.described for tool in by_name.values()])

    async def list_tools(
        context: Context,  # noqa: ARG001 - every caller sees the same
        params: types.PaginatedRequestParams | None,  # noqa: ARG001 - all fit on one page
    ) -> types.ListToolsResult:
        return described

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = by_name.get(params.name)
        if tool is None:
            text = f"there is no tool {params.name[:80]!r}; {did_you_mean(params.name, by_name)}"
            done = Answered(described_error(UsageError(text, hint="Call one that tools/list names.")))
        else:
            done = await calling(context, tool, params.arguments)
        content = types.TextContent(text=write(done.answer))
        return types.CallToolResult(content=[content], is_error=not done.ok)

    return Server(
        name,
        version=__version__,
        instructions=instructions,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def answered(
    tool: Tool[C], caller: C, given: Mapping[str, Any] | None, hints: Mapping[str, str]
) -> Answered:
    """Run a tool and give its answer, whatever happens; `hints` are what an agent is to do about a code."""
    try:
        return Answered({"ok": True, **await tool.run(caller, tool.take(given))})
    except WatchkeeperError as error:
        return Answered(described_error(error, hints))
    except Exception as error:  # noqa: BLE001 - the last net: an agent gets JSON, never a traceback
        return Answered(described_error(_unforeseen(tool.name, error), hints))


def described_error(error: WatchkeeperError, hints: Mapping[str, str] | None = None) -> Json:
    """Describe an error as the contract does; `hints` take the place of the server's, which are for people."""
    from_there = isinstance(error, Refused | ServerUnreachable)
    code = error.refusal if isinstance(error, Refused) else error.code
    hint = (hints or {}).get(code, error.advice) if from_there else error.advice
    told: Json = {"code": code, "message": error.message, "hint": hint}
    if error.details:
        told["details"] = error.details
    return {"ok": False, "error": told}


def _unforeseen(name: str, error: Exception) -> WatchkeeperError:
    """Describe what nobody foresaw by kind and place only: its text might hold a token."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    log("mcp_call_broke", tool=name, detail=f"{type(error).__name__} at {place}")
    text = f"the call broke off: {type(error).__name__}"
    return WatchkeeperError(text, hint="Try once more; then go on without it and say so.", at=place)


def _without_titles(schema: Any) -> Any:
    """Leave out the titles that pydantic makes of names: an agent reads every word of this."""
    if isinstance(schema, dict):
        return {name: _without_titles(value) for name, value in schema.items() if not _is_title(name, value)}
    return [_without_titles(value) for value in schema] if isinstance(schema, list) else schema


def _is_title(name: str, value: Any) -> bool:
    return name == "title" and isinstance(value, str)
