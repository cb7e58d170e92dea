"""What the lines of Codex, of Claude Code and of plain commands mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.agents import known
from watchkeeper.agents.verdicts import table
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.sessions.events import (
    Began,
    Limited,
    Retrying,
    Said,
    Spent,
    Stirred,
    ToolClosed,
    ToolOpened,
    Trouble,
    TurnEnded,
    Unknown,
    Unreadable,
    Waits,
)

CODEX = known.stream("codex")
CLAUDE = known.stream("claude")
AGENTS = (CODEX, CLAUDE)


def line(**event: Any) -> str:
    return json.dumps(event)


@pytest.mark.parametrize("stream", AGENTS, ids=lambda stream: stream.name)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"type":"item.completed","item":{"id":"it', Unreadable),
        ("\x00\x01\ufffd\ufffd", Unreadable),
        ("", Unreadable),
        ("a line of prose", Unreadable),
        ("[1, 2]", Unreadable),
        ('{"type": 5}', Unknown),
        ("{}", Unknown),
        ('{"type":"telepathy.started"}', Unknown),
        ('{"a":' * 100_000, Unreadable),
        ('{"n":' + "9" * 10_000 + "}", Unreadable),
        ("Do you trust the files in this folder? [y/N]", Waits),
    ],
)
def test_a_line_that_nobody_knows_is_told_and_never_an_error(stream: Any, text: str, expected: type) -> None:
    """Half a line at a death, binary, prose, another version's event: each has a name, none ends the session."""
    assert [type(event) for event in stream.read(text)] == [expected]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=15,
)
KINDS = """thread.started turn.completed turn.failed error item.started item.completed item.updated system
assistant user result rate_limit_event control_request stream_event"""
KEYS = """item error message usage thread_id subtype session_id mcp_servers content result errors modelUsage
rate_limit_info tool_use_result is_error error_status retry_delay_ms total_cost_usd"""
PARTS = ANYTHING | st.fixed_dictionaries(
    {"type": st.sampled_from(["mcp_tool_call", "command_execution", "tool_use", "tool_result", "text"])},
    optional={
        "id": ANYTHING,
        "name": ANYTHING,
        "content": ANYTHING,
        "command": ANYTHING,
        "message": ANYTHING,
    },
)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(KINDS.split()),
    subtype=st.sampled_from(["init", "api_retry", "success", "x"]),
    rest=st.dictionaries(st.sampled_from(KEYS.split()), PARTS),
)
def test_fields_of_any_kind_are_read_without_an_error(kind: str, subtype: str, rest: dict[str, Any]) -> None:
    """A field may be missing or of another type than it was: the line still means something."""
    text = json.dumps({"subtype": subtype, **rest, "type": kind})
    for stream in AGENTS:
        assert stream.read(text)


def test_a_very_long_line_is_read_in_one_go() -> None:
    """A tool's answer of 12 MB closes its call; one that was cut by whoever follows the output closes it too."""
    output = "x" * 12_000_000
    whole = line(
        type="item.completed", item={"id": "item_7", "type": "command_execution", "aggregated_output": output}
    )
    assert [type(event) for event in CODEX.read(whole)] == [ToolClosed]
    cut = whole[:65_536] + " [11934464 bytes left out] " + whole[-65_536:]
    assert [(type(event), event.id) for event in CODEX.read(cut)] == [(ToolClosed, "item_7")]
    block = {"type": "tool_result", "tool_use_id": "toolu_1", "content": output}
    told = line(type="user", message={"content": [block]})
    assert [event.id for event in CLAUDE.read(told)] == ["toolu_1"]
    assert [event.id for event in CLAUDE.read(told[:65_536] + " [bytes left out] " + told[-65_536:])] == [
        "toolu_1"
    ]


def test_texts_can_be_stored_whatever_they_hold() -> None:
    """NUL and halves of characters, which no database takes, are replaced."""
    (told,) = CODEX.read(
        r'{"type":"item.completed","item":{"type":"agent_message","text":"a\u0000b\ud800c"}}'
    )
    assert told == Said("a\N{REPLACEMENT CHARACTER}b?c")


