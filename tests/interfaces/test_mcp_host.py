"""The contract's tools of a worker over HTTP, against a server whose troubles are scripted."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from interfaces.contract_server import JOB, OTHER_JOB, ContractServer, Gate, Trouble, answer, error
from mcp_agent import agent_over_http
from watchkeeper.domain.sessions.facts import ContractCall
from watchkeeper.interfaces.mcp.door import RUNNING, WAITING
from watchkeeper.interfaces.mcp.holder import Patience
from watchkeeper.interfaces.mcp.host import PORT_FILE, ContractHost
from watchkeeper.services.supervision.contract_host import ContractSession

TOKEN = "wkj_job_token_that_nobody_may_see"
OTHER = "wkj_token_of_another_session"
LIMIT = 1000


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def host_of(tmp_path: Path) -> Iterator[Callable[..., ContractHost]]:
    """Start hosts on this test's place; refusals are not slow, patience is short."""
    hosts: list[ContractHost] = []

    def start(url: str, patience: float = 20.0) -> ContractHost:
        host = ContractHost(url, LIMIT, patience=Patience(patience, 0.1), slow_seconds=0.0)
        host.start(tmp_path)
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        host.stop()


@pytest.fixture
def host(contract: ContractServer, host_of: Callable[..., ContractHost], workspace: Path) -> ContractHost:
    host = host_of(contract.url)
    host.register(TOKEN, ContractSession(JOB, workspace))
    return host


