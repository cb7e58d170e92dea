"""Secrets go in wherever a caller can write, and come out nowhere: no table, log, answer or page shows one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psycopg
import pytest

from interfaces.api_client import Api, client_of
from interfaces.planting import Planting
from kept_logging import kept_logging
from secret_examples import PLANTED
from secret_scan import found_in, in_tables
from watchkeeper import logs
from watchkeeper.app.whole import App
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.interfaces.api.limits import ApiLimits
from watchkeeper.interfaces.console.login import SESSION_COOKIE
from watchkeeper.interfaces.console.router import add_console, session_reader
from watchkeeper.services.debug_bundle import DebugBundle
from watchkeeper.services.debug_parts import add_database
from watchkeeper.services.failed_logins import LoginPatience
from watchkeeper.settings import Settings

ELSEWHERE = {"/events", "/api/audit/state"}
"""A stream that tells no data, and figures of the whole installation, which a project's owner may not read."""


@pytest.fixture
async def planting(app: App) -> AsyncIterator[Planting]:
    """The API and the console of one server, as `serve` puts them together."""
    limits = ApiLimits(10_000, 10_000, LoginPatience(free_failures=10_000))
    server = create_app(app, limits=limits, session=session_reader(app))
    add_console(server, app, server.state.watchkeeper.failed_logins)
    with kept_logging():
        async with client_of(server) as http:
            yield Planting(Api(app, http, server.state.watchkeeper))


async def test_thirty_shapes_and_more_come_out_nowhere(
    planting: Planting, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names that hold a secret are refused, texts are kept without it; every table, log line, answer, page is clean."""
    assert len(PLANTED) >= 30
    app = planting.api.app
    logs.configure(level="debug", form="json", redact=app.redactor.redact_data)
    await planting.everywhere()
    logs.configure(level="debug", form="text", redact=app.redactor.redact_data)
    logs.log("told", **{f"fact_{number}": text for number, (text, _) in enumerate(PLANTED.values())})
    assert planting.kept == []

    leaks = list(in_tables(str(settings.database_url)))
    captured = capsys.readouterr()
    leaks += found_in("log", [captured.err, captured.out])
    leaks += found_in("an answer to a writer", planting.answers)
    leaks += [leak async for leak in _in_answers(planting)]
    bundle = DebugBundle(app.redactor, datetime.now(UTC))
    await add_database(bundle, app.database, app.diagnosis, app.insights)
    leaks += found_in("debug bundle", [data.decode() for data in bundle.members.values()])
    assert not leaks, "\n".join(sorted(set(leaks)))


async def test_what_is_kept_as_given_is_marked(planting: Planting, settings: Settings) -> None:
    """A payload with a secret is given to its worker as it is and marked; each shape is noticed; the scan sees it."""
    await planting.api.declare("report")
    await planting.in_job_texts()
    with psycopg.connect(str(settings.database_url)) as connection:
        rows = connection.execute(
            "SELECT secret_suspected, payload::text FROM watchkeeper.job_specs"
        ).fetchall()
        unmarked = connection.execute(
            "SELECT a.name, j.payload ->> 'note' FROM watchkeeper.artifacts a"
            " JOIN watchkeeper.job_specs j USING (seq) WHERE NOT a.secret_suspected"
        ).fetchall()
    assert all(marked for marked, _ in rows)
    assert unmarked == []
    assert len(list(found_in("payload", [payload for _, payload in rows]))) >= len(PLANTED)


async def test_a_kind_may_refuse_payloads_with_secrets(planting: Planting) -> None:
    """`secrets: refuse` answers a clear error, for each shape, and the job is not there."""
    api = planting.api
    await api.declare("strict", secrets="refuse")
    for name, (text, _) in PLANTED.items():
        answered = await api.post("/api/jobs", {"kind": "strict", "payload": {"note": text}})
        assert (answered.status, answered.code) == (400, "usage"), name
        assert "'strict' refuses" in answered.body["detail"]
    assert (await api.get("/api/jobs")).body["jobs"] == []


async def _in_answers(planting: Planting) -> AsyncIterator[str]:
    """Read every address that can be read: those of the API as its own document lists them, and every page."""
    api = planting.api
    document = (await api.get("/openapi.json")).body
    paths = [
        path for path, methods in document["paths"].items() if "get" in methods and path not in ELSEWHERE
    ]
    planting.told["audit"] = [row["row"] for row in (await api.get("/api/audit?limit=20")).body["events"]]
    paths += ["/openapi.json", "/", "/jobs", "/jobs/{job}", "/jobs/{job}?all"]
    principal = await api.app.identity.authenticate(await api.token("owner", None))
    session = await api.app.login_links.consume_code((await api.app.login_links.create_code(principal)).code)
    for path in paths:
        if path.startswith("/api/worker/"):
            continue  # what a worker is given, it is given as it is
        for address in _addresses(path, planting):
            headers = {"Cookie": f"{SESSION_COOKIE}={session.secret}"}
            asked = f"{address}{'&' if '?' in address else '?'}project=p"
            response = await api.http.get(asked, headers=headers)
            assert response.status_code < 400, (address, response.text)
            for leak in found_in(f"GET {path}", [response.text, str(response.headers)]):
                yield leak


def _addresses(path: str, planting: Planting) -> list[str]:
    if "{job}" in path:
        return [path.replace("{job}", job) for job in planting.jobs]
    if "{row}" in path:
        return [path.replace("{row}", row) for row in planting.told["audit"]]
    if "{artifact_id}" in path:
        return [path.replace("{artifact_id}", artifact) for artifact in planting.artifacts]
    if "{alert_id}" in path:
        return [path.replace("{alert_id}", alert) for alert in planting.alerts]
    if "{incident_id}" in path:
        found = planting.told["assets"] if path.endswith("/assets") else planting.incidents
        return [path.replace("{incident_id}", incident) for incident in found]
    if "{subject}" in path:
        return [path.replace("{subject}", name) for name in (*planting.jobs, "report", "w1")]
    if "{worker_id}" in path:
        return [path.replace("{worker_id}", "w1")]
    if (kept := re.search(r"/([\w-]+)/\{\w+_id\}", path)) and kept[1] in planting.told:
        return [re.sub(r"\{\w+\}", told, path) for told in planting.told[kept[1]]]
    if "{session_id}" in path:
        return [path.replace("{session_id}", session) for session in planting.sessions]
    if "{repair_id}" in path:
        return [path.replace("{repair_id}", repair) for repair in planting.repairs]
    if path == "/api/bulk-acts/preview":
        return [f"{path}?what=pause&state=pending&made_before=2100-01-01T00:00:00Z"]
    assert "{" not in path, f"the test does not know how to fill {path}"
    return [path]