@pytest.mark.parametrize(
    ("reason", "status", "text", "trouble"),
    [
        ("api_error", 500, "API Error: 500", Trouble.SERVER_ERROR),
        ("api_error", 529, "Overloaded", Trouble.OVERLOADED),
        ("api_error", 401, "Invalid API key", Trouble.AUTH),
        ("api_error", 429, "Too many requests", Trouble.RATE_LIMIT),
        ("api_error", 400, "API Error: prompt is too long: 3 > 2", Trouble.CONTEXT_OVERFLOW),
        ("prompt_too_long", None, "Prompt is too long", Trouble.CONTEXT_OVERFLOW),
        ("aborted_tools", None, "", Trouble.INTERRUPTED),
        ("max_turns", None, "", Trouble.TURNS_USED_UP),
        ("a reason of another version", None, "fetch failed", Trouble.NETWORK),
    ],
)
def test_claude_is_judged_by_more_than_its_subtype(
    reason: str, status: Any, text: str, trouble: Trouble
) -> None:
    """`result/success` with `is_error` is a failure, and its reason, status and text tell which."""
    told = line(
        type="result",
        subtype="success",
        is_error=True,
        terminal_reason=reason,
        api_error_status=status,
        result=text,
    )
    assert CLAUDE.read(told)[-1] == TurnEnded(ok=False, trouble=trouble, text=text)


def test_a_result_without_an_error_flag_is_believed_only_with_a_reason_that_fits() -> None:
    """An interrupted turn that calls itself a success is none; a reason that is new is no reason to doubt."""
    interrupted = line(type="result", subtype="success", is_error=False, terminal_reason="aborted_streaming")
    assert CLAUDE.read(interrupted) == [TurnEnded(ok=False, trouble=Trouble.INTERRUPTED)]
    new = line(type="result", subtype="success", is_error=False, terminal_reason="finished_nicely")
    assert CLAUDE.read(new) == [TurnEnded(ok=True)]


def test_the_first_line_of_claude_names_servers_that_did_not_start() -> None:
    """A failed MCP server is told nowhere else; the session id is what the session is resumed by."""
    servers = [{"name": "watchkeeper", "status": "failed"}, {"name": "other", "status": "connected"}]
    told = line(
        type="system", subtype="init", session_id="s-1", claude_code_version="2.1.330", mcp_servers=servers
    )
    assert CLAUDE.read(told)[0] == Began("s-1", "2.1.330", ("watchkeeper",))


def test_calls_of_the_contract_are_known_by_any_way() -> None:
    """A contract command is seen as an MCP tool of either agent, and as the command line in a shell."""
    by_codex = {"id": "1", "type": "mcp_tool_call", "server": "watchkeeper", "tool": "upload_files"}
    by_shell = {
        "id": "2",
        "type": "command_execution",
        "command": "/bin/bash -c 'watchkeeper progress J half'",
    }
    by_claude = {"type": "tool_use", "id": "3", "name": "mcp__watchkeeper__complete", "input": {}}
    other = {"type": "tool_use", "id": "4", "name": "mcp__jobs__complete", "input": {}}
    read = [
        *CODEX.read(line(type="item.started", item=by_codex)),
        *CODEX.read(line(type="item.started", item=by_shell)),
        *CLAUDE.read(line(type="assistant", message={"content": [by_claude, other]})),
    ]
    assert [event.contract for event in read if isinstance(event, ToolOpened)] == [
        "upload-files",
        "progress",
        "complete",
        None,
    ]


def test_the_same_call_has_the_same_digest_whatever_the_order_of_its_arguments() -> None:
    """A loop is known by equal calls; another argument is another call."""
    calls = [
        CLAUDE.read(
            line(type="assistant", message={"content": [{"type": "tool_use", "name": "X", "input": given}]})
        )
        for given in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 3})
    ]
    first, same, other = (call[0].call for call in calls if isinstance(call[0], ToolOpened))
    assert first == same != other


