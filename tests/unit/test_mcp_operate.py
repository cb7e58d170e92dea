"""What a person's own agent can reach: every read of a viewer, three kinds of suggestion, and nothing else."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.interfaces.mcp import contract, operate
from watchkeeper.interfaces.mcp.bounds import MOST_CHARS
from watchkeeper.interfaces.mcp.desk import LISTS, REPORTS, THINGS, Desk
from watchkeeper.interfaces.mcp.fence import NOTE, fenced
from watchkeeper.interfaces.mcp.toolbox import Answered, Tool, answered

ROUTES = json.loads((Path(__file__).parents[2] / "docs/reference/openapi.json").read_text())["paths"]
SUGGESTING = {"suggest_repair", "propose"}
NOT_OFFERED = {
    "/api/views": "pages of the console, which a person opens",
    "/events": "a stream without data",
    "/healthz": "no right needed",
    "/readyz": "no right needed",
    "/metrics": "figures for a machine that gathers them; queue_health and reports tell them to people",
    "/api/artifacts/{artifact_id}": "files, which a person opens",
    "/api/watchdog/incidents/{incident_id}/export": "a download; show tells the same",
    "/api/maintenance-windows": "grants of people to act on a host",
    "/api/host/remediations": "acts of people on a host",
    "/api/host/remediations/{remediation_id}": "acts of people on a host",
    "/api/host/incidents/{incident_id}/assets": "acts of people on a host",
    "/api/host/playbooks": "acts of people on a host",
    "/api/bulk-acts": "acts of people on their jobs",
    "/api/bulk-acts/preview": "acts of people on their jobs",
    "/api/bulk-acts/{act_id}": "acts of people on their jobs",
    "/api/console-sessions": "a person's own browsers, no matter of an agent's",
    "/api/pls/watchdog/workers/{worker_id}/status": "another name of a path that is offered",
}
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "queue_health": [{}],
    "policy": [{}],
    "why": [{"subject": "report", "of": "kind"}],
    "list": [{"what": what, "limit": 3} for what in LISTS],
    "show": [{"what": what, "id": "x1"} for what in THINGS],
    "report": [{"name": name} for name in REPORTS],
    "suggest_repair": [{"action": "release", "reason": "r", "job": "j1"}],
    "suggest_decision": [
        {
            "kind": "k",
            "decision": "d",
            "problem": "p",
            "recommendation": "r",
            "reasoning": "w",
            "options": ["a"],
        }
    ],
    "suggest_lesson": [{"learned": ["l"], "topic_key": "t"}],
}
TOOLS = {tool.name: tool for tool in operate.TOOLS}


def asked(tool: Tool[Desk], arguments: dict[str, Any]) -> tuple[Answered, list[httpx2.Request]]:
    """Call a tool before a server that takes everything; give the answer and what was asked of that server."""
    requests: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return httpx2.Response(200, json={"ok": True})

    async def call() -> Answered:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(take)) as http:
            return await answered(tool, Desk(http, "http://server", "p"), arguments, operate.HINTS)

    return asyncio.run(call()), requests


def route_of(request: httpx2.Request) -> tuple[str, dict[str, Any]]:
    for path, methods in ROUTES.items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), request.url.path) and "{" not in request.url.path:
            found = methods.get(request.method.lower())
            if found is not None and not ("{" in path and request.url.path in ROUTES):
                return path, found
    raise AssertionError(f"{request.method} {request.url.path} is no route")


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_reads_as_a_viewer_or_suggests(name: str) -> None:
    """Each call of each tool is a read of a viewer, or a suggestion that waits for people; it says which it is."""
    for arguments in ARGUMENTS[name]:
        done, requests = asked(TOOLS[name], arguments)
        assert done.ok, done.answer
        ((path, route),) = [route_of(request) for request in requests]
        assert requests[0].url.params["project"] == "p"
        if TOOLS[name].reads:
            assert (requests[0].method, route["x-rights"]) == ("GET", ["read"]), path
        else:
            assert (requests[0].method, set(route["x-rights"]) <= SUGGESTING) == ("POST", True), path
        described = TOOLS[name].described.annotations
        assert described is not None
        assert described.read_only_hint is TOOLS[name].reads


def test_everything_that_a_viewer_reads_is_offered() -> None:
    """A read that is offered nowhere, and is not left out for a reason, fails here."""
    reached = {
        route_of(request)[0]
        for name, tool in TOOLS.items()
        for arguments in ARGUMENTS[name]
        for request in asked(tool, arguments)[1]
    }
    readable = {
        path for path, methods in ROUTES.items() if methods.get("get", {}).get("x-rights") == ["read"]
    }
    assert readable - reached <= set(NOT_OFFERED)


def test_the_filters_of_lists_are_those_of_their_routes() -> None:
    """Each list takes the filters that its route knows, all of them offered by the tool; others are refused."""
    offered = set(operate.List.model_fields)
    for what, listing in LISTS.items():
        known = {parameter["name"] for parameter in ROUTES[listing.path]["get"].get("parameters", ())}
        assert set(listing.filters) <= known & offered, what
        assert listing.pages is ("cursor" in known), what
    done, requests = asked(TOOLS["list"], {"what": "workers", "severity": "high"})
    assert (done.code, requests) == ("usage", [])


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("show", {"what": "repair", "id": "x/../../policy"}),
        ("show", {"what": "repair", "id": ".."}),
        ("show", {"what": "repair", "id": "x\n"}),
        ("show", {"what": "approve", "id": "x"}),
        ("show", {"what": "repair", "id": ""}),
        ("show", {"what": "repair", "id": "x", "after": 1}),
        ("list", {"what": "tokens"}),
        ("list", {"what": "jobs", "limit": 101}),
        ("list", {"what": "workers", "cursor": "c"}),
        ("report", {"name": "stages", "days": 3}),
        ("why", {"subject": "a/b"}),
        ("suggest_repair", {"action": "release", "reason": "r", "approve": True}),
        ("suggest_lesson", {"learned": ["l"], "state": "published"}),
    ],
)
def test_nothing_leads_elsewhere(tool: str, arguments: dict[str, Any]) -> None:
    """Ids that are paths, unknown lists and arguments that are not offered are refused; nothing is sent."""
    done, requests = asked(TOOLS[tool], arguments)
    assert (done.code, requests) == ("usage", [])


@settings(max_examples=50)
@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_text_leaves_its_marks(value: Any) -> None:
    """Whatever others wrote stands between two marks that only this answer has, and is JSON inside."""
    text = fenced({"ok": True, "value": value})
    note, mark, inside, end = re.fullmatch(
        r"(.*)\n<data-(\w{16})>\n(.*)\n</data-(\w{16})>", text, re.DOTALL
    ).groups()
    assert (note, end) == (NOTE, mark)
    assert "<" not in inside
    assert json.loads(inside) == {"ok": True, "value": value}


def test_a_long_answer_is_cut_and_says_so() -> None:
    """However much there is to tell, an agent is handed a bounded part of it."""
    for value in (
        {"a": "x" * 10**6},
        {"rows": [{"t": "y" * 900}] * 5_000},
        {str(n): "z" for n in range(30_000)},
    ):
        text = fenced({"ok": True, **value})
        assert len(text) < MOST_CHARS + 500
        assert "cut" in text


@pytest.mark.parametrize("tools", [contract.TOOLS, operate.TOOLS])
def test_tools_teach_in_few_words(tools: tuple[Tool[Any], ...]) -> None:
    """Each tool says what it is for, in words that an agent reads each time: and short."""
    for tool in tools:
        described = tool.described
        assert 40 < len(described.description or "") < 700, tool.name
        assert described.input_schema["type"] == "object"
        for name, argument in described.input_schema.get("properties", {}).items():
            assert "title" not in argument, (tool.name, name)
