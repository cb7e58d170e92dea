"""The Responses API, as Codex speaks it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stubmodel.script import Contract, Shell, Step

Json = dict[str, Any]
Offered = Mapping[str, str | None]

POLLS = ("write_stdin", "tool_search")
RUNNING = re.compile(r"Process running with session ID (\d+)")
ABORTED = '"aborted"'


def step_of(body: Json) -> tuple[int, list[int]]:
    """Say how many answers and batches of results there have been, and which commands the last batch left running.

    A call that was cut off by a kill does not count, nor does a look at a command that still runs.
    """
    number, batch, running = 0, [], []
    names: dict[str, str] = {}
    for item in [*body.get("input", []), {"type": "end"}]:
        kind = item.get("type", "message")
        if kind.endswith("_output"):
            batch.append((names.get(item.get("call_id"), ""), json.dumps(item.get("output"))))
            continue
        if batch and kind != "reasoning":
            running = [int(found) for _, output in batch for found in RUNNING.findall(output)]
            number += any(name not in POLLS and output != ABORTED for name, output in batch)
            batch = []
        if kind.endswith("_call"):
            names[item.get("call_id")] = item.get("name") or kind.removesuffix("_call")
        number += kind == "message" and item.get("role") == "assistant"
    return number - bool(running), running


def events_of(step: Step, body: Json, name: str, running: list[int]) -> Iterator[tuple[str, Json]]:
    """Give the stream of one answer; commands that still run are looked at first, as a model would."""
    about = {"id": name, "object": "response", "status": "in_progress", "output": []}
    yield "response.created", {"response": about}
    if running:
        items = [_look(name, number) for number in running]
    elif isinstance(step, str):
        items = [_message(name, step)]
    else:
        items = [_call(step, _offered(body), name)]
    for index, item in enumerate(items):
        yield "response.output_item.added", {"output_index": index, "item": {**item, "status": "in_progress"}}
        if item["type"] == "message":
            yield from _text(item, index)
        yield "response.output_item.done", {"output_index": index, "item": item}
    used = {"input_tokens": len(json.dumps(body)) // 4, "output_tokens": 20, "total_tokens": 0}
    used |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    yield "response.completed", {"response": {**about, "status": "completed", "output": items, "usage": used}}


def refusal_of(name: str, refusal: Mapping[str, str]) -> Iterator[tuple[str, Json]]:
    yield "response.created", {"response": {"id": name, "status": "in_progress"}}
    yield "response.failed", {"response": {"id": name, "status": "failed", "error": dict(refusal)}}


def _message(name: str, text: str) -> Json:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {
        "type": "message",
        "id": f"msg_{name}",
        "status": "completed",
        "role": "assistant",
        "content": content,
    }


def _text(item: Json, index: int) -> Iterator[tuple[str, Json]]:
    place = {"item_id": item["id"], "output_index": index, "content_index": 0}
    text = item["content"][0]["text"]
    yield (
        "response.content_part.added",
        {**place, "part": {"type": "output_text", "text": "", "annotations": []}},
    )
    for start in range(0, len(text), 12):
        yield "response.output_text.delta", {**place, "delta": text[start : start + 12]}
    yield "response.output_text.done", {**place, "text": text}
    yield "response.content_part.done", {**place, "part": item["content"][0]}


def _look(name: str, number: int) -> Json:
    return _function(
        f"{name}_{number}", "write_stdin", {"session_id": number, "chars": "", "yield_time_ms": 10_000}
    )


def _offered(body: Json) -> dict[str, str | None]:
    """Give the tools on offer with their namespaces: of the request, of items in it, and what a search has found."""
    tools = list(body.get("tools") or [])
    for item in body.get("input", []):
        if item.get("type") in ("additional_tools", "tool_search_output"):
            tools += item.get("tools") or []
    offered: dict[str, str | None] = {}
    for tool in tools:
        if tool.get("type") == "namespace":
            offered |= {inner["name"]: tool.get("name") for inner in tool.get("tools", [])}
        else:
            offered[tool.get("name") or tool.get("type")] = None
    return offered


def _call(call: Shell | Contract, offered: Offered, name: str) -> Json:
    if isinstance(call, Shell):
        if "exec_command" in offered:
            return _function(name, "exec_command", {"cmd": call.command}, offered)
        return _function(name, "shell_command", {"command": call.command}, offered)
    found = [tool for tool in offered if tool == call.tool or tool.endswith(f"__{call.tool}")]
    if not found and "tool_search" in offered:
        # Tools of MCP servers are looked up before they can be called.
        asked = {"query": f"watchkeeper {call.tool}", "limit": 8}
        told = {
            "type": "tool_search_call",
            "id": f"tsc_{name}",
            "call_id": f"call_{name}",
            "status": "completed",
        }
        return {**told, "execution": "client", "arguments": asked}
    return _function(
        name, found[0] if found else f"mcp__watchkeeper__{call.tool}", dict(call.arguments), offered
    )


def _function(name: str, tool: str, arguments: Json, offered: Offered | None = None) -> Json:
    item = {"type": "function_call", "id": f"fc_{name}", "call_id": f"call_{name}", "status": "completed"}
    space = (offered or {}).get(tool)
    return {
        **item,
        **({"namespace": space} if space else {}),
        "name": tool,
        "arguments": json.dumps(arguments),
    }
