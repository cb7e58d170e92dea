"""A result on a foreign address, from the command line to a snapshot, through the death of the server."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from foreign_site import Site, foreign_site
from interfaces.api_client import serving
from interfaces.contract_program import Program
from interfaces.test_api_server import server_process, url_of
from watchkeeper.app.whole import App
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.settings import Settings

PAGE = "<!doctype html><title>Queues</title><h1>All is well</h1>"


class Address:
    url = ""


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with foreign_site() as site:
        monkeypatch.setenv("WATCHKEEPER_FETCH_ALLOW", site.host)
        yield site


async def test_a_completion_survives_the_death_of_the_server_that_checks_it(
    app: App, settings: Settings, site: Site, tmp_path: Path
) -> None:
    """Killed in the middle of a check, the server loses nothing: the command is kept, and checked by the next one."""
    url = site.put("/d/", PAGE)
    site.put("/d/a.csv", "1", "text/csv")
    artifacts = json.dumps([{"kind": "dashboard", "url": url, "files": ["a.csv"], "primary": True}])
    async with serving(app) as api:
        token = await api.token("worker")
    [job] = await app.queue.enqueue("p", [JobRequest("page", {}, contract={})], actor="test")
    address = Address()
    async with server_process(settings) as process:
        address.url = await url_of(settings.home, process)
        program = Program(tmp_path / "worker", address, token)
        await asyncio.to_thread(program.claim)
        verified = await asyncio.to_thread(program.run, "verify", job.id, "--url", url)
        assert [one["check"] for one in verified.answer["failed"]] == ["no_file_list"]
        site.reached.clear()
        site.held["/d/"] = asyncio.Event()
        completing = asyncio.create_task(
            asyncio.to_thread(program.run, "complete", job.id, "published", artifacts)
        )
        await site.reached.wait()
        process.send_signal(signal.SIGKILL)
        queued = await completing
        assert (queued.exit_code, queued.error["code"]) == (4, "queued")
    assert (await app.insights.job("p", job.id))["state"] == "running"
    site.held["/d/"].set()
    (settings.home / "url").unlink()

    async with server_process(settings) as process:
        program.environ["WATCHKEEPER_URL"] = await url_of(settings.home, process)
        done = await asyncio.to_thread(program.run, "complete", job.id, "published", artifacts)
    assert (done.answer["status"], done.answer["verified"]) == ("completed", "artifact")
    kept = (await app.insights.job("p", job.id))["artifacts"]
    assert sorted(one["url"] for one in kept) == [url, f"{url}a.csv"]
