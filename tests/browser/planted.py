"""Everything that the console can show, planted: each state, what agents said to harm, and what waits for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from interfaces.api_client import Api, serving
from interfaces.console_project import ConsoleProject, fill
from interfaces.planted_host import packet
from services.alerts import opened
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role

HOSTILE = "<script>document.title='owned'</script>\"'><img src=x onerror=alert(2)> {{ 7 * 7 }}"
RIGHT_TO_LEFT = "התיקון \u202eexe.tropper\u202c مراجعة \u2067אחר\u2069"
ENDLESS = "w" * 10_000
NASTY = f"{HOSTILE} {RIGHT_TO_LEFT} {ENDLESS}"
PEOPLE = {"owner": "mei", "supervisor": "chen", "worker": "host-1"}


@dataclass
class Planted:
    """What stands in the project `p`. `of` has, for each name in a page's address, one that is there."""

    project: ConsoleProject
    of: dict[str, list[str]] = field(default_factory=dict)


async def plant(app: App, url: str, said: str = NASTY, passes: Callable[[], None] = lambda: None) -> Planted:
    """Fill an empty installation, in which agents say `said`; between its acts, `passes` lets time pass."""
    project = await fill(app, url)
    planted = Planted(project)
    async with serving(app) as api:
        for role, name in PEOPLE.items():
            made = await app.identity.create_token(name, Role(role), "p", actor="test")
            api.tokens[f"{role}-p-None"] = made.secret
        gardener = _Gardener(api, planted, said)
        for act in (
            gardener.agents_said,
            gardener.incidents,
            gardener.repairs,
            gardener.knowledge,
            gardener.hosts,
            gardener.alerts,
        ):
            passes()
            await act()
        trail = (await api.get("/api/audit")).body["events"]
        planted.of["row"] = [row["row"] for row in trail[:3]]
        for address in ("/reports/stages", f"/jobs/{planted.of['job'][0]}", "/audit"):
            made = await gardener.post("/api/shares", {"address": address, "days": 1, "reason": "tests"})
            planted.of.setdefault("token", []).append(made["share"]["secret"].rpartition("/")[2])
    await app.maintenance.keep_time()
    for state in ("stuck", "running", "verified"):
        planted.of["job"].append(str(project.jobs[state]))
    planted.of["worker"] = ["w3", "w1", "w2"]
    planted.of["kind"] = ["build"]
    return planted


