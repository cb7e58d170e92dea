"""Acts on all jobs that match a filter: exactly those, whatever dies between, until they are stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from watchkeeper.app.whole import App
from watchkeeper.domain.bulk import OF_STATES, BulkFilter
from watchkeeper.domain.errors import Conflict, DatabaseUnavailable, UsageError
from watchkeeper.domain.jobs import JobState, may_move
from watchkeeper.services.bulk import BulkActs
from watchkeeper.services.enqueueing import JobRequest

WHO = {"actor": "principal:lin", "reason": "the site moves"}


def of(what: str, state: JobState, kind: str | None = None, *, before: datetime | None = None) -> BulkFilter:
    return BulkFilter(what, state, kind, before or datetime.now(UTC) + timedelta(hours=1))


@pytest.fixture
async def bulk(app: App) -> BulkActs:
    """Bulk acts in batches of three, over seven jobs of kind `a` and two of kind `b`."""
    await app.kinds.ensure_project("p")
    for kind, count in (("a", 7), ("b", 2)):
        await app.queue.enqueue("p", [JobRequest(kind) for _ in range(count)], actor="test")
    return BulkActs(app.database, app.operations, batch=3)


async def states(app: App) -> dict[str, int]:
    rows, _ = await app.insights.jobs("p", limit=100)
    counted: dict[str, int] = {}
    for row in rows:
        counted[f"{row['kind']} {row['state']}"] = counted.get(f"{row['kind']} {row['state']}", 0) + 1
    return counted


def test_an_act_is_for_states_that_it_can_leave() -> None:
    """Whoever asks for what no job allows is told so before anything is begun."""
    for what, allowed in OF_STATES.items():
        target = {"cancel": JobState.CANCELLED, "pause": JobState.PAUSED}.get(what, JobState.PENDING)
        assert all(may_move(state, target) or what == "requeue" for state in allowed)
        for state in set(JobState) - set(allowed):
            with pytest.raises(UsageError):
                of(what, state)
    with pytest.raises(UsageError):
        of("delete", JobState.PENDING)


async def test_all_that_match_are_moved_and_no_others(app: App, bulk: BulkActs) -> None:
    """Counted before, moved in batches with a row for each; later jobs and other kinds stay."""
    wanted = of("pause", JobState.PENDING, "a")
    found = await bulk.preview("p", wanted)
    assert (found["matching"], found["capped"], len(found["examples"])) == (7, False, 5)
    assert (await bulk.preview("p", of("pause", JobState.PENDING)))["matching"] == 9
    old = of("pause", JobState.PENDING, before=datetime(2020, 1, 1, tzinfo=UTC))
    assert (await bulk.preview("p", old))["matching"] == 0
    act = await bulk.begin("p", wanted, **WHO)
    await app.queue.enqueue("p", [JobRequest("a")], actor="test")
    while (await bulk.run_once()).next_in == 0:
        pass
    assert await states(app) == {"a paused": 7, "a pending": 1, "b pending": 2}
    ended = await bulk.show("p", act["id"])
    assert (ended["state"], ended["done"], ended["skipped"]) == ("done", 7, 0)
    rows = await app.insights.audit("p", 100)
    assert sum(row["event"] == "job_paused" and row["actor"] == "principal:lin" for row in rows) == 7
    assert {"bulk_act_started", "bulk_act_ended"} <= {row["event"] for row in rows}


async def test_a_dead_process_moves_no_job_twice(
    app: App, bulk: BulkActs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the one that carries it out dies within a batch, the next one begins with that batch."""
    await app.queue.enqueue("p", [JobRequest("c") for _ in range(3)], actor="test")
    act = await bulk.begin("p", of("cancel", JobState.PENDING, "c"), **WHO)
    move, calls = app.operations.move, 0

    async def dies(*given: str, **named: str) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise DatabaseUnavailable
        return await move(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(app.operations, "move", dies)
        with pytest.raises(DatabaseUnavailable):
            await bulk.run_once()
    assert (await states(app))["c pending"] == 3
    while (await bulk.run_once()).next_in == 0:
        pass
    assert (await states(app))["c cancelled"] == 3
    assert (await bulk.show("p", act["id"]))["done"] == 3


async def test_it_is_stopped_between_batches(app: App, bulk: BulkActs) -> None:
    """A person stops it: what was moved stays moved, the others are left alone, and a second stop says so."""
    act = await bulk.begin("p", of("pause", JobState.PENDING, "a"), **WHO)
    await bulk.run_once()
    stopped = await bulk.stop("p", act["id"], **WHO)
    assert (stopped["state"], stopped["done"]) == ("stopped", 3)
    assert (await bulk.run_once()).next_in is None
    assert (await states(app))["a paused"] == 3
    with pytest.raises(Conflict):
        await bulk.stop("p", UUID(str(act["id"])), **WHO)


async def test_ended_jobs_are_tried_again_once_each(app: App, bulk: BulkActs) -> None:
    """Each cancelled job gets one new job; the new ones are not looked at."""
    await bulk.begin("p", of("cancel", JobState.PENDING, "a"), **WHO)
    while (await bulk.run_once()).next_in == 0:
        pass
    act = await bulk.begin("p", of("requeue", JobState.CANCELLED, "a"), **WHO)
    while (await bulk.run_once()).next_in == 0:
        pass
    assert await states(app) == {"a cancelled": 7, "a pending": 7, "b pending": 2}
    assert (await bulk.show("p", act["id"]))["done"] == 7
