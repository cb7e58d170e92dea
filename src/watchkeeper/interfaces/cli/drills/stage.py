"""Where a drill plays: a project of its own on the running installation, a worker in it, and what it shows."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any, TypeVar

import httpx2

from watchkeeper.domain.diagnosis import StuckClass
from watchkeeper.domain.errors import DatabaseUnavailable, ServerUnreachable, WatchkeeperError
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.interfaces.cli.client import Client, part
from watchkeeper.interfaces.cli.drills.leftovers import PREFIX, title

T = TypeVar("T")
STANDING_STILL = ("stuck", "paused", "failed")
LOOK_SECONDS = 0.1
REMOVE_SECONDS = 20.0
ANSWER_SECONDS = 60.0


class DrillFailed(WatchkeeperError):
    """The fault was not detected, or without evidence."""

    code = "internal_error"


@dataclass(frozen=True, slots=True)
class Shown:
    """One piece of evidence: what was to be seen, and the fact that shows it."""

    what: str
    fact: Any


@dataclass(slots=True)
class DrillWorker:
    """A contract worker of the drill's project; errors are answers, since drills provoke them."""

    http: httpx2.Client
    worker_id: str
    lease: str | None = None

    def ask(self, command: str, body: Any = None, *, job: str | None = None, **parts: Any) -> dict[str, Any]:
        """Send one contract command and give its answer, with `http` as its status."""
        path = "/api/worker/" + (command if job is None else f"jobs/{part(job)}/{command}")
        headers = {} if self.lease is None or job is None else {"Watchkeeper-Lease": self.lease}
        method = "GET" if command == "context" else "POST"
        json = None if command == "context" or parts else body or {}
        try:
            response = self.http.request(method, path, json=json, headers=headers, **parts)
        except httpx2.HTTPError as error:
            raise ServerUnreachable(f"the server could not be reached in mid-drill: {error}") from error
        answer: dict[str, Any] = response.json()
        return {"http": response.status_code, **answer}

    def claim(self) -> dict[str, Any] | None:
        """Claim a job and keep its lease; None where there is none."""
        job = self.ask("claim", {"worker_id": self.worker_id}).get("job")
        self.lease = None if job is None else job["lease_token"]
        return job if isinstance(job, dict) else None

    def round(self) -> dict[str, Any] | None:
        """Run the begin of one heartbeat: doctor, touch, claim."""
        for command in ("doctor", "touch"):
            answer = self.ask(command, {"worker_id": self.worker_id})
            if not answer["ok"]:
                raise DrillFailed(f"{command} of the drill's own worker failed: {answer}")
        return self.claim()

    def upload(self, job: str, name: str, content: bytes) -> str:
        """Store one file and give its artifact's id."""
        answer = self.ask("files", job=job, files=[("files", (name, content))])
        return str(answer["artifacts"][0]["id"])

    def complete(self, job: str, artifacts: list[dict[str, Any]]) -> dict[str, Any]:
        return self.ask("complete", {"summary": "the drill says so", "artifacts": artifacts}, job=job)