@dataclass
class _Gardener:
    api: Api
    planted: Planted
    said: str

    async def post(self, path: str, body: dict[str, Any], *, role: str = "owner") -> dict[str, Any]:
        answered = await self.api.post(path, body, role=role)
        assert answered.status < 400, (path, answered.body)
        return answered.body

    async def tell(self, verb: str, job: dict[str, Any], **body: Any) -> dict[str, Any]:
        """Say something of a held job, as its worker."""
        path = f"/api/worker/jobs/{job['id']}/{verb}"
        answered = await self.api.ask("POST", path, body, role="worker", lease=job["lease_token"])
        assert answered.status < 400, (path, answered.body)
        return answered.body

    def keep(self, name: str, key: str) -> str:
        self.planted.of.setdefault(name, []).append(key)
        return key

    async def agents_said(self) -> None:
        """A job whose agent says all that could break a page, with its session."""
        api = self.api
        await api.declare("page", max_attempts=1)
        job = await api.claimed("page", "w3", payload={"note": self.said})
        self.keep("job", job["id"])
        await self.tell("progress", job, message=self.said[:4000], phase="build", payload={"said": self.said})
        said = {
            "agent": "codex",
            "cli_version": "0.169.0",
            "thread_id": "th-1",
            "transcript": "/home/agent/sessions/rollout.jsonl",
            "workspace": "/srv/work/site",
            "state": "running",
            "turns": 3,
            "tokens": 48_210,
            "cost": 0.82,
            "standing": {"silent_s": 12.0, "open_tools": 1, "tool": "shell", "tool_open_s": 9.0},
        }
        told = await self.tell("session", job, **said)
        self.keep("session", told["session"]["id"])
        await self.tell("session/events", job, events=_events(self.said))
        second = await api.claimed("page", "w4")
        ended = {
            "agent": "claude",
            "exit_code": 1,
            "ended": True,
            "failure_class": "F08",
            "diagnosis": {"failure": "F08", "because": self.said[:2000], "evidence": {"said": [self.said]}},
            "left": [{"pid": 7, "command": self.said[:500], "why": "it ignored the end"}],
        }
        told = await self.tell("session", second, **ended)
        self.keep("session", told["session"]["id"])
        await self.tell("fail", second, reason=self.said[:4000])
        self.keep("job", second["id"])

    async def incidents(self) -> None:
        """Open, acknowledged, quiet, over, a cause with a symptom; found by the watchdog and told by hand."""
        await self.api.app.watchdog.watch.run_once()
        job = str(self.planted.project.jobs["stuck"])
        database = self.api.app.database
        cause = await opened(database, severity="critical", job_id=self.planted.project.jobs["stuck"])
        for rule, given in (
            ("lease_expired", {"severity": "high", "job_id": self.planted.project.jobs["expired"]}),
            ("queue_stuck", {"severity": "medium", "cause_id": cause}),
            ("session_stalled", {"severity": "low"}),
            ("doctor_failed", {"severity": "high"}),
        ):
            self.keep("incident", str(await opened(database, rule, **given)))
        self.keep("incident", str(cause))
        told = {
            "rule": "complete_rejected",
            "cause": "refused_once",
            "job": job,
            "worker_id": "w2",
            "evidence": {"said": self.said},
        }
        await self.post("/api/watchdog/incidents", told, role="supervisor")

    async def repairs(self) -> None:
        """One to approve, one done and undoable, one rejected."""
        path = "/api/watchdog/repair-actions"
        for number, act in enumerate(("", "approve", "reject"), 5):
            job = await self.api.claimed("page", f"w{number}")
            wish = {"action": "release", "job": job["id"], "reason": self.said[:2000]}
            made = await self.post(path, wish, role="worker")
            repair = made["repair"]
            self.keep("repair", repair["id"])
            if act:
                said = {"reason": "seen"} | (
                    {"plan_digest": repair["plan_digest"]} if act == "approve" else {}
                )
                await self.post(f"{path}/{repair['id']}/{act}", said, role="supervisor")

    async def knowledge(self) -> None:
        """Proposals, lessons, questions to people, signals."""
        text = self.said[:12_000]
        proposal = {
            **dict.fromkeys(("decision", "problem", "recommendation", "reasoning"), text),
            "kind": "k",
            "options": [text, "keep it as it is"],
        }
        for _ in range(2):
            made = await self.post("/api/proposals", proposal | {"fingerprint": f"f{_}"}, role="worker")
            self.keep("proposal", made["proposal"]["id"])
        lesson = await self.post("/api/lessons", {"learned": [self.said[:2000]]}, role="worker")
        self.keep("lesson", lesson["lesson"]["id"])
        asked = await self.post("/api/people-syncs", {"person": "lin", "question": self.said[:4000]})
        self.keep("sync", asked["people_sync"]["id"])
        signal = {"source": "mail", "topic_key": "launch", "text": text}
        self.keep("signal", (await self.post("/api/signals", signal))["signal"]["id"])

    async def hosts(self) -> None:
        """An event packet of a host."""
        kept = await self.post("/api/host/packets", {"packets": [packet(self.said[:4000])]})
        self.keep("packet", kept["kept"][0]["id"])

    async def alerts(self) -> None:
        """A channel that is on but cannot be reached, so that alerts wait and say why."""
        channel = {"name": "ops", "url": "http://127.0.0.1:9/ops", "reason": "tests"}
        await self.post("/api/channels", channel)
        await self.api.app.watchdog.alerting.outbox.run_once()
        for alert in (await self.api.get("/api/alerts")).body["alerts"]:
            self.keep("alert", alert["id"])


def _events(said: str) -> list[dict[str, Any]]:
    texts = ["I look at the tests first.", *said.split(" ", 3), said, "Done with the first page."]
    spoken = [("said", {"text": text}) for text in texts]
    tools = [
        ("tool_opened", {"id": "t1", "tool": "shell", "shown": "pytest -q"}),
        ("tool_closed", {"id": "t1", "result": "2 failed, 31 passed", "shown": said}),
    ]
    return [
        {"n": number, "t": number * 1.5, "source": "stdout", "event": event, "fields": fields}
        for number, (event, fields) in enumerate([("turn_began", {}), *spoken, *tools], 1)
    ]
