"""The Messages API, as Claude Code speaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stubmodel.script import Shell, Step

Json = dict[str, Any]

NOTHING_SAID = "No response requested."
"""What Claude Code itself puts in between when it resumes a turn that was cut off."""

CUT_OFF = ("doesn't want to proceed", "interrupted", "was not completed", "aborted")


def step_of(body: Json) -> int:
    """Say how many answers and batches of results there have been; a call that was cut off does not count."""
    number = 0
    for message in body.get("messages", []):
        content = message.get("content")
        blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
        kinds = {block.get("type") for block in blocks}
        if message.get("role") == "user":
            results = [block for block in blocks if block.get("type") == "tool_result"]
            number += any(not any(words in json.dumps(one) for words in CUT_OFF) for one in results)
        elif message.get("role") == "assistant":
            number += "tool_use" not in kinds and NOTHING_SAID not in json.dumps(blocks)
    return number


def events_of(step: Step, body: Json, name: str) -> Iterator[tuple[str, Json]]:
    """Give the stream of one answer."""
    used = {"input_tokens": len(json.dumps(body.get("messages", []))) // 4, "output_tokens": 1}
    about = {
        "id": f"msg_{name}",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": body.get("model"),
    }
    yield "message_start", {"message": {**about, "stop_reason": None, "stop_sequence": None, "usage": used}}
    if isinstance(step, str):
        yield "content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}
        for start in range(0, len(step), 12):
            delta = {"type": "text_delta", "text": step[start : start + 12]}
            yield "content_block_delta", {"index": 0, "delta": delta}
    else:
        if isinstance(step, Shell):
            tool, given = "Bash", {"command": step.command, "description": "scripted"}
        else:
            tool, given = f"mcp__watchkeeper__{step.tool}", dict(step.arguments)
        block = {"type": "tool_use", "id": f"toolu_{name}", "name": tool, "input": {}}
        yield "content_block_start", {"index": 0, "content_block": block}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(given)}
        yield "content_block_delta", {"index": 0, "delta": delta}
    yield "content_block_stop", {"index": 0}
    reason = "end_turn" if isinstance(step, str) else "tool_use"
    yield (
        "message_delta",
        {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": 20}},
    )
    yield "message_stop", {}