@dataclass(slots=True)
class Stage:
    """One drill's project. `token` is a worker's token of it, `url` the server's address.

    `patience_seconds` is how long it waits for what must follow from its fault. Once `stopped`, it goes no further.
    """

    owner: Client
    project: str
    url: str
    token: str
    scratch: Path
    patience_seconds: float
    stopped: Event = field(default_factory=Event)
    evidence: list[Shown] = field(default_factory=list)
    _open: list[httpx2.Client] = field(default_factory=list)

    def show(self, what: str, fact: Any) -> None:
        """Keep a piece of evidence; raise DrillFailed for one that shows nothing."""
        self._go_on()
        if fact is None or fact == [] or fact == {} or fact == "":
            raise DrillFailed(f"there is no evidence that {what}")
        self.evidence.append(Shown(what, fact))

    def demand(self, holds: bool, what: str, fact: Any) -> None:
        """Keep a fact that must hold; raise DrillFailed with it where it does not."""
        if not holds:
            raise DrillFailed(f"it does not hold that {what}: {fact}")
        self.show(what, fact)

    def worker(self, worker_id: str = "drill-worker") -> DrillWorker:
        http = httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token}", "User-Agent": "watchkeeper-drill"},
            timeout=ANSWER_SECONDS,
            trust_env=False,
        )
        self._open.append(http)
        return DrillWorker(http, worker_id)

    def kind(self, name: str, **declaration: Any) -> None:
        self.owner.act("POST", "/api/kinds", {"name": name, **declaration})

    def enqueue(self, kind: str, **asked: Any) -> str:
        return str(self.owner.act("POST", "/api/jobs", {"kind": kind, "payload": {}, **asked})["job"]["id"])

    def job(self, job: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.owner.get(f"/api/jobs/{part(job)}")["job"]
        return answer

    def timeline(self, job: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.owner.get(f"/api/jobs/{part(job)}/timeline")["timeline"]
        return events

    def report(self, path: str, body: Any) -> None:
        self.owner.act("POST", f"/api/watchdog/{path}", body)

    def incident(self, rule: RuleName, begins_in: float = 0.0, **of: str) -> dict[str, Any]:
        """Wait for the incident of a rule and show it; raise DrillFailed where none comes, or without evidence.

        Its trouble begins in so many seconds.
        """

        def found() -> dict[str, Any] | None:
            page = self.owner.get("/api/watchdog/incidents", rule=rule.value, **of)["incidents"]
            return page[0] if page else None

        incident = self.wait(found, f"an incident of {rule}", begins_in)
        whole = self.owner.get(f"/api/watchdog/incidents/{incident['id']}")["incident"]
        self.show(f"{rule} was detected", {name: whole[name] for name in ("id", "cause", "severity")})
        self.show("the incident has evidence", whole["evidence"])
        return dict(whole)

    def alert(self, incident: dict[str, Any]) -> dict[str, Any]:
        """Wait for the first word to people about an incident, and give it."""

        def found() -> dict[str, Any] | None:
            told = self.owner.get(f"/api/alerts/of/{incident['id']}")["alerts"]
            return told[-1] if told else None

        return self.wait(found, f"an alert of {incident['rule']}")

    def repair(self, incident: dict[str, Any]) -> dict[str, Any]:
        """Wait for the repair that an incident brings about, and show it."""

        def found() -> dict[str, Any] | None:
            whole = self.owner.get(f"/api/watchdog/incidents/{incident['id']}")["incident"]
            return next(iter(whole["repairs"]), None)

        repair = self.wait(found, f"a repair of {incident['rule']}")
        said = {name: repair[name] for name in ("action", "authority", "state")}
        self.show("a repair was planned, with its authority", said)
        return repair

    def explain(self) -> None:
        """Ask why jobs of the drill stand still; raise DrillFailed for one without a class or a repair."""
        for state in STANDING_STILL:
            for job in self.owner.pages("/api/jobs", "jobs", state=state):
                why = self.owner.get(f"/api/why/{part(job['id'])}", of="job")
                known = {"state": state, "class": why["class"], "repair": why["suggested_repair"]["action"]}
                is_known = known["class"] != StuckClass.UNEXPLAINED and bool(known["repair"])
                self.demand(is_known, "the job that stands still is classified, with a repair", known)

    def wait(self, look: Callable[[], T | None], what: str, begins_in: float = 0.0) -> T:
        """Look until something is there; raise DrillFailed when it does not come in time after its begin."""
        deadline = time.monotonic() + begins_in + self.patience_seconds
        while (found := look()) is None:
            self._go_on()
            if time.monotonic() > deadline:
                raise DrillFailed(
                    f"{what} did not come within {self.patience_seconds:g} s",
                    hint="Is 'watchkeeper watch' running? 'watchkeeper up' brings it.",
                )
            time.sleep(LOOK_SECONDS)
        return found

    def close(self) -> None:
        for http in self._open:
            http.close()

    def _go_on(self) -> None:
        if self.stopped.is_set():
            raise DrillFailed("it was told to stop", hint="Its project is removed; run it again.")


@contextmanager
def stage(client: Callable[..., Any], url: str, patience_seconds: float, stopped: Event) -> Iterator[Stage]:
    """Make a project with a worker's token, and remove both with all that the drill left.

    `client` gives an owner's client for a project, as `connected` does.
    """
    project = f"{PREFIX}{secrets.token_hex(4)}"
    with (
        client(whole=True) as whole,
        client(project) as owner,
        TemporaryDirectory(prefix="drill-") as scratch,
    ):
        whole.act("POST", "/api/projects", {"project_id": project, "title": title()})
        try:
            asked = {"name": "drill", "role": "worker", "project_id": project, "lifetime_seconds": 3600}
            made = owner.act("POST", "/api/tokens", asked)["token"]
            playing = Stage(owner, project, url, made["secret"], Path(scratch), patience_seconds, stopped)
            try:
                yield playing
            finally:
                playing.close()
        finally:
            remove(whole, project)


def remove(whole: Client, project: str) -> None:
    """Remove a drill's project; whoever has the database tries again for a while."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while True:
        try:
            whole.act("DELETE", f"/api/projects/{part(project)}", reason="the drill is over", force="true")
        except DatabaseUnavailable:
            # The watch is still at work on the project, and the database undid the one that came second.
            if time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(LOOK_SECONDS)
