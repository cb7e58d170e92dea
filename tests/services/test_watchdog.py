"""The watchdog on the real database: what it finds in time, what it leaves alone, and that several share."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.watched import (
    PATIENT,
    TRUSTING,
    enqueue,
    look_after,
    open_incidents,
    open_rules,
    runtime_worker,
    watchdog,
)
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.reports import Heartbeat
from watchkeeper.services.mirrored import Reporter
from watchkeeper.services.watchdog import WatchdogConfig


async def claimed(app: App, profile: str = "runtime", kind: str = "k", worker_id: str = "w") -> str:
    """Let a worker hold one job of a kind, and give the job."""
    job = await enqueue(app, kind)
    assert await app.queue.claim("p", worker_id, None, profile=profile)
    return job


async def test_each_threshold_of_a_lease_is_found_once_and_no_sooner(app: App, clock: MovingClock) -> None:
    """A lease of 60 s whose holder is gone: near its end after 40 s, expired after 120 s, stuck after 360 s."""
    job = await claimed(app)
    assert await look_after(app, clock, 38) == []
    assert await look_after(app, clock, 3) == ["lease_near_expiry"]
    assert await look_after(app, clock, 77) == ["lease_near_expiry"]
    assert await look_after(app, clock, 3) == ["lease_expired", "lease_near_expiry"]
    assert await look_after(app, clock, 237) == ["lease_expired", "lease_near_expiry"]
    assert await look_after(app, clock, 3) == ["lease_expired", "lease_near_expiry", "queue_stuck"]
    found = await open_incidents(app)
    assert {str(row["job_id"]) for row in found} == {job}
    assert [row["occurrences"] for row in found] == [1, 1, 1]


async def test_a_contract_worker_that_falls_silent_is_found(app: App, clock: MovingClock) -> None:
    """A lease of 15 min: silent for 10 min, near its end with 3 min left, expired a minute after it."""
    await claimed(app, "session")
    assert await look_after(app, clock, 598) == []
    assert await look_after(app, clock, 3) == ["queue_stuck"]
    assert await look_after(app, clock, 120) == ["lease_near_expiry", "queue_stuck"]
    assert await look_after(app, clock, 237) == ["lease_near_expiry", "queue_stuck"]
    assert await look_after(app, clock, 3) == ["lease_expired", "lease_near_expiry", "queue_stuck"]


async def test_the_time_alone_counts_for_a_session_lease_where_people_ask_so(
    app: App, clock: MovingClock
) -> None:
    """With 400 s and no part of the lease asked for, one of 15 min is near its end after 500 s, one of 60 s as ever."""
    limits = replace(
        TRUSTING.thresholds, lease_near_expiry_seconds=400.0, session_lease_near_expiry_fraction=1.0
    )
    looking = watchdog(app, policy=replace(TRUSTING, thresholds=limits))
    await claimed(app, "session")
    await claimed(app, kind="short", worker_id="v")
    found = []
    for seconds in (39, 2, 457, 4):
        clock.advance(seconds)
        await looking.run_once()
        rules = [row["kind"] for row in await open_incidents(app) if row["rule"] == "lease_near_expiry"]
        found.append(sorted(rules))
    assert found == [[], ["short"], ["short"], ["k", "short"]]


async def test_the_watchdog_sleeps_until_the_next_threshold(app: App, clock: MovingClock) -> None:
    """It asks to run again at the moment at which a rule could fire, and not before its usual pause is over else."""
    await claimed(app)
    config = replace(PATIENT, tick_seconds=1.0)
    assert (await watchdog(app, config).run_once()).next_in == pytest.approx(1.0)
    clock.advance(39.4)
    assert (await watchdog(app, config).run_once()).next_in == pytest.approx(0.5, abs=0.4)
    clock.advance(0.7)
    await watchdog(app, config).run_once()
    assert await open_rules(app) == ["lease_near_expiry"]


async def test_a_due_job_beside_a_free_worker_is_found_after_ten_minutes(
    app: App, clock: MovingClock
) -> None:
    """Nobody takes the next job of a kind though somebody could: the kind is stuck, and named with its next job."""
    await runtime_worker(app)
    job = await enqueue(app, "stuck_kind")
    await watchdog(app).run_once()
    assert await look_after(app, clock, 597) == []
    assert await look_after(app, clock, 4) == ["queue_stuck"]
    [found] = await open_incidents(app)
    assert (found["kind"], found["evidence"]["next_job"]) == ("stuck_kind", job)


async def test_a_queue_that_has_a_reason_to_wait_is_left_alone(app: App, clock: MovingClock) -> None:
    """Full workers, a pause of kind or project, a full limit, a parked pool, a switch, a time not yet come."""
    await runtime_worker(app, "busy", kinds=["full"])
    await claimed(app, kind="full", worker_id="busy")
    await runtime_worker(app, "parked", pool="quota", kinds=["parked"])
    await runtime_worker(app, "free", kinds=["paused", "limited", "later"])
    await claimed(app, kind="limited", worker_id="free2")
    for kind in ("full", "paused", "limited", "parked"):
        await enqueue(app, kind)
    [clock_row] = await rows(app.database, "SELECT watchkeeper.now() + interval '1 day' AS later")
    await enqueue(app, "later", run_at=clock_row["later"])
    for statement in (
        "UPDATE watchkeeper.job_kinds SET paused_at = watchkeeper.now() WHERE kind = 'paused'",
        "UPDATE watchkeeper.job_kinds SET concurrency = 1 WHERE kind = 'limited'",
        "INSERT INTO watchkeeper.pool_parks VALUES ('p', 'quota', watchkeeper.now() + interval '1 day', 'quota')",
        "UPDATE watchkeeper.leases SET expires_at = 'infinity', renewed_at = watchkeeper.now() + interval '1 day'",
    ):
        await rows(app.database, statement)
    await watchdog(app).run_once()
    assert await look_after(app, clock, 10_000) == []

    await rows(app.database, "UPDATE watchkeeper.job_kinds SET paused_at = NULL, concurrency = NULL")
    assert await look_after(app, clock, 1) == []
    assert await look_after(app, clock, 598) == []
    assert await look_after(app, clock, 4) == ["queue_stuck", "queue_stuck"]
    assert {row["kind"] for row in await open_incidents(app)} == {"paused", "limited"}


async def test_a_queue_that_moves_is_not_stuck_however_long_it_is(app: App, clock: MovingClock) -> None:
    """The next job is another one each time: the kind moves, though its last job waits for an hour."""
    await runtime_worker(app, slots=100)
    for _ in range(8):
        await enqueue(app)
    for _ in range(7):
        await watchdog(app).run_once()
        clock.advance(500)
        [job] = await app.queue.claim("p", "w", None, profile="runtime")
        await rows(
            app.database,
            "WITH ended AS (DELETE FROM watchkeeper.leases RETURNING *)"
            " INSERT INTO watchkeeper.closed_attempts"
            " (project_id, seq, epoch, worker_id, outcome, token_hash, started_at)"
            " SELECT project_id, seq, epoch, worker_id, 'completed', token_hash, claimed_at FROM ended",
        )
        assert job
    await watchdog(app).run_once()
    assert await open_rules(app) == []


async def test_more_urgent_jobs_neither_hide_nor_end_a_queue_that_nobody_takes_from(
    app: App, clock: MovingClock
) -> None:
    """Another next job is no claim: nothing was taken for ten minutes, and only a claim ends that."""
    await runtime_worker(app, slots=2)
    for number in range(5):
        await enqueue(app, priority=number)
        assert await look_after(app, clock, 130 if number else 0) == []
    await enqueue(app, priority=6)
    assert await look_after(app, clock, 100) == ["queue_stuck"]
    await enqueue(app, priority=7)
    assert await look_after(app, clock, 5) == ["queue_stuck"]
    assert await app.queue.claim("p", "w", None, profile="runtime")
    assert await look_after(app, clock, 1) == []


async def test_a_kind_that_nobody_can_do_is_found_and_a_worker_between_heartbeats_is_somebody(
    app: App, clock: MovingClock
) -> None:
    """A contract worker counts for three heartbeats, also in its health; nobody for a minute does not."""
    await app.attendance.touch("p", "contract", None)
    clock.advance(1200)
    await app.maintenance.upkeep()
    assert [worker["health"] for worker in await app.insights.workers("p")] == ["ok"]
    await rows(app.database, "UPDATE watchkeeper.workers SET kinds = '{served}'")
    await enqueue(app, "served")
    await enqueue(app, "unserved")
    await watchdog(app).run_once()
    assert await look_after(app, clock, 58) == []
    assert await look_after(app, clock, 4) == ["missing_worker_kind"]
    assert [row["kind"] for row in await open_incidents(app)] == ["unserved"]
    clock.advance(600)
    await app.maintenance.upkeep()
    await look_after(app, clock, 1)
    assert [worker["health"] for worker in await app.insights.workers("p")] == ["offline"]
    await look_after(app, clock, 62)
    assert [row["kind"] for row in await open_incidents(app)] == ["unserved", "served"]


@pytest.mark.parametrize("seconds", [7200, -7200])
async def test_a_clock_that_jumps_makes_no_healthy_fleet_look_dead(
    app: App, clock: MovingClock, seconds: float
) -> None:
    """After a leap of two hours, either way, workers have a whole lease to renew before anything is judged."""
    config = WatchdogConfig()
    await claimed(app)
    await enqueue(app, "waits")
    await runtime_worker(app)
    await watchdog(app, config).run_once()
    clock.advance(seconds)
    await watchdog(app, config).run_once()
    assert await open_rules(app) == []
    await rows(
        app.database,
        "UPDATE watchkeeper.leases SET renewed_at = watchkeeper.now(),"
        " expires_at = watchkeeper.now() + interval '60 s'",
    )
    for _ in range(5):
        clock.advance(4)
        await watchdog(app, config).run_once()
    assert await open_rules(app) == []


async def test_a_database_that_was_away_begins_a_quiet_time(app: App, clock: MovingClock) -> None:
    """Leases that ended during the outage are judged a whole period after it, if nobody renewed them by then."""
    await claimed(app)
    await watchdog(app).run_once()
    await rows(
        app.database,
        "UPDATE watchkeeper.watchdog_state SET server_started = watchkeeper.now() - interval '1 day'",
    )
    assert await look_after(app, clock, 500) == []
    assert await look_after(app, clock, 58) == []
    assert await look_after(app, clock, 4) == ["lease_near_expiry", "queue_stuck"]
    assert await look_after(app, clock, 61) == ["lease_expired", "lease_near_expiry", "queue_stuck"]


@pytest.mark.parametrize(("seconds", "rule"), [(-120, "lease_expired"), (1, "lease_near_expiry")])
async def test_a_lease_that_is_told_in_a_quiet_time_is_judged_at_once(
    app: App, clock: MovingClock, seconds: float, rule: str
) -> None:
    """After an outage, what a holder of a foreign job says itself needs no quiet: it could speak, and did."""
    config = WatchdogConfig()
    await watchdog(app, config).run_once()
    clock.advance(7200)
    await watchdog(app, config).run_once()
    watching = watchdog(app, config)
    await watching.run_once()
    [row] = await rows(
        app.database, "SELECT watchkeeper.now() + make_interval(secs => %(s)s) AS ends", {"s": seconds}
    )
    told = Heartbeat("w", "ok", claim_ok=True, job="x-1", lease_expires_at=row["ends"])
    await app.watchdog.recording.record(Reporter("p", "t"), [told])
    clock.advance(0.9)
    await watching.run_once()
    assert rule in await open_rules(app)


async def test_an_artifact_is_not_overdue_for_an_outage_though_its_holder_renews(
    app: App, clock: MovingClock
) -> None:
    """A renewal comes by itself, work does not: after an outage there is a whole lease's time to show progress."""
    kind = {"name": "k", "lease_seconds": 60, "contract": {"required_kinds": ["data"]}}
    await app.kinds.declare(
        "p",
        KindDeclaration.parse({**kind, "progress_deadline_minutes": 5, "tool_limit_minutes": 5}),
        actor="t",
    )
    config = WatchdogConfig()
    await claimed(app)
    await watchdog(app, config).run_once()
    clock.advance(7200)
    await watchdog(app, config).run_once()
    seen = []
    for _ in range(16):
        clock.advance(4)
        await rows(
            app.database,
            "UPDATE watchkeeper.leases SET renewed_at = watchkeeper.now(),"
            " expires_at = watchkeeper.now() + interval '60 s'",
        )
        await watchdog(app, config).run_once()
        seen.append(await open_rules(app))
    assert seen[:14] == [[]] * 14
    assert seen[-1] == ["artifact_missing"]


async def test_several_watchdogs_find_a_thing_once(app: App, clock: MovingClock) -> None:
    """Whoever comes second while one judges rests; what was found is one incident that was found once."""
    await claimed(app)
    clock.advance(50)
    await asyncio.gather(*(watchdog(app).run_once() for _ in range(6)))
    [found] = await open_incidents(app)
    assert found["occurrences"] == 1
    async with app.database.transaction() as connection:
        await connection.execute("SELECT FROM watchkeeper.watchdog_state FOR UPDATE")
        ran = await watchdog(app).run_once()
    assert (ran.counts, ran.next_in) == ({}, None)


@pytest.mark.parametrize("given", [{"tick_seconds": 0.0}, {"tick_seconds": 1.5}, {"gap_seconds": 1.0}])
def test_a_watch_that_could_not_keep_its_word_is_refused(given: dict[str, float]) -> None:
    """It looks at least once a second, and often enough not to take its own pauses for gaps."""
    with pytest.raises(SettingError):
        WatchdogConfig(**given)
