"""The contract's tools over MCP, by the official client, against a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.work_agent.desk import PAGE, Desk
from e2e.work_agent.mcp_jobs import as_worker, held_job
from mcp_agent import agent_over_http
from watchkeeper.domain.sessions.facts import ContractCall
from watchkeeper.interfaces.mcp.holder import Patience
from watchkeeper.interfaces.mcp.host import ContractHost
from watchkeeper.services.supervision.contract_host import ContractSession

CONTRACT = {"required_kinds": ["html_page"], "primary": {"kinds": ["html_page"], "min_bytes": 1}}


@pytest.fixture
def host(desk: Desk) -> Iterator[ContractHost]:
    """The server of a worker's place; refusals are not slow here."""
    (desk.place / "worker").mkdir()
    host = ContractHost(desk.url, 1024 * 1024, patience=Patience(8.0, 0.1), slow_seconds=0.0)
    host.start(desk.place / "worker")
    yield host
    host.stop()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_job_goes_from_its_context_to_a_verified_completion(
    desk: Desk, host: ContractHost, mode: str
) -> None:
    """An agent reads its job, reports, uploads, is told what fails, mends it, and completes it, verified."""
    held = held_job(desk, kind="page", payload={"prompt": "make a page"}, contract=CONTRACT)
    calls: list[ContractCall] = []
    host.register(
        held.token, ContractSession(held.job, held.workspace, lambda call, thread: calls.append(call))
    )
    async with agent_over_http(host.address, held.token, mode) as agent:
        context = await agent.call("context")
        assert context["job"]["payload"] == {"prompt": "make a page"}
        assert (await agent.call("progress", message="reading", phase="reading_context"))[
            "status"
        ] == "running"
        held.write("site/index.html", "pending publish")
        assert [one["name"] for one in (await agent.call("upload_files", paths=["site"]))["artifacts"]] == [
            "index.html"
        ]
        assert (await agent.call("verify"))["failed"]
        held.write("site/index.html", PAGE)
        done = await agent.call(
            "complete", summary="a page", artifacts=[{"kind": "html_page", "path": "site", "primary": True}]
        )
    assert (done["status"], done["verified"]) == ("completed", "artifact")
    assert desk.job(held.job)["state"] == "completed"
    assert [(call.command, call.ok) for call in calls] == [
        ("context", True),
        ("progress", True),
        ("upload-files", True),
        ("verify", True),
        ("complete", True),
    ]
    assert (calls[1].phase, calls[2].artifacts) == ("reading_context", 1)


async def test_an_agent_whose_lease_is_over_is_told_to_stop(desk: Desk, host: ContractHost) -> None:
    """A token of an epoch that is over changes nothing any more, and the answer says so."""
    held = held_job(desk, kind="page")
    host.register(held.token, ContractSession(held.job, held.workspace))
    as_worker(desk, f"jobs/{held.job}/release", {"reason": "another is to do it"}, held.lease)
    async with agent_over_http(host.address, held.token) as agent:
        for tool, given in [("progress", {"message": "m"}), ("complete", {"summary": "s"}), ("context", {})]:
            refusal = await agent.refused(tool, **given)
            assert (refusal["code"], refusal["hint"][:9]) == ("stale_lease", "Stop now:"), tool
    assert desk.job(held.job)["state"] == "pending"
