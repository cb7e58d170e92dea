"""The contract from end to end: the real command line, a real server, a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from interfaces.api_client import Api, serving
from interfaces.contract_program import Outcome, Program
from interfaces.contract_schemas import holds
from interfaces.test_api_server import server_process, url_of
from watchkeeper.app.whole import App
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.settings import Settings

PAGE = "<!doctype html><title>Queues</title><h1>Queues</h1><p>All is well with them.</p>"


@dataclass
class Address:
    url: str


@dataclass
class Desk:
    """A worker's command line at a running server, and the services behind it."""

    app: App
    program: Program

    async def run(self, *arguments: str) -> Outcome:
        return await asyncio.to_thread(self.program.run, *arguments)

    async def job(self, **fields: object) -> str:
        [made] = await self.app.queue.enqueue("p", [JobRequest("page", {"n": 1}, **fields)], actor="test")
        return made.id

    async def claimed(self, **fields: object) -> str:
        job = await self.job(**fields)
        outcome = await self.run("claim")
        holds("contract-claim.json", outcome.answer)
        assert outcome.answer["job"]["id"] == job
        return job

    def write(self, name: str, text: str) -> Path:
        path = self.program.home.parent / name
        path.write_text(text)
        return path


@pytest.fixture
async def desk(app: App, settings: Settings, tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(app) as api:
        token = await _worker_token(api)
    async with server_process(settings) as process:
        url = await url_of(settings.home, process)
        yield Desk(app, Program(tmp_path / "worker", Address(url), token))


async def _worker_token(api: Api) -> str:
    return await api.token("worker")


async def test_a_job_goes_from_claim_to_verified_completion(desk: Desk) -> None:
    """Every command answers in its published form, and the completed job rests on the file that was checked."""
    job = await desk.claimed(contract={"primary": {"kinds": ["html_page"]}})
    desk.write("page.html", PAGE)
    for command in (
        ["doctor"],
        ["touch"],
        ["context", job],
        ["progress", job, "writing", "building_artifact", "--payload", '{"done": 1}'],
        ["upload-files", job, "page.html"],
        ["verify", job],
    ):
        outcome = await desk.run(*command)
        assert outcome.exit_code == 0, outcome
        holds(f"contract-{command[0]}.json", outcome.answer)
        if command[0] == "upload-files":
            [artifact] = outcome.answer["artifacts"]
    assert artifact["url"] == f"artifact:{artifact['id']}"
    claimed = json.dumps([{"kind": "html_page", "url": artifact["url"], "primary": True}])
    outcome = await desk.run("complete", job, "written", claimed)
    holds("contract-complete.json", outcome.answer)

    assert outcome.answer["verified"] == "artifact"
    assert (await desk.app.insights.job("p", job))["verified"] == "artifact"


async def test_a_job_can_be_named_by_its_foreign_id_all_the_way(desk: Desk) -> None:
    """An agent that knows a job by the caller's own name uses that name in every command, its lease found by it."""
    await desk.job(external_id="team/7")
    for _ in ("claimed", "handed out again"):
        assert (await desk.run("claim")).answer["job"]["external_id"] == "team/7"
    assert (await desk.run("progress", "team/7", "reading", "reading_context")).exit_code == 0
    assert (await desk.run("complete", "team/7", "done", "[]")).answer["status"] == "completed"


async def test_a_completion_can_be_repeated_word_for_word(desk: Desk) -> None:
    """An agent that lost the answer asks again, files named by path included, and is told the same."""
    job = await desk.claimed(contract={})
    path = desk.write("page.html", PAGE)
    command = ["complete", job, "written", json.dumps([{"kind": "html_page", "path": str(path)}])]
    first, second = await desk.run(*command), await desk.run(*command)

    assert first.answer == second.answer == {"ok": True, "status": "completed", "verified": "artifact"}


async def test_a_hollow_page_does_not_turn_green(desk: Desk) -> None:
    """Success over an empty file is refused by name, and the job is stuck for a person to see."""
    job = await desk.claimed(contract={})
    desk.write("page.html", "")
    outcome = await desk.run("complete", job, "all done!", '[{"kind": "html_page", "path": "page.html"}]')
    row = await desk.app.insights.job("p", job)

    assert (outcome.exit_code, outcome.error["code"]) == (3, "gate_failed")
    assert [check["check"] for check in outcome.error["details"]["failed"]] == ["empty_body"]
    assert (row["state"], row["state_reason"]) == ("stuck", "gate_failed")


async def test_a_claim_whose_answer_was_lost_is_handed_out_again(desk: Desk) -> None:
    """Until its first use a lease is simply given once more; afterwards a second claim is refused."""
    job = await desk.claimed()
    again = await desk.run("claim")
    assert (again.answer["job"]["id"], again.answer["job"]["redelivered"]) == (job, True)
    assert (await desk.run("progress", job, "at work", "build")).exit_code == 0
    refused = await desk.run("claim")

    assert (refused.exit_code, refused.error["code"]) == (3, "multiple_primary_jobs")


async def test_what_comes_after_the_lease_was_lost_changes_nothing_and_is_kept(desk: Desk) -> None:
    """A late completion is refused as stale and lies ready for a person with what it said."""
    job = await desk.claimed()
    await desk.run("progress", job, "at work", "build")
    await desk.app.operations.move("p", job, "pause", actor="test", reason="lost")
    outcome = await desk.run("complete", job, "too late", "[]")
    async with desk.app.database.transaction() as connection:
        found = await connection.execute(
            "SELECT body->>'summary' AS summary FROM watchkeeper.reconcile_items"
        )
        kept = await found.fetchall()

    assert (outcome.exit_code, outcome.error["code"]) == (3, "stale_lease")
    assert [row["summary"] for row in kept] == ["too late"]
    assert (await desk.app.insights.job("p", job))["state"] == "paused"
