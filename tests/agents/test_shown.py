"""What is shown of a tool call: the command or the arguments from their beginning, the result from its end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from secret_examples import PLANTED
from watchkeeper.agents import known
from watchkeeper.agents.json_lines import SHOWN_CHARACTERS
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.sessions.events import SessionEvent, ToolClosed, ToolOpened


def read(agent: str, *lines: dict[str, Any]) -> list[ToolOpened | ToolClosed]:
    stream = known.stream(agent)
    events: list[SessionEvent] = [event for line in lines for event in stream.read(json.dumps(line))]
    return [event for event in events if isinstance(event, ToolOpened | ToolClosed)]


def test_codex_commands_and_tools_are_shown() -> None:
    """A command with its exit code and the end of its output; another tool's arguments, its texts, or why it failed."""
    ran = {"id": "1", "type": "command_execution", "command": "make test"}
    gave = {**ran, "aggregated_output": "x" * 9000 + " 1 failed\n", "exit_code": 2, "status": "failed"}
    asked = {"id": "2", "type": "mcp_tool_call", "server": "files", "tool": "read", "arguments": {"a": "é"}}
    answered = {**asked, "result": {"content": [{"type": "text", "text": "one"}, {"type": "image"}]}}
    broke = {**asked, "error": {"message": "no such file"}, "status": "failed"}
    items = [("started", ran), ("completed", gave), ("started", asked), ("completed", answered)]
    found = read("codex", *({"type": f"item.{kind}", "item": item} for kind, item in items))
    (failed,) = read("codex", {"type": "item.completed", "item": broke})
    assert [event.shown[-12:] for event in found] == ["make test", "1 failed", '{"a": "é"}', "one"]
    assert failed.shown == "no such file"
    assert [event.exit_code for event in found if isinstance(event, ToolClosed)] == [2, None]
    assert found[1].shown == "1 failed", "the end of a word of 9,000 characters is not shown"


def test_claude_commands_and_tools_are_shown() -> None:
    """A shell's command stands as it is, other arguments as JSON; what no database takes is replaced."""
    ran = {"type": "tool_use", "id": "3", "name": "Bash", "input": {"command": "ls", "description": "look"}}
    wrote = {
        "type": "tool_use",
        "id": "4",
        "name": "Write",
        "input": {"file_path": "a", "content": "y" * 9000},
    }
    text = {"type": "tool_result", "tool_use_id": "3", "content": "a\x00b\n"}
    blocks = {"type": "tool_result", "tool_use_id": "4", "content": [{"type": "text", "text": "written"}, 7]}
    found = read(
        "claude",
        {"type": "assistant", "message": {"content": [ran, wrote]}},
        {"type": "user", "message": {"content": [text, blocks]}},
    )
    shown = [event.shown for event in found]
    assert shown[:1] + shown[2:] == ["ls", "a\N{REPLACEMENT CHARACTER}b", "written"]
    assert shown[1].startswith('{"file_path": "a", "content": "yyy')
    assert len(shown[1]) == SHOWN_CHARACTERS


KEY = "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (KEY.format("Qk1z\n" * 2000), ""),
        (KEY.format("Qk1z\n" * 2000) + "kept\n", "kept"),
        (KEY.format("Qk1z\n" * 2000) + KEY.format("a") + "kept", "[redacted:private_key]\nkept"),
        ("words\n" * 2000 + KEY.format("Qk1z\n" * 2000)[:8000], ""),
        ("k" * 9000, ""),
        ("k" * 9000 + " kept", "kept"),
    ],
)
def test_of_a_key_that_is_longer_than_what_is_looked_at_no_end_is_shown(output: str, shown: str) -> None:
    """The end of a key, or of a token, without its beginning would be known for a secret by nobody."""
    block = {"type": "tool_result", "tool_use_id": "1", "content": output}
    (closed,) = read("claude", {"type": "user", "message": {"content": [block]}})
    assert Redactor().redact(closed.shown).strip() == shown


def test_every_planted_secret_in_arguments_is_found() -> None:
    """Arguments are written so that an escape before a secret hides none, wherever in them it stands."""
    for name, (text, secret) in PLANTED.items():
        given = {"path": "a", "content": f"first\n{text}\nlast", "more": [{"x": f"\t{text}"}]}
        block = {"type": "tool_use", "id": "1", "name": "Write", "input": given}
        (opened,) = read("claude", {"type": "assistant", "message": {"content": [block]}})
        kept = Redactor().redact(opened.shown)
        assert secret not in kept, (name, kept)
        assert "first\n" in kept
