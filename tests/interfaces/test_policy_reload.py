"""What a config document says takes effect while the server runs, and a refused one is told where people look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interfaces.api_client import Api, serving
from interfaces.foreign_results import checks, primary
from watchkeeper.app import whole as root
from watchkeeper.app.whole import App
from watchkeeper.settings import Settings

FIRST = "version: one\n"
SECOND = """version: two
checks: {artifact: {pass: "primary_artifact_url_http_status in [200, 302]"}}
policy: {on_gate_failed: pause}
retention: {job_days: 3, orphan_hours: 2}
"""


class Running:
    """A server by a document, which can be written anew."""

    def __init__(self, api: Api, document: Path) -> None:
        self.api = api
        self._document = document
        self._duty = api.app.watchdog.policies.duty(api.app.database, "serve")

    async def written(self, text: str) -> None:
        """Replace the document, and let the server look as often as it must."""
        (fresh := self._document.with_name("fresh")).write_text(text)
        fresh.rename(self._document)
        for _ in range(3):
            await self._duty.run_once()

    async def passes_a_redirect(self, job: str) -> bool:
        body = {"job_id": job, "primary_url": "https://x.example/", "http_status": 302, "file_count": 1}
        return bool(
            (await self.api.post("/api/watchdog/artifact-checks", {**body, "kind": "page"})).body["passed"]
        )

    async def blocked(self) -> str:
        """Give what becomes of a job whose evidence does not pass."""
        await self.api.enqueue(contract={})
        job = (await self.api.worker("claim")).job
        refused = await self.api.command(
            "complete", job, summary="done!", artifacts=primary("http://127.0.0.1:9/")
        )
        assert checks(refused) == ["refused_address"]
        return str(refused.body["error"]["details"]["status"])

    async def policy(self) -> dict[str, Any]:
        return dict((await self.api.get("/api/watchdog/queue-health")).body["policy"])


@pytest.fixture
async def running(app: App, settings: Settings, tmp_path: Path) -> AsyncIterator[Running]:
    document = tmp_path / "it.yaml"
    document.write_text(FIRST)
    pinned = frozenset({"orphan_retention_hours"})
    whole = root.build(replace(settings, document=document, pinned=pinned), app.database)
    async with serving(whole) as api:
        yield Running(api, document)


async def test_gate_and_retention_go_by_a_new_document_at_once(running: Running) -> None:
    """What passes the gate, what becomes of a failure, how long rows stay: none of it needs a restart."""
    await running.written(FIRST)
    assert (await running.passes_a_redirect("far-1"), await running.blocked()) == (False, "stuck")
    await running.written(SECOND)
    assert (await running.passes_a_redirect("far-2"), await running.blocked()) == (True, "paused")
    in_force = running.api.app.in_force()
    assert (in_force.job_retention_days, in_force.orphan_retention_hours) == (3, 24), "a variable wins"
    await running.written(FIRST)
    assert not await running.passes_a_redirect("far-3")


@pytest.mark.parametrize("wrong", ["version: three\nownr: x\n", "version: three\nretention: {job_days: 0}\n"])
async def test_a_refused_document_changes_nothing_and_queue_health_tells_it(
    running: Running, wrong: str
) -> None:
    """The policy and the settings of the last good document stand, and whoever looks at the queues reads why."""
    await running.written(SECOND)
    await running.written(wrong)
    assert (await running.passes_a_redirect("far"), running.api.app.in_force().job_retention_days) == (
        True,
        3,
    )
    told = await running.policy()
    assert (told["ok"], "its document is refused" in told["detail"]) == (False, True)
    await running.written(SECOND)
    assert (await running.policy())["ok"]
