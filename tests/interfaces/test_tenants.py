"""Two tenants cannot learn of each other: not by what is read, nor by how a question is refused, nor by its cost."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from interfaces.api_client import PAGE, Api, client_of
from interfaces.two_tenants import MARKER, Theirs, absent, plant
from watchkeeper.app.whole import App
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.interfaces.api.limits import ApiLimits
from watchkeeper.interfaces.api.openapi import document
from watchkeeper.interfaces.console.login import SESSION_COOKIE
from watchkeeper.interfaces.console.router import add_console, session_reader
from watchkeeper.services.failed_logins import LoginPatience
from watchkeeper.settings import Settings
from watchkeeper.storage.queries import query as named_query

WHY = {"reason": "curious"}
CONTRACT: dict[str, Any] = {
    "progress": {"message": "m", "phase": "p"},
    "verify": {},
    "complete": {"summary": "s"},
    "fail": WHY,
    "release": WHY,
    "token": {},
    "session": {"agent": "codex"},
    "events": {"events": []},
}
TOLD: dict[str, Any] = {
    "assets": {"root_cause": "x", "service_health": "y", "owner_followup": "z", **WHY},
    "answer": {"answer": "x"},
    "adoption": {"text": "x"},
    "value": {"text": "x"},
    "decide": {"verdict": "accept", **WHY},
    "reset": {"waiting": "drop", **WHY},
}
OF_NO_PROJECT = ("/api/switches/", "/api/console-sessions/", "/api/inbound/")
"""Of the installation, of the one who asks, and open to what a platform signs."""

OF_NO_LIST = ("/api/projects", "/api/tokens", "/api/console-sessions", "/api/channels/kinds")
"""Lists of what the one who asks has, or of what the program knows, whichever project is named."""

ROLES = ("viewer", "supervisor", "owner")
PAGES = ("/", "/jobs", "/jobs?state=stuck", "/login")


@pytest.fixture
async def api(app: App) -> AsyncIterator[Api]:
    """API and console of one server, as `serve` puts them together."""
    limits = ApiLimits(10_000, 10_000, LoginPatience(free_failures=10_000))
    server = create_app(app, limits=limits, session=session_reader(app))
    add_console(server, app, server.state.watchkeeper.failed_logins)
    async with client_of(server) as http:
        yield Api(app, http, server.state.watchkeeper)


@pytest.fixture
async def theirs(app: App, settings: Settings) -> Theirs:
    return await plant(app, str(settings.database_url))


def readable() -> Iterator[str]:
    """Give every address of the API that is read and needs no name, as its document lists them."""
    for path, methods in document()["paths"].items():
        asked = methods.get("get", {}).get("parameters", [])
        needs_filter = any(each.get("required") and each["in"] == "query" for each in asked)
        if "get" in methods and "{" not in path and path != "/events" and not needs_filter:
            yield path


async def cookie_of(api: Api, role: str) -> dict[str, str]:
    principal = await api.app.identity.authenticate(await api.token(role))
    code = await api.app.login_links.create_code(principal)
    session = await api.app.login_links.consume_code(code.code)
    return {"Cookie": f"{SESSION_COOKIE}={session.secret}"}


async def test_nothing_of_another_project_can_be_read(api: Api, theirs: Theirs) -> None:
    """Lists, health, doctor, pages: with every role, not a word, an id or a count of the other project."""
    mine = await api.claimed()
    # Switches are the whole installation's: why they are off may name anybody.
    for switch in ("claims", "actions"):
        await api.app.kinds.set_switch(switch, is_on=False, actor=f"{MARKER}-lin", reason=f"{MARKER} is late")
    said: list[tuple[str, str]] = []
    for role in ROLES:
        headers = {"Authorization": f"Bearer {await api.token(role)}"}
        for path in readable():
            response = await api.http.get(path, headers=headers)
            said.append((f"{role} {path}", f"{response.text} {response.headers}"))
        cookie = await cookie_of(api, role)
        for path in (*PAGES, f"/jobs/{mine['id']}"):
            response = await api.http.get(path, headers=cookie)
            assert response.status_code == 200, path
            said.append((f"{role} page {path}", f"{response.text} {response.headers}"))
        diagnosed = await api.post("/api/worker/doctor", {"system": True}, role=role)
        assert diagnosed.code == "permission_denied"
        said.append((f"{role} doctor", str(diagnosed.body)))
    for verb, body in [("doctor", {}), ("touch", {}), ("claim", {"kinds": [theirs.kind]}), ("claim", {})]:
        said.append((verb, str((await api.worker(verb, theirs.worker + "2", **body)).body)))
    context = await api.command("context", mine)
    assert context.status == 200
    said.append(("context", str(context.body)))
    secrets = (MARKER, "Nightly reports", *theirs.job_ids)
    for where, text in said:
        shown = text.replace(theirs.worker + "2", "").replace(theirs.kind, "")
        assert [secret for secret in secrets if secret in shown] == [], where
    assert len(said) > 50
    own = {"Authorization": f"Bearer {await api.token('owner', 'q')}"}
    seen = [path for path in readable() if MARKER in (await api.http.get(path, headers=own)).text]
    assert len(seen) >= 7, "who owns it reads it at these addresses"


async def test_counts_are_of_ones_own_project(api: Api, theirs: Theirs) -> None:
    """Totals, pages and numbers of an empty project are those of an empty installation."""
    assert theirs.job_ids
    (project,) = (await api.get("/api/projects")).body["projects"]
    assert {project[name] for name in ("pending", "running", "stuck", "paused", "workers")} == {0}
    assert (await api.get("/api/watchdog/queue-health")).body["queues"] == []
    job = await api.enqueue()
    for path in ("/api/jobs", f"/api/jobs/{job}", f"/api/jobs/{job}/timeline", "/api/leases"):
        assert not re.search(r'"(?:job_)?seq"', str((await api.get(path)).body).replace("'", '"')), path
    page = (await api.get("/api/jobs?limit=1")).body
    assert [row["id"] for row in page["jobs"]] == [job]
    assert page["next_cursor"] is None


async def test_no_number_that_all_projects_share_is_shown(api: Api, theirs: Theirs) -> None:
    """The console names a job by its id, the trail and its cursors by time; who has the whole sees the numbers."""
    assert theirs.job_ids
    for _ in range(40):
        await api.enqueue()
    job = await api.enqueue()
    several = [{"kind": "report", "payload": {}}] * 3
    assert (await api.post("/api/jobs", several)).status == 201
    for path in (*PAGES, f"/jobs/{job}"):
        page = (await api.http.get(path, headers=await cookie_of(api, "owner"))).text
        assert not re.search(r">\s*#\d|data-key=\"\d+\"|before=\d+(?:&|\")", page), path
    whole = await api.token("owner", None)
    path = "/api/audit?project=p&event=jobs_enqueued&limit=2"
    own, full = (await api.get(path)).body, (await api.get(path, token=whole)).body
    named = {"seq", "job_seq", "job_seqs"}
    assert not named & {name for row in own["events"] for name in (*row, *(row["data"] or {}))}
    assert own["events"][0]["data"] == {"count": 3}
    assert full["events"][0]["data"]["job_seqs"]
    assert re.fullmatch(r"[A-Za-z0-9_=-]{30,}", own["next_cursor"]), (
        "it is sealed: nothing can be read out of it"
    )


def probes(theirs: Theirs) -> Iterator[tuple[str, str, str, Any, str]]:
    """Give every address that takes a name, with theirs in it: method, path, name, body, role."""
    names = {
        "job": [theirs.job, theirs.external_id],
        "artifact_id": [theirs.artifact],
        "token_id": [theirs.token],
        "name": [theirs.schedule, theirs.channel],
        "alert_id": [theirs.alert],
        "session_id": [theirs.session],
        "incident_id": [theirs.incident],
        "lesson_id": [theirs.lesson],
        "proposal_id": [theirs.proposal],
        "sync_id": [theirs.people_sync],
        "signal_id": [theirs.signal],
        "repair_id": [theirs.repair],
        "item_id": [theirs.late],
        "rule": [theirs.rule],
        "kind": [theirs.kind],
        "worker_id": [theirs.worker],
        "project_id": ["q"],
        "subject": [theirs.job, theirs.external_id, theirs.kind, theirs.worker],
        **{name: [value] for name, value in theirs.others.items()},
    }
    for path, methods in document()["paths"].items():
        found = re.search(r"\{(\w+)\}", path)
        if found is None or path.endswith("/files") or path.startswith(OF_NO_PROJECT):
            continue
        for method in methods:
            for name in names[found[1]]:
                asked = path.replace(found[0], name)
                if path.startswith("/api/worker/"):
                    body = None if method == "get" else CONTRACT[path.rsplit("/", 1)[-1]]
                    yield method.upper(), asked, name, body, "worker"
                elif method == "delete":
                    query = "" if "schedules" in path else "?reason=x"
                    yield "DELETE", asked + query, name, None, "owner"
                else:
                    body = None if method == "get" else TOLD.get(path.rsplit("/", 1)[-1], WHY)
                    yield method.upper(), asked, name, body, "owner"


async def test_what_belongs_to_others_is_refused_like_what_is_not_there(
    api: Api, theirs: Theirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By id, foreign id or name: the same status, the same words, the same queries as for a name that nobody has."""
    # What was refused is written down by a task of its own; the pool asks, with nothing, whether a connection that
    # rested is alive.
    not_of_the_name = (named_query("record_refusals"), "")
    asked_of_database: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def counted(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        if query not in not_of_the_name:
            asked_of_database.append(str(query))
        return await execute(cursor, query, *arguments, **options)

    lease = (await api.claimed())["lease_token"]
    tried = 0
    for method, path, name, body, role in probes(theirs):
        nobody = absent(name)
        seen = []
        for asked in (path, path.replace(name, nobody), path):
            await api.get("/api/jobs", role=role)  # so that noting the token's use is in none of them
            with monkeypatch.context() as patch:
                patch.setattr(psycopg.AsyncCursor, "execute", counted)
                asked_of_database.clear()
                answered = await api.ask(method, asked, body, role=role, lease=lease)
            words = str(answered.body).replace(name, "NAME").replace(nobody, "NAME")
            seen.append((answered.status, words, list(asked_of_database)))
        assert seen[0][0] in (403, 404), (method, path, seen[0])
        assert seen[0] == seen[1] == seen[2], (method, path)
        assert any("tokens" in statement for statement in seen[0][2]), "the queries were not seen"
        tried += 1
    assert tried > 30


async def test_another_project_by_its_name_is_none(api: Api, theirs: Theirs) -> None:
    """`?project=` of another answers as one that is not there, on each list; making it is refused either way."""
    assert theirs
    wrong = []
    for path in readable():
        if path.startswith("/api/") and path not in OF_NO_LIST:
            both = [await api.get(f"{path}?project={name}") for name in ("q", "none")]
            # What is of the whole installation is denied before any project is looked for.
            alike = str(both[0].body).replace("'q'", "X") == str(both[1].body).replace("'none'", "X")
            if not alike or [answered.status for answered in both] not in ([404, 404], [403, 403]):
                wrong.append((path, [answered.status for answered in both], alike))
    assert wrong == []
    made = [await api.post("/api/projects", {"project_id": name}) for name in ("q", "fresh")]
    assert [answered.code for answered in made] == ["permission_denied"] * 2
    assert made[0].body == made[1].body


async def test_names_and_keys_of_two_projects_do_not_meet(api: Api) -> None:
    """The same foreign id, unique key, worker, kind, schedule, file and idempotency key: each project has its own."""
    await api.app.kinds.ensure_project("q")
    answers = []
    for project in ("q", "p"):
        owner, worker = await api.token("owner", project), await api.token("worker", project)
        asked = {"kind": "report", "external_id": "one", "unique_key": "once", "payload": {"of": project}}
        job = await api.post("/api/jobs", asked, token=owner, key="the-key")
        claimed = await api.post("/api/worker/claim", {"worker_id": "w1"}, token=worker)
        lease = claimed.job["lease_token"]
        files = [("files", ("index.html", PAGE))]
        stored = await api.post("/api/worker/jobs/one/files", token=worker, lease=lease, files=files)
        daily = {"name": "daily", "cron": "0 3 * * *", "kind": "report"}
        schedule = await api.post("/api/schedules", daily, token=owner, key="the-key")
        paused = await api.post("/api/kinds/report/pause", WHY, token=owner, key="the-key")
        answered = [job, claimed, stored, schedule, paused]
        assert "idempotency-replayed" not in {name for one in answered for name in one.headers}
        assert job.job["existing"] is False
        answers.append([shape(one.body) for one in answered])
    assert answers[0] == answers[1]


def shape(value: Any) -> Any:
    """Give what an answer says without what is new in each: ids, times, secrets, the project."""
    if isinstance(value, dict):
        new = {
            "id",
            "url",
            "lease_token",
            "lease_expires_at",
            "next_at",
            "project_id",
            "payload",
            "created_at",
        }
        return {key: shape(inner) for key, inner in value.items() if key not in new}
    return [shape(inner) for inner in value] if isinstance(value, list) else value
