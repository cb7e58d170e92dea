"""The contract's tools of a worker, over HTTP, against a server whose troubles are scripted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interfaces.agent_tools.names import LIMIT, OTHER, TOKEN
from interfaces.contract_server import JOB, ContractServer, Gate, Trouble, answer, error
from mcp_agent import agent_over_http
from watchkeeper.domain.sessions.facts import ContractCall
from watchkeeper.interfaces.mcp.host import ContractHost
from watchkeeper.services.supervision.contract_host import ContractSession


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


async def test_a_check_that_takes_longer_than_the_call_may_is_told_so(
    contract: ContractServer, host_of: Callable[..., ContractHost], workspace: Path
) -> None:
    """The agent hears that its end or its check is still under way, and asks again; nothing hangs on its client."""
    gate = Gate()
    checking = {"ok": True, "status": "running", "phase": "verifying"}
    contract.always["complete"] = answer(202, checking)
    contract.always["verify"] = Trouble(gate=gate)
    host = host_of(contract.url, patience=0.5)
    host.register(TOKEN, ContractSession(JOB, workspace))
    async with agent_over_http(host.address, TOKEN) as agent:
        assert (await agent.refused("complete", summary="s"))["code"] == "queued"
        assert (await agent.refused("verify"))["code"] == "queued"
    gate.opened.set()


async def test_two_files_of_one_name_are_refused_before_either_is_sent(
    host: ContractHost, contract: ContractServer, workspace: Path
) -> None:
    """The store knows files by name: the second would silently take the place of the first."""
    for name in ("a/page.html", "b/page.html"):
        (workspace / name).parent.mkdir()
        (workspace / name).write_text(name)
    async with agent_over_http(host.address, TOKEN) as agent:
        refusal = await agent.refused("upload_files", paths=["a/page.html", "b/page.html"])
    assert "'page.html': a/page.html and b/page.html" in refusal["message"]
    assert not contract.seen


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
