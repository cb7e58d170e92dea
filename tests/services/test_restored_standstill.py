"""A database that came back from a backup stands still until a person lets it go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from raw_sql import rows
from services.backups import Before, at, silent, state
from services.handler_runs import until
from watchkeeper.app.whole import App
from watchkeeper.domain.backups import EPOCH_JUMP
from watchkeeper.domain.errors import Conflict, WatchkeeperError
from watchkeeper.domain.leases import LeaseToken
from watchkeeper.domain.principals import Role
from watchkeeper.services.duties import Duties, Duty, Ran
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.holding import Caller


async def test_a_backup_comes_back_elsewhere_and_stands_still(
    before: Before, empty_url: str, tmp_path: Path
) -> None:
    """Rows and files are there again; what ran is paused as restored; nothing is handed out until it is resumed."""
    async with at(empty_url, tmp_path / "other") as there:
        restored = await there.restoration.restore(before.path, silent)
        assert (restored.jobs_paused, restored.timeline) == (1, 2)
        assert await state(there, before.running.id) == ("paused", "restored")
        assert await state(there, before.ready) == ("pending", None)
        assert await state(there, before.completed) == ("completed", None)
        assert (await there.verification.run("t", silent)).files == 1
        # Nobody seals beside it, and nothing is left to be sealed.
        assert (await there.database.fetch_row("audit_lag"))["unsealed_rows"] == 0
        assert await there.queue.claim("p", "w", None, profile="runtime") == []
        health = await there.insights.queue_health("p")
        assert health["queues"][0]["waiting_reasons"] == {"claims_off": 1, "paused": 1}
        assert "nothing moves until" in health["standstill"]
        checks = {check.name: check for check in await there.diagnosis.system()}
        assert not checks["standstill"].ok
        why = await there.watchdog.why.why("p", str(before.ready))
        assert (why["reason"], "db resume" in why["changes"]) == ("claims_off", True)
        assert "db resume" in (await there.watchdog.why.why("p", why["subject"]["kind"]))["changes"]
        with pytest.raises(Conflict, match="stands still"):
            await there.kinds.set_switch("claims", is_on=True, actor="t", reason="I know better")

        resumed = await there.standstill.resume(actor="t", reason="looked around")
        assert (resumed.jobs, resumed.switches) == (1, ["actions", "claims"])
        assert await state(there, before.running.id) == ("pending", None)
        claimed = await there.queue.claim("p", "w", None, limit=5, profile="runtime")
        assert {job.id for job in claimed} == {before.running.id, before.ready}
        assert all(job.epoch > EPOCH_JUMP for job in claimed)
        with pytest.raises(Conflict, match="Nothing stands still"):
            await there.standstill.resume(actor="t", reason="again")
        told = await rows(
            there.database, "SELECT event, reason FROM watchkeeper.audit_events WHERE event LIKE 'database%%'"
        )
        assert [row["event"] for row in told] == ["database_restored", "database_resumed"]
        [attempt] = (await there.insights.job("p", before.running.id))["attempts"][:1]
        assert (attempt["outcome"], attempt["cause"]) == ("paused", "infrastructure")


async def test_duties_rest_until_it_is_resumed(before: Before, empty_url: str, tmp_path: Path) -> None:
    """While it stands still a due job is not promoted; the duties that move nothing go on."""
    async with at(empty_url, tmp_path / "other") as there:
        await there.restoration.restore(before.path, silent)
        ran: list[str] = []

        def duty(name: str, *, when_still: bool) -> Duty:
            async def run_once() -> Ran:
                ran.append(name)
                return Ran({})

            return Duty(name, run_once, 0.01, when_still=when_still)

        duties = Duties(
            duty("moves", when_still=False),
            duty("looks", when_still=True),
            stands_still=there.standstill.holds,
        )
        duties.start()
        await until(lambda: _is(ran.count("looks") > 3), "the harmless duty")
        assert "moves" not in ran
        await there.standstill.resume(actor="t", reason="go")
        await until(lambda: _is("moves" in ran), "the other one")
        await duties.stop()


async def _is(condition: bool) -> bool:
    return condition


async def test_a_person_may_keep_the_jobs_that_ran(before: Before, empty_url: str, tmp_path: Path) -> None:
    """With keep_paused they wait for a person, who resumes each like any paused job."""
    async with at(empty_url, tmp_path / "other") as there:
        await there.restoration.restore(before.path, silent)
        assert (await there.standstill.resume(actor="t", reason="go", keep_paused=True)).jobs == 0
        assert await state(there, before.running.id) == ("paused", "restored")
        await there.operations.move("p", before.running.id, "resume", actor="t", reason="checked")
        assert await state(there, before.running.id) == ("pending", None)


async def test_claims_that_were_off_at_the_backup_stay_off(
    app: App, living: Before, empty_url: str, tmp_path: Path
) -> None:
    """A brake that a person had put on is not taken off by the resume."""
    await app.kinds.set_switch("claims", is_on=False, actor="t", reason="holiday")
    path = living.path.with_name("braked")
    await app.backups.take(path, silent)
    async with at(empty_url, tmp_path / "other") as there:
        await there.restoration.restore(path, silent)
        assert (await there.standstill.resume(actor="t", reason="go")).switches == ["actions"]
        assert await there.queue.claim("p", "w", None, profile="runtime") == []


async def late(app: App, job: str, token: LeaseToken, summary: str) -> str:
    """Send a completion as a worker with a lease of before the disaster; give the error's code."""
    principal = await app.identity.authenticate(
        (await app.identity.create_token(f"w-{summary}", Role.WORKER, "p", actor="t")).secret
    )
    caller = Caller(principal, "p", str(token))
    with pytest.raises(WatchkeeperError) as refused:
        await app.checking.complete(
            caller, job, summary, [{"kind": "html_page", "url": "https://x.example/"}]
        )
    return refused.value.code


