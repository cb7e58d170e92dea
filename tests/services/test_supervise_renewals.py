"""Leases as the supervisor keeps them: in one request, from a thread of its own, and only for what lives."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from waiting import wait_until
from watchkeeper.services.supervision.claiming import Claiming
from watchkeeper.services.supervision.config import SupervisorConfig
from watchkeeper.services.supervision.renewals import LeaseHold, RenewalEvents, Renewals, boot_clock
from watchkeeper.services.supervision.server_link import ServerLink


class Answers:
    """A stand-in for the server's renewals: keeps what was asked, answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.paths: list[str] = []
        self.lost: set[str] = set()
        self.status = 200
        self.wishes: dict[str, Any] = {}

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.paths.append(path.rpartition("/")[2])
        tokens = [lease["token"] for lease in body.get("leases", ())]
        self.asked.append(tokens)
        jobs = [lease["job"] for lease in body.get("leases", ())]
        renewed = [{"job": job, "progress_age_seconds": 7.0} for job in jobs if job not in self.lost]
        return {
            "ok": True,
            "renewed": renewed,
            "lost": [job for job in jobs if job in self.lost],
            **self.wishes,
        }


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def url(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            content = json.dumps(answers.answer(self.path, body)).encode()
            self.send_response(answers.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Heard:
    """What the renewing thread told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def events(self) -> RenewalEvents:
        def tell(name: str) -> Any:
            return lambda about: self.told.append((name, getattr(about, "job", about)))

        return RenewalEvents(tell("lost"), tell("cancel"), tell("unconfirmed"), tell("outage"))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def renewals(url: str, heard: Heard) -> Iterator[Renewals]:
    renewals = Renewals(url, "wkw_token", "w", heard.events())
    yield renewals
    renewals.stop()


def hold(job: str, epoch: int = 1, *, lives: bool = True, seconds: float = 60.0) -> LeaseHold:
    return LeaseHold(job, epoch, f"{epoch}.{job}", seconds, boot_clock() - seconds / 2, lambda: lives)


def test_all_leases_go_in_one_request(renewals: Renewals, answers: Answers) -> None:
    """However many sessions run, a round of renewals is one request; how long a job stands still is learnt."""
    holds = [hold("a"), hold("b")]
    for each in holds:
        renewals.add(each)
    renewals.run_once()
    assert answers.asked == [["1.a", "1.b"]]
    assert [each.progress_age for each in holds] == [7.0, 7.0]


def test_a_lease_whose_agent_is_gone_is_not_renewed(renewals: Renewals, answers: Answers) -> None:
    """What nobody vouches for is left to expire, beside leases that are kept."""
    renewals.add(hold("dead", lives=False))
    renewals.add(hold("alive"))
    renewals.run_once()
    assert answers.asked == [["1.alive"]]


async def test_a_full_disk_stops_claims_and_not_renewals(
    url: str, tmp_path: Path, renewals: Renewals, answers: Answers
) -> None:
    """From 95 % on no job is asked for, while the leases of those that run are renewed as ever."""

    async def taken(jobs: list[dict[str, Any]], sent_at: float) -> None:
        raise AssertionError((jobs, sent_at))

    link = ServerLink(url, "wkw_token")
    config = SupervisorConfig(url=url, token="wkw_token", home=tmp_path)
    full = Claiming(config, "w", link, tmp_path, list, used_percent=lambda _: 95.0)
    claims = asyncio.create_task(full.run(lambda: 1, taken))
    renewals.add(hold("a", seconds=0.2))
    renewals.start()
    await asyncio.to_thread(wait_until, lambda: len(answers.asked) >= 3, 10, "renewals")
    assert not claims.done()
    claims.cancel()
    await link.close()
    assert set(answers.paths) == {"renew"}


def test_of_two_attempts_at_one_job_the_newer_is_renewed(renewals: Renewals, answers: Answers) -> None:
    """A job claimed again while its former attempt ends is not mistaken for the former."""
    renewals.add(hold("a", 2))
    renewals.add(hold("a", 1))
    renewals.run_once()
    assert answers.asked == [["2.a"]]


def test_the_thread_renews_by_itself_and_tells_of_lost_leases(
    renewals: Renewals, answers: Answers, heard: Heard
) -> None:
    """Renewals need nobody's help, come at a quarter of the shortest lease, and tell what was lost or cancelled."""
    answers.lost = {"gone"}
    answers.wishes = {"cancel_requested": ["kept"], "touch_requested": True}
    renewals.start()
    renewals.add(hold("gone", seconds=60))
    renewals.add(hold("kept", seconds=0.4))
    wait_until(lambda: len(answers.asked) >= 6, 10, "several rounds")
    assert ("lost", "gone") in heard.told
    assert ("cancel", "kept") in heard.told
    assert "touch" in answers.paths
    assert not [told for told in heard.told if told[0] == "unconfirmed"]


def test_an_agent_that_cannot_be_looked_at_costs_no_other_lease(
    renewals: Renewals, answers: Answers, heard: Heard
) -> None:
    """A fault in vouching for one agent leaves its lease alone; the others are renewed, round after round."""

    def cannot_tell() -> bool:
        raise OSError("too many open files")

    unknown = hold("unknown", seconds=0.4)
    unknown.vouch = cannot_tell
    renewals.start()
    renewals.add(unknown)
    renewals.add(hold("alive", seconds=0.4))
    wait_until(lambda: len(answers.asked) >= 4, 10, "several rounds")
    assert all(tokens == ["1.alive"] for tokens in answers.asked)
    wait_until(lambda: ("unconfirmed", "unknown") in heard.told, 10, "the lease to run out")


def test_an_answer_of_an_odd_shape_does_not_end_the_renewals(
    renewals: Renewals, answers: Answers, heard: Heard
) -> None:
    """An answer that makes no sense is told as an outage; a lease is kept once the answers make sense again."""
    answers.wishes = {"renewed": [{"id": "a"}]}
    renewals.start()
    kept = hold("a", seconds=0.4)
    renewals.add(kept)
    wait_until(lambda: len(answers.asked) >= 3, 10, "further tries")
    assert {told for told in heard.told if told[0] == "outage"} == {("outage", "KeyError: 'job'")}
    answers.wishes = {}
    wait_until(lambda: ("outage", None) in heard.told, 10, "a good answer")
    assert kept.progress_age == 7.0


def test_past_its_lease_an_unconfirmed_one_is_told_once(
    renewals: Renewals, answers: Answers, heard: Heard
) -> None:
    """While the server is away a lease runs out by the machine's own clock, and is told once."""
    answers.status = 503
    renewals.start()
    renewals.add(hold("a", seconds=0.4))
    wait_until(lambda: ("unconfirmed", "a") in heard.told, 10, "the lease to run out")
    wait_until(lambda: len(answers.asked) >= 4, 10, "further tries")
    assert heard.told.count(("unconfirmed", "a")) == 1
