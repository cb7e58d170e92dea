"""A scene for a guarded helper: a home, a fake helper with its plan, a site for results, and what was reported."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from foreign_site import Site
from relay.fake_helper import FakeHelper
from watchkeeper.domain.allowed_hosts import AllowedHost
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.services.fetch import FetchConfig
from watchkeeper.services.relay.guarded import HelperGuard
from watchkeeper.services.relay.heartbeats import Supervision, supervise_helper
from watchkeeper.services.relay.place import HelperPlace
from watchkeeper.services.relay.relaying import Relayed, relay

PAGE = "<!doctype html><title>T</title><h1>Queues</h1><p>All is well with them.</p>"
WORK = f"printf '%s' '{PAGE}' > index.html"
FAST: dict[str, Any] = {
    "claim_seconds": 0.4,
    "answer_seconds": 5.0,
    "linger_seconds": 0.2,
    "retry_pause_seconds": 0.01,
    "grace_seconds": 0.3,
    "kill_seconds": 5.0,
    "renewal_gap_seconds": 0.2,
}


def job(name: str = "A", seconds: float | None = 900, **more: Any) -> dict[str, Any]:
    """What a claim prints that found a job."""
    ends = {} if seconds is None else {"lease_expires_at": _iso(seconds)}
    return {
        "ok": True,
        "job": {"id": name, "kind": "report", "deliverable_id": "d1", "payload": {}, **ends, **more},
    }


def _iso(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@dataclass
class Scene:
    """One helper in one home. `plan` takes the place of a healthy command's acts, `first` comes before them."""

    directory: Path
    site: Site
    plan: dict[str, list[Any]] = field(default_factory=dict)
    first: dict[str, Any] = field(default_factory=dict)
    work: str | None = WORK
    config: dict[str, Any] = field(default_factory=dict)
    url: str = "http://127.0.0.1:1"
    token: str | None = None

    def __post_init__(self) -> None:
        page = self.site.put(f"/{self.directory.name}/index.html", PAGE)
        healthy = {
            "doctor": [{"print": {"ok": True, "token_present": True, "touch": {"ok": True}}}],
            "touch": [{"print": {"ok": True, "touched": True}}],
            "claim": [{"print": job()}],
            "context": [{"print": {"ok": True}}],
            "progress": [{"print": {"ok": True, "status": "running"}}],
            "upload-files": [{"print": {"ok": True, "artifacts": [{"name": "index.html", "url": page}]}}],
            "complete": [{"print": {"ok": True, "status": "completed"}}],
        }
        self.page = page
        plan = healthy | self.plan
        plan |= {command: [act, *plan[command]] for command, act in self.first.items()}
        self.helper = FakeHelper.make(self.directory / "helper", plan)
        self.home = self.directory / "home"
        self.place = HelperPlace(self.home, self.guard.words, "w1")

    @property
    def guard(self) -> HelperGuard:
        return HelperGuard(
            helper=self.helper.words,
            home=self.home,
            worker_id="w1",
            url=self.url,
            token=self.token,
            config=HelperConfig(**FAST | self.config),
            fetch=FetchConfig(allowed=(AllowedHost.parse("127.0.0.1"),)),
        )

    async def heartbeat(self, **more: Any) -> int:
        order = Supervision(
            guard=self.guard, work=self.work, once=True, system_place=self.directory / "system", **more
        )
        return await supervise_helper(order)

    async def relay(self, command: str, *arguments: str) -> Relayed:
        return await relay(self.guard, command, arguments)

    def reports(self, ending: str) -> list[dict[str, Any]]:
        """Give the bodies that would go to the address with this ending, in order."""
        kept = (json.loads(path.read_text()) for path in self.place.waiting(self.place.reports))
        return [record["body"] for record in kept if record["path"].endswith(ending)]

    @property
    def codes(self) -> list[str]:
        """Give the error codes of the helper's events, in order."""
        return [event["error_code"] for event in self.reports("helper-events") if "error_code" in event]

    @property
    def ended_as(self) -> str | None:
        ends = [body for body in self.reports("job-attempt") if "complete_status" in body]
        return ends[-1]["complete_status"] if ends else None

    def everything_kept(self) -> str:
        """Give all that would leave this machine."""
        with suppress(FileNotFoundError):
            return "".join(path.read_text() for path in self.place.waiting(self.place.reports))
        return ""
