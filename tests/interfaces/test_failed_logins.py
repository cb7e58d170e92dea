"""Guessing at the door: slowed down, bounded, written down; and nobody's good token pays for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from interfaces.api_client import Api, serving
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import RateLimited
from watchkeeper.interfaces.api.limits import ApiLimits
from watchkeeper.services.failed_logins import REMEMBERED_ADDRESSES, FailedLogins, LoginPatience, source_of
from watchkeeper.services.refusals import KINDS_A_WINDOW, Refusal, Refusals
from watchkeeper.storage.database import Database

GUESS = {"Authorization": "Bearer wkv_guess"}


def never() -> Callable[[float], Awaitable[None]]:
    async def pause(_seconds: float) -> None:
        await asyncio.Event().wait()

    return pause


async def test_failures_of_one_address_wait_longer_each_time() -> None:
    """From the sixth failure on; another address and a later hour do not wait, and memory stays bounded."""
    now, waited = [0.0], list[float]()

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    logins = FailedLogins(LoginPatience(), lambda: now[0], pause)
    for _ in range(12):
        await logins.slow_down("192.0.2.1")
    assert waited == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    waited.clear()
    await logins.slow_down("192.0.2.2")
    now[0] += 301
    await logins.slow_down("192.0.2.1")
    assert waited == []
    for number in range(REMEMBERED_ADDRESSES + 900):
        await logins.slow_down(f"2001:db8:{number:x}::1")
    assert len(logins._known) == REMEMBERED_ADDRESSES


async def test_an_address_that_guesses_side_by_side_is_sent_away() -> None:
    """Eight failures of an address wait at a time, further ones are refused at once; other addresses still wait."""
    logins = FailedLogins(LoginPatience(free_failures=0), lambda: 0.0, never())
    waiting = [asyncio.create_task(logins.slow_down("192.0.2.1")) for _ in range(20)]
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
    assert len(pending) == LoginPatience().delayed_of_one
    assert all(isinstance(task.exception(), RateLimited) for task in done)
    other = asyncio.create_task(logins.slow_down("192.0.2.2"))
    await asyncio.wait([other], timeout=0)
    assert not other.done()
    for task in (*pending, other):
        task.cancel()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("a" * 200, "a" * 300, True),
    ],
)
def test_a_host_is_one_guesser(one: str, other: str, same: bool) -> None:
    """A host of IPv6 has a /64 of addresses to guess from: they count together."""
    assert (source_of(one) == source_of(other)) is same


async def test_looks_of_a_guessing_address_are_bounded() -> None:
    """Of an address that failed often only a few unknown credentials are looked up at a time; of others any number."""
    patience = LoginPatience(free_failures=1, looks_at_once=3, first_delay=0)
    logins = FailedLogins(patience, lambda: 0.0)
    for _ in range(2):
        await logins.slow_down("192.0.2.1")
    inside: dict[str, int] = {"192.0.2.1": 0, "192.0.2.2": 0}

    async def look(address: str) -> None:
        async with logins.look(address):
            inside[address] += 1
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(look(address)) for address in inside for _ in range(10)]
    await asyncio.wait(tasks, timeout=0)
    await asyncio.wait(tasks, timeout=0)
    assert inside == {"192.0.2.1": 3, "192.0.2.2": 10}
    for task in tasks:
        task.cancel()


async def test_a_good_token_is_not_slowed_down(app: App) -> None:
    """Whoever shares an address with a guesser is answered at once, at the first time and ever after."""
    strict = LoginPatience(free_failures=0, first_delay=3600, longest_delay=3600, delayed_of_one=1)
    async with serving(app, ApiLimits(logins=strict)) as api:
        token = await api.token("viewer")
        guesses = [asyncio.create_task(api.get("/api/jobs", role="", headers=GUESS)) for _ in range(2)]
        (done,), (waiting,) = await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
        assert (done.result().status, int(done.result().headers["retry-after"]) >= 1) == (429, True)
        for _ in range(2):
            assert (await api.get("/api/jobs", token=token)).status == 200
        assert not waiting.done()
        waiting.cancel()


async def audited(app: App, event: str) -> list[dict[str, Any]]:
    """Give the rows of an event, once all that is counted has been written."""
    await app.refusals.stop()
    return await rows(
        app.database,
        "SELECT project_id, actor, data->>'what' AS what, (data->>'count')::int AS count"
        " FROM watchkeeper.audit_events WHERE event = %(event)s ORDER BY seq",
        {"event": event},
    )


async def test_failed_logins_are_written_down_by_address(api: Api) -> None:
    """The first is a row at once, what follows within a minute is one more: a guesser fills no disk."""
    for _ in range(7):
        await api.get("/api/jobs", role="", headers=GUESS)
    written = await audited(api.app, "login_failed")
    assert {(row["project_id"], row["actor"], row["what"]) for row in written} == {
        ("system", "address:127.0.0.1", "api")
    }
    assert (sum(row["count"] for row in written), len(written) <= 2) == (7, True)
    await api.get("/api/jobs", role="")
    assert len(await audited(api.app, "login_failed")) == len(written), "no token is no guess"


async def test_an_act_that_is_refused_is_written_down(api: Api) -> None:
    """Who tried what without the right stands in the audit trail of the project, reads included."""
    job = await api.enqueue()
    for _ in range(3):
        assert (await api.post(f"/api/jobs/{job}/cancel", {"reason": "x"}, role="viewer")).status == 403
    assert (await api.get("/api/tokens", role="viewer")).status == 403
    written = await audited(api.app, "act_refused")
    assert {(row["project_id"], row["actor"], row["what"]) for row in written} == {
        ("p", "principal:p/viewer-p-None", "POST /api/jobs/{job}/cancel"),
        ("p", "principal:p/viewer-p-None", "GET /api/tokens"),
    }
    assert sum(row["count"] for row in written) == 4


async def test_refusals_of_many_kinds_share_a_row(app: App) -> None:
    """Beyond a bound the kinds of a minute are counted together, so that changing addresses gains nothing."""
    refusals = Refusals(app.database, never())
    for number in range(500):
        refusals.note(Refusal.of_login(f"192.0.2.{number}", "api"))
    await refusals.stop()
    written = await audited(app, "login_failed")
    assert len(written) == KINDS_A_WINDOW + 1
    assert sum(row["count"] for row in written) == 500
    assert [row["count"] for row in written if row["actor"] == "others"] == [450]


async def test_refusals_outlive_an_outage(app: App) -> None:
    """While the database is away they stay counted, and are written when it is back."""
    away = Database(app.database.config)
    refusals = Refusals(away, never())
    refusals.note(Refusal.of_login("192.0.2.1", "api"))
    await refusals.stop()
    assert await audited(app, "login_failed") == []
    await away.open()
    refusals.note(Refusal.of_login("192.0.2.1", "api"))
    await refusals.stop()
    await away.close()
    assert [row["count"] for row in await audited(app, "login_failed")] == [2]