def test_what_a_subagent_says_is_not_said_to_us() -> None:
    """A subagent's message is a stir: only the agent's own words can claim that the work is done."""
    told = line(
        type="assistant", parent_tool_use_id="t1", message={"content": [{"type": "text", "text": "Done!"}]}
    )
    assert CLAUDE.read(told) == [Stirred("text")]


def test_a_limit_of_the_provider_carries_its_reset_time() -> None:
    """Rejected requests tell until when; allowed ones are no limit."""
    told = {"status": "rejected", "resetsAt": 1_790_000_000, "rateLimitType": "five_hour"}
    assert CLAUDE.read(line(type="rate_limit_event", rate_limit_info=told)) == [
        Limited(1_790_000_000, "five_hour")
    ]
    allowed = line(type="rate_limit_event", rate_limit_info={**told, "status": "allowed_warning"})
    assert CLAUDE.read(allowed) == [Stirred("rate_limit")]
    stream = known.stream("codex", clock=lambda: 1_000_000.0)
    text = "You\N{RIGHT SINGLE QUOTATION MARK}ve hit your usage limit. Try again in 2 hours 5 minutes."
    assert stream.read(line(type="error", message=text)) == [Limited(1_007_500.0, text)]


def test_a_retry_tells_how_long_it_waits() -> None:
    """Claude's delay is a field, Codex's stands in the text."""
    told = line(type="system", subtype="api_retry", error_status=529, error="overloaded", retry_delay_ms=1500)
    assert CLAUDE.read(told) == [Retrying(Trouble.OVERLOADED, "overloaded", 1.5)]
    text = "Rate limit reached. Please try again in 1.5s."
    assert CODEX.read(line(type="error", message=text)) == [Retrying(Trouble.RATE_LIMIT, text, 1.5)]


def test_what_was_used_counts_for_the_whole_thread() -> None:
    """Tokens of all kinds and models are summed, and the cost is told where the agent knows it."""
    usage = {
        "input_tokens": 100,
        "cached_input_tokens": 90,
        "output_tokens": 20,
        "reasoning_output_tokens": 5,
    }
    assert CODEX.read(line(type="turn.completed", usage=usage)) == [Spent(120), TurnEnded(ok=True)]
    models = {
        "a": {"inputTokens": 10, "outputTokens": 2, "cacheReadInputTokens": 3},
        "b": {"outputTokens": 4},
    }
    told = line(type="result", subtype="success", is_error=False, total_cost_usd=0.5, modelUsage=models)
    assert CLAUDE.read(told)[0] == Spent(19, 0.5)


def test_a_plain_command_stirs_with_each_line() -> None:
    """Nothing in the output of a command that is no agent can claim anything."""
    stream = known.stream("command")
    assert stream.read('{"type":"turn.completed"}') == [Stirred("output")]
    assert stream.read_error("Error: no rollout found") == [Stirred("output")]


@pytest.mark.parametrize(
    ("agent", "version", "measured"),
    [
        ("codex", "0.169.0", True),
        ("codex", "0.170.0", False),
        ("codex", "codex-cli 1.0", False),
        ("claude", "2.1.330", True),
        ("claude", "2.1.9", False),
        ("claude", "", False),
    ],
)
def test_a_version_that_was_never_tried_is_accepted_and_known_as_such(
    agent: str, version: str, measured: bool
) -> None:
    """Its lines are read all the same; that nobody has measured it is told."""
    assert table(agent, version).measured is measured
    assert known.stream(agent, version).read('{"type":"error","message":"429"}')


def test_an_agent_that_nobody_knows_is_refused_with_the_names_that_are() -> None:
    """The refusal names what could have been meant."""
    with pytest.raises(UsageError, match="known are claude, codex, command"):
        known.stream("eliza")
