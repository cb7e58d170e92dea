"""The rehearsal: work runs, a backup is taken, the machine dies, another one comes back from the backup."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from e2e.running_up import Up, command, living
from embedded_servers import remove_scope
from waiting import wait_until

PAGE = "<!doctype html><title>T</title><h1>Queues</h1><p>All is well with them.</p>"
REPORT = {"required_kinds": ["html_page"]}
KEPT_APART = ("audit-key", "audit-keys.pub", "audit-anchor.jsonl")
LATE = [{"kind": "html_page", "url": "https://elsewhere.example/page.html", "primary": True}]


class Site:
    """One installation: its home, and its server as a person and a worker reach it."""

    def __init__(self, home: Path, up: Up) -> None:
        self.home = home
        url = up.url  # waited for: then the token is there, too
        token = (home / "owner-token").read_text().strip()
        self.http = httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)

    def ask(self, method: str, path: str, body: Any = None, project: str = "manual") -> dict[str, Any]:
        headers = {"Idempotency-Key": uuid4().hex}
        answer = self.http.request(method, path, json=body, params={"project": project}, headers=headers)
        assert answer.is_success, (path, answer.text)
        return dict(answer.json())

    def put(self, project: str, **job: Any) -> str:
        return str(self.ask("POST", "/api/jobs", {"kind": "k", **job}, project)["job"]["id"])

    def job(self, job: str, project: str = "manual") -> tuple[str, str | None]:
        found = self.ask("GET", f"/api/jobs/{job}", project=project)["job"]
        return found["state"], found["state_reason"]

    def reaches(self, job: str, state: str, project: str = "manual") -> None:
        wait_until(lambda: self.job(job, project)[0] == state, 20, f"{job} to be {state}")

    def as_worker(self, token: str, path: str, body: Any, lease: str = "") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Watchkeeper-Lease": lease}
        return dict(self.http.post(f"/api/worker/{path}", json=body, headers=headers).json())

    def claim(self, token: str, worker: str) -> dict[str, Any]:
        """Give the job that was claimed, nothing where there was none."""
        return self.as_worker(token, "claim", {"worker_id": worker, "wait_seconds": 0})["job"] or {}

    def complete(self, token: str, claimed: dict[str, Any], artifacts: Any) -> dict[str, Any]:
        body = {"summary": f"of {claimed['id']}", "artifacts": artifacts}
        return self.as_worker(token, f"jobs/{claimed['id']}/complete", body, claimed["lease_token"])

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Run a command on this home and give its JSON."""
        done = command(self.home, *arguments, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture
def second(home: Path) -> Iterator[Path]:
    """The home of another machine."""
    other = home.with_name("other")
    yield other
    if (other / "database").exists():
        remove_scope(other / "database")


Begin = Callable[[Path], Site]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Start `up` on a home, as often as wanted."""
    started: list[Up] = []
    sites: list[Site] = []

    def start(home: Path) -> Site:
        started.append(Up(home, "--no-example", "--port", "0"))
        sites.append(Site(home, started[-1]))
        return sites[-1]

    yield start
    for site in sites:
        site.http.close()
    for up in started:
        up.destroy()


def die(home: Path) -> None:
    """End a whole machine at once."""
    for pid in living(home):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not living(home), 15, "the end of the machine")


@dataclass
class Work:
    """What goes on when the backup is taken, and what came after it."""

    done: str
    slow: str
    first: str
    scheduled: str
    held: str
    ready: str
    worker: str
    claimed: dict[str, Any]
    newer: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)


def work_on(site: Site, gate: Path) -> Work:
    """Let one job complete with a page and one run, under `up`; hold, schedule and claim others by hand."""
    page = f"echo '{PAGE}' > index.html"
    wait = f"while ! test -e '{gate}'; do sleep 0.1; done"
    done = site.put("default", payload={"command": page}, contract=REPORT)
    slow = site.put("default", payload={"command": f"{wait}; {page}"}, contract=REPORT)
    site.ask("POST", "/api/projects", {"project_id": "manual"})
    made = site.ask("POST", "/api/tokens", {"name": "w", "role": "worker", "project_id": "manual"})
    worker = made["token"]["secret"]
    first = site.put("manual", priority=9)
    scheduled = site.put("manual", run_at="2099-01-01T00:00:00+00:00")
    held = site.put("manual", priority=8)
    site.ask("POST", f"/api/jobs/{held}/pause", {"reason": "not now"})
    claimed = site.claim(worker, "w1")
    ready = site.put("manual")
    site.reaches(done, "completed", "default")
    site.reaches(slow, "running", "default")
    assert claimed["id"] == first
    return Work(done, slow, first, scheduled, held, ready, worker, claimed)


def go_on(site: Site, work: Work) -> None:
    """Claim one job that the backup knows as ready, and one that it does not know."""
    work.newer = site.claim(work.worker, "w2")
    after = site.put("manual")
    work.unknown = site.claim(work.worker, "w3")
    assert (work.newer["id"], work.unknown["id"]) == (work.ready, after)


def stands_still(site: Site, work: Work) -> None:
    """All is as it was, what ran is paused, nothing is handed out, and everybody says so."""
    assert site.job(work.done, "default") == ("completed", None)
    assert site.job(work.slow, "default") == site.job(work.first) == ("paused", "restored")
    assert site.job(work.held) == ("paused", "operator")
    assert site.job(work.scheduled) == site.job(work.ready) == ("pending", None)
    lost = site.http.get(f"/api/jobs/{work.unknown['id']}", params={"project": "manual"})
    assert lost.status_code == 404
    assert site.claim(work.worker, "w1") == {}
    health = site.ask("GET", "/api/watchdog/queue-health")
    assert health["queues"][0]["waiting_reasons"]["claims_off"] == 1
    assert "db resume" in health["standstill"]
    assert "db resume" in site.run("db", "status")["stands_still"]


def come_too_late(site: Site, work: Work) -> None:
    """Whoever held a job before the disaster is refused, and what it made is kept for a person."""
    for late, code in (
        (work.claimed, "stale_lease"),
        (work.newer, "stale_lease"),
        (work.unknown, "job_not_found"),
    ):
        assert site.complete(work.worker, late, LATE)["error"]["code"] == code
    kept = site.run("jobs", "late", "-p", "manual")["items"]
    jobs = (work.unknown["id"], work.ready, work.first)
    assert [item["body"]["summary"] for item in kept] == [f"of {job}" for job in jobs]
    assert all(item["body"]["artifacts"] == LATE for item in kept)


def test_the_machine_dies_and_another_comes_back_from_the_backup(
    home: Path, second: Path, begin: Begin
) -> None:
    """Everything is as it was at the backup and stands still; late workers are refused and kept; then work goes on."""
    backup, gate = home.with_name("backup"), home.with_name("gate")
    site = begin(home)
    work = work_on(site, gate)
    taken = site.run("db", "backup", str(backup))["backup"]
    assert (taken["tables"]["job_specs"], taken["files"], taken["lost"]) == (6, 1, 0)
    go_on(site, work)
    die(home)

    second.mkdir()
    for name in KEPT_APART:
        shutil.copy(home / name, second / name)
    restored = command(second, "db", "restore", str(backup), "--json")
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["restored"]["jobs_paused"] == 2
    again = begin(second)
    stands_still(again, work)
    come_too_late(again, work)
    assert again.run("artifacts", "verify")["files"] == 1

    gate.touch()
    resumed = again.run("db", "resume", "--reason", "rehearsed")
    assert (resumed["jobs_resumed"], resumed["switched_on"]) == (2, ["actions", "claims"])
    for job in (work.first, work.ready):
        mine = again.claim(work.worker, "w1")
        assert mine["id"] == job
        assert again.complete(work.worker, mine, [])["status"] == "completed"
    again.reaches(work.slow, "completed", "default")
    assert again.job(work.scheduled) == ("pending", None)
    assert again.job(work.held) == ("paused", "operator")
    assert again.run("audit", "verify")["ok"] is True
