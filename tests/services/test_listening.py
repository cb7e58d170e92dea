"""Who listens goes on hearing: a fault of one look at the database is not the end of looking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import pytest

from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import UsageError
from watchkeeper.services import live
from watchkeeper.services.changes import Changes
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.live import Wakeups
from watchkeeper.services.topics import Watched, things_of
from watchkeeper.storage.database import Database


async def test_listeners_hear_of_changes_after_a_fault(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look fails as nobody foresaw; the listener still gets the version."""
    looks = 0
    fetch_one = database.fetch_one

    async def broken_once(name: str, *arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise LookupError("nobody foresaw this")
        return await fetch_one(name, *arguments)

    monkeypatch.setattr(database, "fetch_one", broken_once)
    changes = Changes(database, look_seconds=0.01)
    listening = changes.listen()
    async with asyncio.timeout(10):
        assert (await anext(listening)).version >= 0
    await listening.aclose()
    assert looks >= 2


async def test_waiters_are_woken_after_a_fault(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listening fails once as nobody foresaw; a later notification still wakes who waits."""
    tries = 0

    async def broken_once(_channels: Sequence[str]) -> AsyncIterator[tuple[str, str]]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise LookupError("nobody foresaw this")
        yield "watchkeeper_ready", "p"

    monkeypatch.setattr(database, "listen", broken_once)
    monkeypatch.setattr(live, "RECONNECT_SECONDS", 0.01)
    wakeups = Wakeups(database)
    with wakeups.expect("p") as waiter:
        wakeups.start()
        assert await waiter.wait(10)
    await wakeups.stop()


async def test_who_listens_to_a_project_hears_of_that_project_alone(app: App) -> None:
    """A change elsewhere tells nothing to a project's listener, and everything to one of the whole."""
    await app.kinds.ensure_project("q")
    changes = Changes(app.database, look_seconds=0.01)
    ours, theirs, whole = (changes.listen(project) for project in ("p", "q", None))
    async with asyncio.timeout(20):
        first = [await anext(listening) for listening in (ours, theirs, whole)]
        hearing = asyncio.create_task(anext(theirs))
        for number in range(3):
            await app.queue.enqueue("p", [JobRequest(f"kind-{number}")], actor="test")
            heard = [await anext(listening) for listening in (ours, whole)]
            assert heard[0] == heard[1]
            assert heard[0].version > first[0].version
        assert not hearing.done()
        await app.queue.enqueue("q", [JobRequest("report")], actor="test")
        assert (await hearing).version > first[1].version
    for listening in (ours, theirs, whole):
        await listening.aclose()


async def test_a_change_that_commits_late_is_told(app: App) -> None:
    """A row that was written before others and became visible after them is not missed."""
    changes = Changes(app.database, look_seconds=0.01)
    listening = changes.listen("p")
    async with asyncio.timeout(20):
        await anext(listening)
        async with app.database.transaction() as connection:
            await app.queue.enqueue("p", [JobRequest("late")], actor="test", connection=connection)
            await app.queue.enqueue("p", [JobRequest("early")], actor="test")
            early = await anext(listening)
        assert (await anext(listening)).version > early.version
    await listening.aclose()


async def test_who_looks_at_one_thing_hears_of_that_thing_alone(app: App) -> None:
    """A renewal, which leaves no audit row, is told to who looks at the job; what other jobs do is not."""
    await app.kinds.ensure_project("p")
    ours, other = [
        (await app.queue.enqueue("p", [JobRequest(kind)], actor="test"))[0].id for kind in ("a", "b")
    ]
    changes = Changes(app.database, look_seconds=0.01)
    looking = changes.listen("p", things_of([f"job:{ours}"], "p"))
    elsewhere = changes.listen("p", things_of([f"job:{other}"], "p"))
    async with asyncio.timeout(20):
        assert {(await anext(listening)).topic for listening in (looking, elsewhere)} == {
            f"job:{ours}",
            f"job:{other}",
        }
        hearing = asyncio.create_task(anext(elsewhere))
        await app.queue.claim("p", "w1", ["a"], profile="runtime")
        assert (await anext(looking)).topic == f"job:{ours}"
        await rows(app.database, "UPDATE watchkeeper.leases SET renewed_at = watchkeeper.now()")
        assert (await anext(looking)).topic == f"job:{ours}"
        assert not hearing.done()
        hearing.cancel()
    await looking.aclose()
    with pytest.raises(UsageError):
        things_of(["needs:1"], "p")
    with pytest.raises(UsageError):
        things_of([f"job:{ours}"], None)


async def test_each_topic_tells_of_each_thing(app: App) -> None:
    """A session, an incident and a repair that change are told; one that is not there is silent and no fault."""
    database = app.database
    await app.kinds.ensure_project("p")
    made = {
        "session": "INSERT INTO watchkeeper.agent_sessions (project_id, worker_id, agent)"
        " VALUES ('p', 'w', 'codex') RETURNING id",
        "incident": "INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, state,"
        " policy_version, policy_digest) VALUES ('p', 'queue_stuck', 'f', 'high', 'open', '1', 'd') RETURNING id",
        "repair": "INSERT INTO watchkeeper.repair_actions (project_id, trigger, action, authority, actor)"
        " VALUES ('p', 'queue_stuck', 'touch', 'system', 'watchdog') RETURNING id",
    }
    tables = {"session": "agent_sessions", "incident": "watchdog_incidents", "repair": "repair_actions"}
    watched = Watched(database)
    for kind, statement in made.items():
        [row] = await rows(database, statement)
        things = things_of([f"{kind}:{row['id']}", f"{kind}:{uuid4()}"], "p")
        with watched.by_one_more(things):
            assert {thing.id for thing in await watched.changed()} == {row["id"]}
            assert await watched.changed() == set()
            await rows(database, f"UPDATE watchkeeper.{tables[kind]} SET project_id = project_id")
            assert {thing.topic for thing in await watched.changed()} == {f"{kind}:{row['id']}"}
    assert await watched.changed() == set()