async def test_completions_from_a_lost_future_are_refused_and_kept(
    app: App, living: Before, empty_url: str, tmp_path: Path
) -> None:
    """A lease from before the backup, one from after it, and a job from after it: refused, and kept for a person."""
    [newer] = await app.queue.claim("p", "w2", None, profile="runtime")
    [made] = await app.queue.enqueue("p", [JobRequest("k", {"n": 9})], actor="t")
    [unknown] = await app.queue.claim("p", "w3", None, profile="runtime")
    assert unknown.id == made.id
    async with at(empty_url, tmp_path / "other") as there:
        await there.restoration.restore(living.path, silent)
        assert await late(there, living.running.id, living.running.token, "known") == "stale_lease"
        assert await late(there, newer.id, newer.token, "newer") == "stale_lease"
        for _ in range(2):
            assert await late(there, unknown.id, unknown.token, "unknown") == "job_not_found"
        items = await there.late.list("p", 10)
        assert [item["body"]["summary"] for item in items] == ["unknown", "newer", "known"]
        assert all(item["body"]["artifacts"][0]["url"] == "https://x.example/" for item in items)
        assert str(items[0]["job_id"]) == unknown.id


async def test_what_a_restore_may_have_lost_is_kept_up_to_a_bound(
    app: App, living: Before, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker cannot fill the disk with jobs that nobody knows; where nothing was restored, nothing is kept."""
    stranger = "019aa5c0-7f3e-7d52-9e1b-5c1d6a0b2f1"
    assert await late(app, f"{stranger}0", living.running.token, "before") == "job_not_found"
    assert await app.late.list("p", 10) == []
    monkeypatch.setattr("watchkeeper.services.late.MOST_UNKNOWN", 2)
    async with at(empty_url, tmp_path / "other") as there:
        await there.restoration.restore(living.path, silent)
        for n in range(4):
            await late(there, f"{stranger}{n}", living.running.token, f"n{n}")
        assert [item["body"]["summary"] for item in await there.late.list("p", 10)] == ["n1", "n0"]
