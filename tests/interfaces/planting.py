"""Puts planted secrets wherever callers can write, and says which places refused them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from interfaces.api_client import PAGE, Answered, Api
from interfaces.planted_host import delivery, packet, wish, words
from secret_examples import PLANTED
from services.alerts import opened

ALL = "\n".join(text for text, _ in PLANTED.values() if "-----BEGIN" not in text)

NAMES: dict[str, tuple[str, str, str]] = {
    "worker_id": ("/api/worker/touch", "worker", "worker_id"),
    "automation_id": ("/api/worker/touch", "worker", "automation_id"),
    "claimer": ("/api/worker/claim", "worker", "worker_id"),
    "doctor": ("/api/worker/doctor", "worker", "worker_id"),
    "pool": ("/api/worker/register", "worker", "pool"),
    "host": ("/api/worker/register", "worker", "host_id"),
    "kind": ("/api/jobs", "owner", "kind"),
    "unique_key": ("/api/jobs", "owner", "unique_key"),
    "external_id": ("/api/jobs", "owner", "external_id"),
    "deliverable_id": ("/api/jobs", "owner", "deliverable_id"),
    "token name": ("/api/tokens", "owner", "name"),
    "schedule": ("/api/schedules", "owner", "name"),
    "schedule kind": ("/api/schedules", "owner", "kind"),
    "project title": ("/api/projects", "whole", "title"),
    "persona": ("/api/kinds", "owner", "persona"),
    "declared kind": ("/api/kinds", "owner", "name"),
    "person": ("/api/people-syncs", "owner", "person"),
    "signal source": ("/api/signals", "owner", "source"),
    "topic": ("/api/signals", "owner", "topic_key"),
    "lesson topic": ("/api/lessons", "worker", "topic_key"),
    "kind of a proposal": ("/api/proposals", "worker", "kind"),
    "unknown key": ("/api/jobs", "owner", "surprise"),
}
"""Names that callers choose: the route, who calls, and the field."""

REST: dict[str, dict[str, Any]] = {
    "/api/worker/touch": {"worker_id": "w9"},
    "/api/worker/claim": {"worker_id": "w9"},
    "/api/worker/register": {"worker_id": "w9"},
    "/api/jobs": {"kind": "report"},
    "/api/tokens": {"name": "n", "role": "viewer"},
    "/api/schedules": {"name": "n", "cron": "0 3 * * *", "kind": "report"},
    "/api/projects": {"project_id": "q"},
    "/api/kinds": {"name": "k"},
    "/api/people-syncs": {"person": "n", "question": "q"},
    "/api/signals": {"source": "s", "topic_key": "t", "text": "x"},
    "/api/lessons": {"learned": ["x"]},
    "/api/proposals": dict.fromkeys(("kind", "decision", "problem", "recommendation", "reasoning"), "x"),
}

BEFORE_ANY_JOB = {"made_before": "2001-01-01T00:00:00Z"}


@dataclass
class Planting:
    """One API with all secrets planted; `kept` names places that took a secret as a name."""

    api: Api
    kept: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    told: dict[str, list[str]] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)

    async def everywhere(self) -> None:
        await self.api.declare("report", max_attempts=50)
        await self.in_names()
        await self.in_addresses()
        await self.in_malformed_bodies()
        await self.in_job_texts()
        await self.in_reasons_of_people()
        await self.in_what_people_write()
        await self.in_alerts()
        await self.in_hosts()
        await self.in_repairs()

    async def in_what_people_write(self) -> None:
        for text in [*(text for text, _ in PLANTED.values()), ALL]:
            said = text[:4000]
            written: dict[str, tuple[str, dict[str, Any]]] = {
                "lessons": ("lesson", {"learned": [said[:2000]], "upgrade_trigger": said[:2000]}),
                "proposals": (
                    "proposal",
                    {
                        **dict.fromkeys(("decision", "problem", "recommendation", "reasoning"), said),
                        "kind": "k",
                        "options": [said],
                        "subject": {"a": [said]},
                    },
                ),
                "bulk-acts": (
                    "bulk_act",
                    {**BEFORE_ANY_JOB, "what": "requeue", "state": "failed", "reason": said[:2000]},
                ),
                "people-syncs": ("people_sync", {"person": "lin", "question": said}),
                "signals": (
                    "signal",
                    {"source": "s", "topic_key": "t", "text": said, "annotations": {"a": said[:2000]}},
                ),
            }
            for place, (name, body) in written.items():
                made = (await self.post(f"/api/{place}", body)).body[name]["id"]
                self.told.setdefault(place, []).append(made)
                if place == "people-syncs":
                    await self.post(f"/api/{place}/{made}/answer", {"answer": said})
                if place == "signals":
                    await self.post(f"/api/{place}/{made}/value", {"text": said, "evidence_ref": said})

    async def post(self, path: str, body: Any, *, role: str = "owner", **options: Any) -> Answered:
        if role == "whole":
            options["token"] = await self.api.token("owner", None)
            role = "owner"
        answered = await self.api.post(path, body, role=role, **options)
        self.answers.append(json.dumps(answered.body, ensure_ascii=False))
        return answered

    async def in_names(self) -> None:
        for number, (secret, (text, _)) in enumerate(PLANTED.items()):
            line = text.replace("\n", " ")
            # Every secret in some names, some secrets in every name: which is which is decided in one place.
            for place, (path, role, name) in [*NAMES.items()][number % 4 :: 4]:
                answered = await self.post(path, {**REST.get(path, {}), name: line}, role=role)
                if answered.status < 400:
                    self.kept.append(f"{place}: {secret}")
            contract = {"contract": {"expected_files": [line]}}
            if (await self.post("/api/jobs", {"kind": "report", **contract})).status < 400:
                self.kept.append(f"contract: {secret}")
            if line.isascii() and len(line) < 200:
                answered = await self.post("/api/jobs", {"kind": "report"}, key=line)
                if answered.status < 400:
                    self.kept.append(f"idempotency key: {secret}")

    async def in_addresses(self) -> None:
        http = self.api.http
        owner = {"Authorization": f"Bearer {await self.api.token('owner')}"}
        for text, _ in PLANTED.values():
            line = text.replace("\n", " ")
            for path in ("/api/jobs", "/login", "/nowhere"):
                headers = {**owner, "User-Agent": line, "X-Extra": line, "Referer": line}
                response = await http.get(path, params={"kind": line, line: "x"}, headers=headers)
                self.answers.append(response.text if path != "/login" else "")
            self.answers.append((await http.get(f"/api/jobs/{quote(line, safe='')}", headers=owner)).text)
            login = {"Origin": "http://watchkeeper.test", "Sec-Fetch-Site": "same-origin"}
            await http.post("/login", data={"code": line, "token": line}, headers=login)
            await http.get("/api/jobs", headers={"Authorization": f"Bearer {line}"})

    async def in_malformed_bodies(self) -> None:
        owner = {"Authorization": f"Bearer {await self.api.token('owner')}", "Idempotency-Key": uuid4().hex}
        for text, _ in PLANTED.values():
            for content in (f'{{"kind": {json.dumps(text)}', f"{text}", json.dumps([text]), json.dumps(text)):
                sent = {**owner, "Content-Type": "application/json"}
                response = await self.api.http.post("/api/jobs", content=content.encode(), headers=sent)
                self.answers.append(response.text)

    async def in_job_texts(self) -> None:
        for number, text in enumerate([*(text for text, _ in PLANTED.values()), ALL]):
            kind = f"kind{number}"
            await self.api.declare(kind, max_attempts=1)
            job = await self.api.claimed(
                kind, f"w{number}", payload={"note": text, "nested": [{"password": text}]}
            )
            self.jobs.append(job["id"])
            await self._tell(job, text, number)

    async def _tell(self, job: dict[str, Any], text: str, number: int) -> None:
        api = self.api
        await api.command("context", job)
        await self._command(
            "progress", job, message=f"at {text}", phase="build", payload={"a": [text], text: 1}
        )
        refused = await self._command("progress", job, message="m", phase=text.replace("\n", " ")[:200])
        if refused.status < 400:
            self.kept.append(f"phase: {text[:40]}")
        line = text.replace("\n", " ").replace('"', "'")[:200]
        named_so = text.replace("\n", " ")[:200]
        files = [("files", (f"{named_so}.html", PAGE))]
        path = f"/api/worker/jobs/{job['id']}/files"
        named = await api.ask("POST", path, role="worker", lease=job["lease_token"], files=files)
        if named.status < 400:
            self.kept.append(f"file name: {line[:40]}")
        stored = await api.upload(job, page__html=PAGE + text.encode(), log__bin=b"\xff\xfe" + text.encode())
        self.artifacts += [artifact["id"] for artifact in stored.body["artifacts"]]
        claimed = [
            {
                "kind": "html_page",
                "url": f"https://host.invalid/?q={line}",
                "title": text[:400],
                "files": [line],
            }
        ]
        await self._command("verify", job, url=f"https://host.invalid/?token={line}")
        await self._in_session(job, text)
        if number % 3 == 0:
            await self._command("fail", job, reason=f"it said {text}")
        elif number % 3 == 1:
            await self._command("release", job, reason=f"it said {text}")
        else:
            await self._command("complete", job, summary=f"made {text}", artifacts=claimed)
            await self._command("complete", job, summary=f"late {text}", artifacts=claimed)

    async def _in_session(self, job: dict[str, Any], text: str) -> None:
        said = {
            "agent": "codex",
            "workspace": f"/tmp/{text}"[:4000],
            "transcript": f"/tmp/{text}"[:4000],
            "diagnosis": {"failure": "F08", "because": text[:2000], "evidence": {"said": [text]}},
            "unknown": {"line": 1},
            "left": [{"pid": 7, "command": text[:500], "why": text[:200]}],
            "exit_code": 1,
        }
        told = await self._command("session", job, **said)
        self.sessions.append(told.body["session"]["id"])
        event = {"n": 1, "t": 0.5, "source": "stdout", "event": "said", "fields": {"text": text, text: "x"}}
        shown = {"id": "i", "result": "r", "shown": text, "redacted": [text]}
        closed = {"n": 2, "t": 0.6, "source": "stdout", "event": "tool_closed", "fields": shown}
        await self._command("session/events", job, events=[event, closed])
        for name in ("thread_id", "cli_version", "host_id", "failure_class"):
            line = text.replace("\n", " ")[:100]
            refused = await self._command("session", job, **{name: line})
            if refused.status < 400 and len(line) < 100:
                self.kept.append(f"{name} of a session: {line}")

    async def _command(self, verb: str, job: dict[str, Any], **body: Any) -> Answered:
        answered = await self.api.ask(
            "POST", f"/api/worker/jobs/{job['id']}/{verb}", body, role="worker", lease=job["lease_token"]
        )
        self.answers.append(json.dumps(answered.body, ensure_ascii=False))
        return answered

    async def in_reasons_of_people(self) -> None:
        for number, (text, _) in enumerate(PLANTED.values()):
            said = {"reason": f"because {text}"}
            job = await self.api.enqueue("report")
            await self.post(f"/api/jobs/{job}/pause", said)
            await self.post(f"/api/jobs/{job}/{('resume', 'cancel', 'requeue', 'fail')[number % 4]}", said)
            match number % 4:
                case 0:
                    await self.post("/api/kinds/report/pause", said)
                    await self.post("/api/kinds/report/resume", said)
                case 1:
                    await self.post("/api/projects/p/pause", said, role="whole")
                    await self.post("/api/projects/p/resume", said, role="whole")
                case 2:
                    await self.post("/api/workers/w0/drain", said)
                    await self.post("/api/workers/w0/resume", said)
                    await self.post("/api/switches/actions", {"on": True, **said}, role="whole")
                case _:
                    made = await self.post("/api/tokens", {"name": "short", "role": "viewer"})
                    token = made.body["token"]["id"]
                    self.answers.append(
                        str((await self.api.ask("DELETE", f"/api/tokens/{token}", params=said)).body)
                    )
        await self.post(
            "/api/schedules", {"name": "nightly", "cron": "0 3 * * *", "kind": "report", "payload": [ALL]}
        )

    async def in_alerts(self) -> None:
        for number, (text, _) in enumerate(PLANTED.values()):
            said = {"reason": f"because {text}"}
            channel = {"name": f"c{number}", "url": f"https://host.invalid/{quote(text, safe='')}", **said}
            await self.post("/api/channels", channel)
            await self.post(f"/api/channels/c{number}/off", said)
            await self.post("/api/alerts/test", said)
        self.incidents.append(str(await opened(self.api.app.database, severity="critical")))
        await self.api.app.watchdog.alerting.outbox.run_once()
        listed = (await self.api.get("/api/alerts")).body["alerts"]
        self.alerts += [alert["id"] for alert in listed]
        await self.post(f"/api/alerts/{self.alerts[0]}/acknowledge", {"reason": ALL})

    async def in_hosts(self) -> None:
        await self.post("/api/webhooks/alertmanager", delivery(ALL))
        kept = await self.post("/api/host/packets", {"packets": [packet(ALL)]})
        self.told["packets"] = [kept.body["kept"][0]["id"]]
        asked = await self.post("/api/host/remediations", wish(ALL))
        self.told["remediations"] = [asked.body["remediation"]["id"]]
        found = (await self.api.get("/api/host/incidents")).body["incidents"]
        self.told["assets"] = [row["id"] for row in found]
        await self.post(f"/api/host/incidents/{found[0]['id']}/assets", words(ALL))

    async def in_repairs(self) -> None:
        path, job = "/api/watchdog/repair-actions", await self.api.enqueue()
        said = {"reason": ALL}
        for acts in (("reject", "owner"),), (("approve", "supervisor"), ("rollback", "owner")):
            made = await self.post(path, {"action": "pause", "job": job, **said})
            self.repairs.append(made.body["repair"]["id"])
            for act, role in acts:
                await self.post(f"{path}/{self.repairs[-1]}/{act}", said, role=role)
