"""A server that is away: ends are kept and told later, and agents are stopped when their leases cannot be confirmed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.living import living
from conftest import TestServer
from e2e.away_database import away, database_name
from e2e.work_agent.desk import Desk, server_process
from e2e.work_agent.door import Door
from moving_clock import MovingClock
from waiting import wait_until
from watchkeeper.domain.attempts import INFRASTRUCTURE_DELAY_SECONDS
from watchkeeper.services.supervision.records import attempts_at


@pytest.fixture
def door(desk: Desk) -> Iterator[Door]:
    with Door(desk.url) as door:
        yield door


def test_an_end_is_told_when_the_server_is_back(desk: Desk, door: Door) -> None:
    """A command that ends while the server is away is reported, with its results, once it is back."""
    out = desk.place / "out"
    worker = desk.worker(url=door.url)
    job = desk.put(
        f"echo on > {out}/on; while [ ! -e {out}/go ]; do sleep 0.05; done; echo rich > result.txt"
    )
    desk.said("on")
    door.shut()
    (out / "go").touch()
    wait_until(lambda: worker.events("report_waits"), 15, "the end to wait for the server")
    assert desk.job(job)["state"] == "running"
    door.open()
    desk.wait_for(job, "completed")


def test_an_untold_end_outlives_its_supervisor(desk: Desk, door: Door) -> None:
    """An end that could not be told is on disk: the next supervisor tells it before it takes other work."""
    desk.kind("once", max_attempts=1)
    out = desk.place / "out"
    worker = desk.worker(url=door.url)
    job = desk.put(f"echo on > {out}/on; while [ ! -e {out}/go ]; do sleep 0.05; done; exit 7", "once")
    desk.said("on")
    door.shut()
    (out / "go").touch()
    wait_until(lambda: worker.events("report_waits"), 15, "the end to wait for the server")
    worker.kill()
    door.open()
    desk.worker(url=door.url)
    desk.wait_for(job, "failed")
    assert "exit code 7" in desk.attempts(job)[0]["error"]


def test_a_claim_whose_answer_was_lost_costs_no_lease(
    desk: Desk, door: Door, serving: dict[str, str], tmp_path: Path
) -> None:
    """A server killed between a claim's commit and its answer: the job is handed out again, to the same worker."""
    order = {"database_url": serving["database_url"], "home": str(tmp_path), "dies_after": "claim"}
    with server_process(order) as (dying, told):
        door.lead_to(told["url"])
        worker = desk.worker(url=door.url, slots=1)
        job = desk.put("true")
        assert dying.wait(20) == -signal.SIGKILL
    assert desk.job(job)["state"] == "running"
    assert not worker.events("job_claimed")
    door.lead_to(desk.url)
    desk.wait_for(job, "completed")
    assert [event["redelivered"] for event in worker.events("job_claimed")] == [True]
    assert [attempt["outcome"] for attempt in desk.attempts(job)] == ["completed"]


def test_an_agent_is_stopped_when_its_lease_cannot_be_confirmed(desk: Desk, door: Door, nonce: str) -> None:
    """Past the lease somebody else may hold the job: the agent is interrupted, its workspace stays."""
    desk.kind("short", lease_seconds=2, on_lost="hold")
    worker = desk.worker(url=door.url)
    out = desk.place / "out"
    desk.put(f"echo half > half.txt; echo on > {out}/on; sleep {nonce}", "short")
    desk.said("on")
    door.shut()
    wait_until(lambda: not living(nonce), 15, "the agent to be stopped")
    assert worker.events("attempt_interrupted")[0]["why"] == "unconfirmed"
    (records,) = attempts_at(desk.place / "home")
    assert (records.lease() or {})["workspace"]
    assert list(desk.place.glob("**/half.txt"))


@pytest.mark.parametrize("also_the_server", [False, True], ids=["the database", "server and database"])
def test_an_outage_of_twice_the_lease_costs_a_living_worker_no_lease(
    desk: Desk, door: Door, server: TestServer, serving: dict[str, str], also_the_server: bool
) -> None:
    """The agent is stopped; when all is back its worker tells of infrastructure's failure, which uses up nothing."""
    desk.kind("delicate", lease_seconds=2, on_lost="hold", max_lost_leases=1, max_attempts=1)
    worker = desk.worker(url=door.url)
    once = desk.place / "out" / "once"
    job = desk.put(f"[ -e {once} ] || {{ echo on > {once}; sleep 600; }}", "delicate")
    desk.said("once")
    with away(server.admin_url, database_name(serving["database_url"]), at_least=4):
        if also_the_server:
            door.shut()
        wait_until(lambda: worker.events("attempt_interrupted"), 15, "the agent to be stopped")
    if also_the_server:
        door.open()
    assert worker.events("attempt_interrupted")[0]["why"] == "unconfirmed"
    desk.wait_for(job, "pending", "paused", "failed")
    MovingClock(serving["database_url"]).advance(INFRASTRUCTURE_DELAY_SECONDS)
    desk.wait_for(job, "completed")
    ends = [(attempt["outcome"], attempt["cause"]) for attempt in desk.attempts(job)]
    assert ends == [("failed", "infrastructure"), ("completed", None)]


def test_a_worker_waits_for_a_server_that_is_not_there_yet(desk: Desk, door: Door) -> None:
    """Started before its server, a worker waits, says so once, and begins when the server comes."""
    door.shut()
    worker = desk.worker(url=door.url)
    wait_until(lambda: worker.events("server_down"), 15, "the worker to miss the server")
    job = desk.put("true")
    door.open()
    desk.wait_for(job, "completed")
    assert len(worker.events("server_down")) == 1


def test_a_token_that_is_none_is_refused_at_once(desk: Desk) -> None:
    """A worker with a wrong token ends with the server's reason, instead of asking for ever."""
    worker = desk.worker(token="wkw_wrong")
    assert worker.process.wait(20) != 0
    assert "Unauthenticated" in worker.log.read_text()


def test_retention_removes_what_was_reported(desk: Desk) -> None:
    """Ended attempts go from the machine, workspace included, once they are beyond what is to be kept."""
    first = desk.worker()
    job = desk.put("echo kept > kept.txt")
    desk.wait_for(job, "completed")
    wait_until(lambda: first.events("attempt_reported"), 10, "the attempt to be over")
    assert list(desk.place.glob("**/kept.txt"))
    assert first.stop() == 0
    desk.worker(keep_attempts=0)
    wait_until(lambda: not list(attempts_at(desk.place / "home")), 10, "the attempt to be removed")
    wait_until(lambda: not list(desk.place.glob("**/kept.txt")), 10, "its workspace to be removed")
