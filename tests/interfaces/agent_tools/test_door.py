"""Who may call the contract's tools of a worker, how much at once, and where they are found again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from interfaces.agent_tools.names import LIMIT, OTHER, TOKEN
from interfaces.contract_server import JOB, OTHER_JOB, ContractServer, Gate, Trouble
from mcp_agent import agent_over_http
from waiting import wait_until
from watchkeeper.interfaces.mcp.door import RUNNING, SESSION, WAITING, Door, Guest, Guests
from watchkeeper.interfaces.mcp.host import PORT_FILE, ContractHost
from watchkeeper.services.supervision.contract_host import ContractSession


def post(address: str, token: str = TOKEN, **more: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    headers |= {"Accept": "application/json, text/event-stream"} | more.pop("headers", {})
    return httpx2.post(address, headers=headers, trust_env=False, timeout=30, **more)


@pytest.mark.parametrize("token", ["wkj_wrong", ".", "wkj_\xe9", OTHER])
def test_a_wrong_or_forgotten_token_is_not_let_in(host: ContractHost, workspace: Path, token: str) -> None:
    """Whoever is no session of this worker, or no more, is answered 401 with what to do."""
    host.register(OTHER, ContractSession(OTHER_JOB, workspace))
    host.forget(OTHER)
    refused = post(host.address, json={}, headers={"Authorization": f"Bearer {token}".encode("latin-1")})
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthenticated")
    assert post(host.address, json={}).status_code != 401


def test_only_calls_from_this_machine_by_its_own_name_are_served(host: ContractHost) -> None:
    """A page in a browser that was led here by a foreign name is refused, and no stream is kept open."""
    assert host.address.startswith("http://127.0.0.1:")
    assert post(host.address, json={}, headers={"Host": "evil.example"}).status_code == 421
    assert post(host.address, json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"}
    assert httpx2.get(host.address, headers=headers, trust_env=False).status_code == 405


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_50_megabytes_is_refused_unread(host: ContractHost, declared: bool) -> None:
    """A body over the limit is refused, whether its length is declared or found out."""
    chunk = b"x" * 1_000_000

    def body() -> Iterator[bytes]:
        for _ in range(50):
            yield chunk

    length = {"Content-Length": "50000000"} if declared else {}
    assert post(host.address, content=body(), headers=length).status_code == 413


async def test_a_session_that_is_taken_over_in_this_moment_is_let_in(workspace: Path) -> None:
    """A call that comes before a restarted worker knows its session again is looked at twice, and is let in."""

    class Late(Guests):
        def of(self, authorization: str | None) -> Guest | None:
            found = super().of(authorization)
            self.add(TOKEN, ContractSession(JOB, workspace))
            return found

    served: list[Any] = []

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        served.append(scope[SESSION].session.job)

    scope = {"type": "http", "method": "POST", "headers": [(b"authorization", f"Bearer {TOKEN}".encode())]}
    await Door(inside, Late(), slow_seconds=0.0)(scope, Mock(), Mock())
    assert served == [JOB]


async def test_two_sessions_keep_apart(host: ContractHost, contract: ContractServer, workspace: Path) -> None:
    """Two agents at once: each reaches its own job and its own workspace, whatever the other does."""
    other = workspace.with_name("other")
    other.mkdir()
    (workspace / "a.txt").write_text("a")
    (other / "b.txt").write_text("b")
    host.register(OTHER, ContractSession(OTHER_JOB, other))
    async with agent_over_http(host.address, TOKEN) as one, agent_over_http(host.address, OTHER) as two:
        await asyncio.gather(
            one.call("upload_files", paths=["a.txt"]), two.call("upload_files", paths=["b.txt"])
        )
        assert "not in the workspace" in (await two.refused("upload_files", paths=["a.txt"]))["message"]
    assert {seen.job: seen.files for seen in contract.seen} == {
        JOB: {"a.txt": b"a"},
        OTHER_JOB: {"b.txt": b"b"},
    }


async def test_a_flooding_agent_holds_up_no_other(
    host: ContractHost, contract: ContractServer, workspace: Path
) -> None:
    """Of one session only so many calls run and wait; while they all hang, another session's call is answered."""
    gate = Gate()
    contract.always["progress"] = Trouble(200, b'{"ok": true}', gate=gate)
    host.register(OTHER, ContractSession(OTHER_JOB, workspace))
    call = {
        "jsonrpc": "2.0",
        "method": "tools/call",
        "params": {"name": "progress", "arguments": {"message": "m"}},
    }
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30, limits=limits) as http:
        flood = [
            asyncio.create_task(http.post(host.address, json=call | {"id": number})) for number in range(60)
        ]
        pending = set(flood)
        while len(pending) > RUNNING + WAITING:
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        hanging = partial(wait_until, lambda: contract.verbs().count("progress") >= RUNNING)
        await asyncio.to_thread(hanging, 30, "the calls that may run")
        async with agent_over_http(host.address, OTHER) as agent:
            assert (await agent.call("context"))["ok"]
        assert contract.verbs().count("progress") == RUNNING
        gate.opened.set()
        answers = [(await task).status_code for task in flood]
    assert sorted(answers) == [200] * (RUNNING + WAITING) + [429] * (60 - RUNNING - WAITING)


async def test_a_restarted_worker_is_found_at_the_same_port(
    host: ContractHost, contract: ContractServer, tmp_path: Path, workspace: Path
) -> None:
    """An agent that outlived its supervisor goes on calling the address that it knows, with no greeting anew."""
    async with agent_over_http(host.address, TOKEN) as agent:
        await agent.call("progress", message="before")
        await asyncio.to_thread(host.stop)
        again = ContractHost(contract.url, LIMIT)
        again.start(tmp_path)
        again.register(TOKEN, ContractSession(JOB, workspace))
        try:
            assert again.address == host.address
            await agent.call("progress", message="after")
        finally:
            await asyncio.to_thread(again.stop)
    assert [seen.json["message"] for seen in contract.seen] == ["before", "after"]


def test_another_port_is_taken_where_the_known_one_is_gone(
    host_of: Callable[..., ContractHost], tmp_path: Path
) -> None:
    """A port that another program has taken meanwhile, or a spoilt note of it, does not keep the worker down."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (tmp_path / PORT_FILE).write_text(f"{taken.getsockname()[1]}\n")
        host = host_of("http://127.0.0.1:1")
        assert str(taken.getsockname()[1]) not in host.address
    assert (tmp_path / PORT_FILE).read_text().strip() in host.address
    host.stop()
    (tmp_path / PORT_FILE).write_text("no port")
    assert post(host_of("http://127.0.0.1:1").address, json={}).status_code == 401


def test_the_hosts_end_is_waited_for(host: ContractHost) -> None:
    """After stop nothing listens any more, and a second stop is no error."""
    address = host.address
    host.stop()
    host.stop()
    with pytest.raises(httpx2.ConnectError):
        post(address, json={})