def post(address: str, token: str = TOKEN, **more: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    headers |= {"Accept": "application/json, text/event-stream"} | more.pop("headers", {})
    return httpx2.post(address, headers=headers, trust_env=False, timeout=30, **more)


async def test_tools_are_called_with_the_sessions_own_token_and_job(
    host: ContractHost, contract: ContractServer
) -> None:
    """What an agent asks is asked of the server with its job token, for its job, with the arguments it gave."""
    async with agent_over_http(host.address, TOKEN) as agent:
        await agent.call("progress", message="half of it", phase="build", payload={"done": 5})
        await agent.call("release", reason="asked to stop")
    assert [(seen.verb, seen.job) for seen in contract.seen] == [("progress", JOB), ("release", JOB)]
    assert {seen.headers["authorization"] for seen in contract.seen} == {f"Bearer {TOKEN}"}
    assert [seen.lease for seen in contract.seen] == [None, None]
    assert contract.seen[0].json == {"message": "half of it", "phase": "build", "payload": {"done": 5}}


async def test_whoever_watches_the_session_is_told_of_every_call(
    contract: ContractServer, host_of: Callable[..., ContractHost], workspace: Path
) -> None:
    """Command, phase, error and artifacts of each call are told, with the thread that Codex names."""
    told: list[tuple[ContractCall, str | None]] = []
    host = host_of(contract.url)
    host.register(TOKEN, ContractSession(JOB, workspace, lambda *call: told.append(call)))
    (workspace / "index.html").write_text("a page")
    contract.troubles["verify"].append(error(409, "stale_lease"))
    async with agent_over_http(host.address, TOKEN) as agent:
        await agent.call("progress", message="m", phase="build")
        await agent.call("upload_files", paths=["index.html"])
        refusal = await agent.refused("verify")
    assert "Stop now" in refusal["hint"]
    assert told == [
        (ContractCall("progress", True, None, "build", 0), "thread-1"),
        (ContractCall("upload-files", True, None, None, 1), "thread-1"),
        (ContractCall("verify", False, "stale_lease", None, 0), "thread-1"),
    ]


NOT_FROM_HERE = {
    "../secret.txt": "does not lie in the workspace",
    "/etc/passwd": "does not lie in the workspace",
    "": "does not lie in the workspace",
    "link.txt": "is a symbolic link",
    "away/secret.txt": "is a symbolic link",
    "hard.txt": "has 2 names",
    "pipe": "is a pipe, socket or device",
    "big.bin": f"the limit is {LIMIT}",
    "nothing.txt": "is not in the workspace",
    "a\0b": "is no Unicode text",
}


async def test_no_path_leads_out_of_the_workspace(
    host: ContractHost, contract: ContractServer, workspace: Path
) -> None:
    """What lies elsewhere, is a link, is no file or too large is refused with its reason, by both tools."""
    outside = workspace.parent / "secret.txt"
    outside.write_text("the control plane's")
    (workspace / "link.txt").symlink_to(outside)
    (workspace / "away").symlink_to(outside.parent)
    (workspace / "hard.txt").hardlink_to(outside)
    os.mkfifo(workspace / "pipe")
    (workspace / "big.bin").write_bytes(b"x" * (LIMIT + 1))
    async with agent_over_http(host.address, TOKEN) as agent:
        for path, problem in NOT_FROM_HERE.items():
            refusal = await agent.refused("upload_files", paths=[path])
            assert (refusal["code"], problem in refusal["message"]) == ("contract_rejected", True), refusal
            handed_in = [{"kind": "html_page", "path": path}]
            assert await agent.refused("complete", summary="s", artifacts=handed_in) == refusal
    assert not contract.seen


async def test_a_completion_uploads_what_it_names_and_follows_the_check(
    host: ContractHost, contract: ContractServer, workspace: Path
) -> None:
    """A directory is uploaded and named by its page; while the gate checks, the call goes on and says so."""
    (workspace / "site").mkdir()
    (workspace / "site/index.html").write_text("a page")
    (workspace / "site/style.css").write_text("a {}")
    checking = {"ok": True, "status": "running", "phase": "verifying"}
    contract.troubles["complete"].append(answer(202, checking, **{"Retry-After": "1"}))
    async with agent_over_http(host.address, TOKEN) as agent:
        done = await agent.call(
            "complete", summary="s", artifacts=[{"kind": "html_page", "path": "site", "primary": True}]
        )
        assert "checking" in agent.heard[-1]
    assert done["status"] == "completed"
    assert contract.last("files").files == {"index.html": b"a page", "style.css": b"a {}"}
    assert contract.last("complete").json["artifacts"] == [
        {
            "kind": "html_page",
            "primary": True,
            "files": ["index.html", "style.css"],
            "artifact_id": "art-index.html",
        }
    ]


async def test_failed_checks_come_back_with_what_to_do(host: ContractHost, contract: ContractServer) -> None:
    """What the gate would not take is named check by check, so that the agent can mend it."""
    failed = [{"check": "missing_kind", "detail": "no html_page among the artifacts"}]
    contract.troubles["complete"].append(error(422, "contract_rejected", failed=failed))
    async with agent_over_http(host.address, TOKEN) as agent:
        refusal = await agent.refused("complete", summary="s", artifacts=[])
    assert refusal["details"] == {"failed": failed}
    assert "call complete again" in refusal["hint"]


async def test_a_server_that_is_away_is_told_in_words(
    contract: ContractServer, host_of: Callable[..., ContractHost], workspace: Path
) -> None:
    """While the server is away a report says so, and an end of the job is kept where it can be kept."""
    kept: list[tuple[str, Any]] = []
    host = host_of(contract.url, patience=0.5)
    contract.stop()
    host.register(TOKEN, ContractSession(JOB, workspace))
    host.register(OTHER, ContractSession(JOB, workspace, keep=lambda *end: kept.append(end)))
    (workspace / "index.html").write_text("a page")
    handed_in = [{"kind": "html_page", "path": "index.html"}]
    async with agent_over_http(host.address, TOKEN) as agent:
        assert (await agent.refused("context"))["code"] == "server_unreachable"
        assert (await agent.refused("fail", reason="r"))["code"] == "server_unreachable"
    async with agent_over_http(host.address, OTHER) as agent:
        queued = await agent.refused("complete", summary="s", artifacts=handed_in)
        assert (queued["code"], queued["hint"]) == (
            "queued",
            "End your turn; there is nothing left for you to do.",
        )
    assert kept == [("complete", {"summary": "s", "artifacts": handed_in})]


async def test_a_server_that_comes_back_within_the_call_is_not_missed(
    host: ContractHost, contract: ContractServer
) -> None:
    """An answer that went astray is asked for again, and the agent never hears of it."""
    contract.troubles["fail"] += [Trouble(act=True), error(429, "rate_limited", {"Retry-After": "1"})]
    async with agent_over_http(host.address, TOKEN) as agent:
        assert (await agent.call("fail", reason="cannot"))["status"] == "pending"
    assert contract.verbs() == ["fail", "fail", "fail"]


async def test_wrong_arguments_are_answered_with_what_was_meant(
    host: ContractHost, contract: ContractServer
) -> None:
    """An unknown tool, an unknown argument and a missing one are refused by name, and nothing is sent."""
    async with agent_over_http(host.address, TOKEN) as agent:
        assert "'context'" in (await agent.refused("contxt"))["message"]
        assert "'message'" in (await agent.refused("progress", mesage="m"))["message"]
        assert "reason" in (await agent.refused("fail"))["message"]
        assert (await agent.refused("complete", summary="s", artifacts="all"))["code"] == "usage"
    assert not contract.seen


async def test_an_answer_without_text_for_it_and_a_fault_of_ours_are_still_json(
    host: ContractHost, contract: ContractServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lone surrogate is handed on as an escape; a defect is told by kind and place, never with a token."""
    contract.troubles["context"].append(answer(200, {"ok": True, "job": {"payload": "half \ud83d"}}))
    async with agent_over_http(host.address, TOKEN) as agent:
        assert (await agent.call("context"))["job"]["payload"] == "half \ud83d"

        def broken(*_: Any) -> None:
            raise KeyError(TOKEN)

        monkeypatch.setattr("watchkeeper.interfaces.mcp.holder._told", broken)
        text = await agent.text("context")
    assert "internal_error" in text
    assert "KeyError" in text
    assert TOKEN not in text


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
        while sum(task.done() for task in flood) < len(flood) - RUNNING - WAITING:
            await asyncio.wait(flood, timeout=10, return_when=asyncio.FIRST_COMPLETED)
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
