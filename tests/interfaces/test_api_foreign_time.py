"""Foreign results over time: changed between verify and complete, slow to open, awaited by nobody any more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from foreign_site import Site
from interfaces.api_client import Api, serving
from interfaces.foreign_results import PAGE, checks, primary
from moving_clock import MovingClock
from raw_sql import rows
from waiting import wait_until
from watchkeeper.app.whole import App
from watchkeeper.interfaces.api.completions import Completions
from watchkeeper.services.verifying import Verifying
from watchkeeper.settings import Settings


@pytest.fixture
def settings(database_url: str, tmp_path: Path, site: Site) -> Settings:
    """An installation that may open this one address beside the open web."""
    return Settings(home=tmp_path / "home", database_url=database_url, fetch_allow=(site.host,))


async def test_a_page_that_is_swapped_after_verify_is_found(api: Api, site: Site) -> None:
    """What passed `verify` and is something else at `complete` does not turn green, and no snapshot stays."""
    url = site.put("/d/", PAGE)
    site.put("/d/a.csv", "1", "text/csv")
    artifacts = primary(url, files=["a.csv"])
    job = await api.claimed(contract={})
    assert (await api.command("verify", job, artifacts=artifacts)).body["failed"] == []
    site.put("/d/a.csv", "2", "text/csv")
    refused = await api.command("complete", job, summary="published", artifacts=artifacts)
    assert (refused.code, checks(refused)) == ("gate_failed", ["changed_since_check"])
    shown = (await api.get(f"/api/jobs/{job['id']}")).job
    assert (shown["state"], shown["state_reason"], shown["artifacts"]) == ("stuck", "gate_failed", [])


async def test_a_file_that_verify_saw_and_that_is_no_longer_listed_is_found(api: Api, site: Site) -> None:
    """Taking a verified file off the list is a change as well."""
    url = site.index("/d/", "index.html", "b.html")
    site.put("/d/index.html", PAGE)
    site.put("/d/b.html", PAGE)
    job = await api.claimed(contract={})
    assert (await api.command("verify", job, url=url)).body["failed"] == []
    site.index("/d/", "index.html")
    refused = await api.command("complete", job, summary="published", artifacts=primary(url))
    assert checks(refused) == ["changed_since_check"]


async def test_what_was_published_anew_passes_after_it_was_verified_anew(api: Api, site: Site) -> None:
    """The last `verify` is what counts, not the first."""
    url = site.index("/d/", "index.html")
    site.put("/d/index.html", PAGE)
    job = await api.claimed(contract={})
    await api.command("verify", job, url=url)
    site.put("/d/index.html", PAGE + "<p>more")
    assert (await api.command("verify", job, url=url)).body["failed"] == []
    done = await api.command("complete", job, summary="published", artifacts=primary(url))
    assert done.body["status"] == "completed"


def seen(settings: Settings, query: LiteralString) -> bool:
    with psycopg.connect(str(settings.database_url)) as connection:
        return connection.execute(query).fetchone() is not None


async def test_a_slow_site_is_followed_and_its_lease_extended(
    app: App, settings: Settings, site: Site, clock: MovingClock
) -> None:
    """A check that takes long answers 202 at once; meanwhile the server renews, and the repeat learns the end."""
    thirds: asyncio.Queue[float] = asyncio.Queue()

    async def wait(seconds: float) -> None:
        assert seconds == 300.0
        await thirds.get()

    app.checking._verifying = Verifying(app.queue, wait=wait)
    url = site.put("/d/", PAGE)
    site.put("/d/a.csv", "1", "text/csv")
    site.held["/d/"] = asyncio.Event()
    async with serving(app) as api:
        api.state.completions = Completions(answer_within=0.0)
        job = await api.claimed(contract={})
        body = {"summary": "published", "artifacts": primary(url, files=["a.csv"])}
        path = f"/api/worker/jobs/{job['id']}/complete"
        asked = {"role": "worker", "lease": job["lease_token"]}
        first = await api.post(path, body, **asked)
        assert (first.status, first.headers["retry-after"]) == (202, "2")
        await site.reached.wait()
        before = (await api.get(f"/api/jobs/{job['id']}")).job
        assert (before["state"], before["phase"]) == ("running", "verifying")
        clock.advance(400)
        thirds.put_nowait(0)
        renewed = "SELECT 1 FROM watchkeeper.leases WHERE expires_at > watchkeeper.now() + interval '800 s'"
        await asyncio.to_thread(wait_until, lambda: seen(settings, renewed), 20, "the lease to be extended")
        site.held["/d/"].set()
        api.state.completions._answer_within = 20.0
        done = await api.post(path, body, **asked)
        assert done.body["verified"] == "artifact"
        assert site.asked.count("/d/") == 1


async def test_a_check_ends_when_its_lease_is_lost(app: App, site: Site) -> None:
    """Evidence of a job that was taken away is not awaited: the holder learns at once, and what it said is kept."""
    lost = asyncio.Event()

    async def wait(seconds: float) -> None:
        await lost.wait()

    app.checking._verifying = Verifying(app.queue, wait=wait)
    site.held["/d/"] = asyncio.Event()
    async with serving(app) as api:
        job = await api.claimed(contract={})
        artifacts = primary(site.put("/d/", PAGE))
        asking = asyncio.ensure_future(api.command("complete", job, summary="published", artifacts=artifacts))
        await site.reached.wait()
        await api.app.operations.move("p", job["id"], "pause", actor="test", reason="enough")
        lost.set()
        assert (await asking).code == "stale_lease"
        assert len(await rows(app.database, "SELECT 1 FROM watchkeeper.reconcile_items")) == 1


async def test_a_lease_is_extended_for_ten_minutes_at_most(
    app: App, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that goes on for longer is its holder's to renew for: a lease of 15 minutes is extended twice."""
    seconds, renewals, ten_minutes = 0.0, 0, asyncio.Event()
    renew = app.queue.renew

    async def wait(pause: float) -> None:
        nonlocal seconds
        seconds += pause
        if seconds >= 600:
            ten_minutes.set()

    async def counted(*arguments: Any) -> Any:
        nonlocal renewals
        renewals += 1
        return await renew(*arguments)

    monkeypatch.setattr(app.queue, "renew", counted)
    app.checking._verifying = Verifying(app.queue, wait=wait, clock=lambda: seconds)
    site.held["/d/"] = asyncio.Event()
    async with serving(app) as api:
        job = await api.claimed(contract={})
        artifacts = primary(site.put("/d/", PAGE), files=["a.csv"])
        site.put("/d/a.csv", "1", "text/csv")
        asking = asyncio.ensure_future(api.command("complete", job, summary="published", artifacts=artifacts))
        await ten_minutes.wait()
        await site.reached.wait()
        site.held["/d/"].set()
        assert (await asking).body["verified"] == "artifact"
    assert (seconds, renewals) == (600.0, 2)
