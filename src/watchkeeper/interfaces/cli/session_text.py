"""A session's events as lines for people. Agents wrote what is in them: no control character reaches a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Fields = Mapping[str, Any]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
CONVERSATION = frozenset(
    {
        "began",
        "turn_began",
        "said",
        "tool_opened",
        "tool_closed",
        "retrying",
        "limited",
        "waits",
        "turn_ended",
    }
)
SHELLS = frozenset({"command_execution", "Bash"})
"""Tools whose argument is a command."""

INDENT = "\n    "


def safe(text: str) -> str:
    """Show control characters, and what turns the direction of writing, as what they are."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def line_of(event: Mapping[str, Any]) -> str:
    """Give one event as text; one that is not known with all its fields."""
    fields: Fields = event["fields"]
    say = _WORDS.get(event["event"]) if event["source"] in ("stdout", "watch") else None
    count = fields.get("count")
    times = f" ({count} times)" if isinstance(count, int) and count > 1 else ""
    if say is not None:
        # A line of a text must not look like one of ours.
        return INDENT.join(safe(say(fields)).split("\n")) + times
    told = {name: value for name, value in fields.items() if name != "count"}
    return safe(f"{event['source']} {event['event']} {json.dumps(told, ensure_ascii=False)}") + times


def at(seconds: float) -> str:
    """Give a moment of a session, counted from its start."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def is_conversation(event: Mapping[str, Any]) -> bool:
    """Say whether an event belongs to what was said and done, and not to how the session fared."""
    return event["source"] == "contract" or (event["source"] == "stdout" and event["event"] in CONVERSATION)


def _tool(fields: Fields) -> str:
    tool, shown = fields.get("tool"), str(fields.get("shown") or "")
    return f"$ {shown}" if shown and tool in SHELLS else f"> {tool} {shown}".rstrip()


def _result(fields: Fields) -> str:
    code, shown = fields.get("exit_code"), str(fields.get("shown") or "")
    how = "failed" if fields.get("failed") else "done"
    exited = f", exit code {code}" if code else ""
    return f"< {how}{exited}" + (f"\n{shown}" if shown else "")


def _end(fields: Fields) -> str:
    trouble = f" ({fields['trouble']})" if fields.get("trouble") else ""
    text = f": {fields['text']}" if fields.get("text") else ""
    return ("--- turn over" if fields.get("ok", True) else "--- turn failed") + trouble + text


def _limit(fields: Fields) -> str:
    return f"! the provider refuses for a while {_one_line(fields)}".rstrip()


def _one_line(fields: Fields) -> str:
    return " ".join(str(fields.get("text") or "").split())


def _held(fields: Fields) -> str:
    if not fields.get("failure"):
        return "= held for healthy"
    return f"= {fields['failure']}: {fields.get('because')} (next: {fields.get('action')})"


_WORDS: dict[str, Callable[[Fields], str]] = {
    "began": lambda fields: (
        f"--- thread {fields.get('thread') or '-'}, version {fields.get('version') or '-'}"
    ),
    "turn_began": lambda _: "--- turn",
    "said": lambda fields: f"agent: {fields.get('text', '')}",
    "tool_opened": _tool,
    "tool_closed": _result,
    "stirred": lambda fields: f". {fields.get('what')}",
    "retrying": lambda fields: f"! tries again: {fields.get('trouble')} {_one_line(fields)}".rstrip(),
    "limited": _limit,
    "waits": lambda fields: f"! waits for a person: {fields.get('reason')}",
    "spent": lambda fields: f". {fields.get('tokens')} tokens, {fields.get('cost', '-')} $",
    "turn_ended": _end,
    "diagnosis": _held,
}
