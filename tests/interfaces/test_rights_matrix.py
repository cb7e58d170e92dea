"""Every route and every command with every credential, held to the one table of rights."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from interfaces.api_client import Answered, Api, check_form, client_of
from interfaces.command_bridge import Commands, code_of
from interfaces.credentials import NOBODY, WHY, Credential, Credentials, routes_of
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.interfaces.api.guarded import RIGHTS_KEY, GuardedRoute
from watchkeeper.interfaces.api.inbound import PATH
from watchkeeper.interfaces.api.limits import ApiLimits
from watchkeeper.interfaces.cli.needs import NEEDS
from watchkeeper.interfaces.console.acts.desk import ROUTES as ACT_ROUTES
from watchkeeper.interfaces.console.door import DOOR
from watchkeeper.interfaces.console.families import PAGES
from watchkeeper.interfaces.console.router import ASSETS, add_console, session_reader
from watchkeeper.services.failed_logins import LoginPatience

PUBLIC = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/openapi.json"), ("GET", ASSETS), ("POST", PATH)}
STREAMS = {"/events", "/metrics"}
"""What answers in no JSON where it lets in."""
BODIES: dict[str, Any] = {
    "POST /api/jobs": {"kind": "report"},
    "POST /api/kinds": {"name": "report"},
    "POST /api/people-syncs/{sync_id}/answer": {"answer": "yes"},
    "POST /api/signals/{signal_id}/adoption": {"text": "used"},
    "POST /api/signals/{signal_id}/value": {"text": "much"},
    "POST /api/chat/doors": {"channel": "ops", "platform": "telegram", **WHY},
    "POST /api/projects": {"project_id": "fresh"},
    "POST /api/schedules": {"name": "daily", "cron": "0 3 * * *", "kind": "report"},
    "POST /api/reconcile/{item_id}/decide": {"verdict": "discard", **WHY},
    "POST /api/host/packets": {"packets": [{}]},
    "POST /api/host/incidents/{incident_id}/assets": {
        "root_cause": "x",
        "service_health": "y",
        "owner_followup": "z",
        **WHY,
    },
    "POST /api/webhooks/alertmanager": {"alerts": []},
    "POST /api/drills": {"drill": "x", "passed": True, "evidence": 1},
    "POST /api/switches/{name}": {"on": True, **WHY},
    "POST /api/tokens": {"name": "made", "role": "viewer"},
    "POST /api/watchdog/repair-actions": {"action": "release", "job": NOBODY, **WHY},
    "POST /api/policy/breakers/{rule}/reset": {"waiting": "drop", **WHY},
    "POST /api/worker/renew": {"worker_id": "w", "leases": []},
    "POST /api/worker/jobs/{job}/progress": {"message": "m", "phase": "p"},
    "POST /api/worker/jobs/{job}/complete": {"summary": "s"},
    "POST /api/worker/jobs/{job}/verify": {},
    "POST /api/worker/jobs/{job}/token": {},
    "POST /api/worker/jobs/{job}/session": {"agent": "codex"},
    "POST /api/worker/jobs/{job}/session/events": {"events": []},
}
"""What a route is sent where a reason is not what it asks for; the contract's others get a worker's name."""

OF_AN_ATTEMPT = {"POST /api/lessons", "POST /api/watchdog/worker-runs", "POST /api/watchdog/helper-events"}
"""What the agent of a job may call beside the contract's commands, as long as it holds the lease."""

ENDING = {"complete", "fail", "release"}


@pytest.fixture
async def site(app: App) -> FastAPI:
    """API and console of one server, as `serve` puts them together."""
    limits = ApiLimits(10_000, 10_000, LoginPatience(free_failures=10_000))
    made = create_app(app, limits=limits, session=session_reader(app))
    add_console(made, app, made.state.watchkeeper.failed_logins)
    return made


@pytest.fixture
async def api(app: App, site: FastAPI) -> AsyncIterator[Api]:
    async with client_of(site) as http:
        yield Api(app, http, site.state.watchkeeper)


@pytest.fixture
async def credentials(api: Api, clock: MovingClock) -> list[Credential]:
    return await Credentials(api, clock).make()


def guarded(site: FastAPI) -> list[tuple[str, str, frozenset[Right]]]:
    """Give method, path and rights of each guarded route, from the routing table."""
    return [
        (method, route.path_format, frozenset(map(Right, route.fact(RIGHTS_KEY))))
        for route in routes_of(site)
        if isinstance(route, GuardedRoute)
        for method in sorted(route.methods)
    ]


async def test_every_route_declares_who_may(site: FastAPI) -> None:
    """A route without a right is closed; those that are open to all, and the pages, stand in a list."""
    others = {
        (method, route.path)
        for route in routes_of(site)
        if isinstance(route, Route) and not isinstance(route, GuardedRoute)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert others == PUBLIC | set(DOOR) | set(ACT_ROUTES) | {("GET", page.path) for page in PAGES}
    assert len(guarded(site)) > 40
    assert [path for _, path, rights in guarded(site) if not rights] == []


async def test_every_route_answers_every_credential_as_the_table_says(
    site: FastAPI, api: Api, credentials: list[Credential]
) -> None:
    """401 who is nobody, 403 who may not, everybody else is let in: over all routes and all credentials."""
    wrong, tried = [], 0
    for method, path, rights in guarded(site):
        in_job = path.startswith("/api/worker/jobs/") or f"{method} {path}" in OF_AN_ATTEMPT
        for credential in credentials:
            expected = credential.expected(method, rights, in_job=in_job)
            if asks_system(credential) and path == "/api/worker/doctor" and not credential.of_whole:
                expected = "denied" if expected == "let in" else expected
            if credential.job and path.endswith("/token") and in_job:
                expected = "denied"  # a job token makes no further tokens
            if path in STREAMS and expected == "let in":
                continue
            answered = await ask(api, method, path, credential)
            tried += 1
            if (got := outcome(answered)) != expected:
                wrong.append(f"{credential.name}: {method} {path}: {got}, not {expected}: {answered.body}")
            elif expected == "let in" and not _keeps_to_its_own(credential, path, answered):
                wrong.append(f"{credential.name}: {method} {path}: {answered.status} {answered.body}")
    assert not wrong, "\n".join(wrong)
    assert tried > 40 * len(credentials)


def _keeps_to_its_own(credential: Credential, path: str, answered: Answered) -> bool:
    """Say whether what was let in met nothing of others: an ended epoch its job, another project's token ours."""
    if credential.stale:
        # Ending what was ended says how it ended; that is all that is left to say.
        is_told = path.rsplit("/", 1)[-1] in ENDING and answered.body.get("status") == "cancelled"
        return is_told or (answered.status == 409 and answered.code == "stale_lease")
    if credential.name.endswith("of q") and "{" in path:
        return answered.status == 404
    return True


async def ask(api: Api, method: str, path: str, credential: Credential) -> Answered:
    filled = re.sub(
        r"\{\w+\}", credential.job or NOBODY, path.replace("/switches/{name}", "/switches/claims")
    )
    headers = credential.headers | {"Idempotency-Key": f"{credential.name}-{method}-{path}"}
    if method == "DELETE" and "schedules" not in path:
        filled += "?reason=matrix"
    body = BODIES.get(f"{method} {path}", WHY)
    if path.startswith("/api/worker/") and body is WHY and path.count("/") == 3:
        body = (
            {"system": True} if asks_system(credential) and path.endswith("/doctor") else {"worker_id": "w"}
        )
    if credential.job and not credential.stale and path.rsplit("/", 1)[-1] in ENDING:
        body = {}  # let in and refused for its form, so that the job goes on
    sent: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": body}
    if path.endswith("/files"):
        sent = {"files": [("files", ("a.txt", b"text"))]}
    response = await api.http.request(method, filled, headers=headers, **sent)
    if "/artifacts/" in path and response.status_code == 200:
        return Answered(200, {}, response.headers)
    answered = Answered(response.status_code, response.json() if response.content else {}, response.headers)
    check_form(answered)
    return answered


def asks_system(credential: Credential) -> bool:
    """Say whether somebody asks the doctor about the installation: who is no worker asks nothing else of it."""
    return credential.rights is not None and Right.CONTRACT not in credential.rights


def outcome(answered: Answered) -> str:
    if answered.status == 401:
        return "unknown"
    return "denied" if answered.status == 403 else "let in"


async def test_pages_are_for_sessions_of_readers_alone(api: Api, credentials: list[Credential]) -> None:
    """A token in a header opens no page; what is sent to the door must come from a page of ours, whoever sends it."""
    for credential in credentials:
        headers = credential.headers
        reads = credential.cookie is not None and credential.rights is not None
        for one in PAGES:
            page = await api.http.get(re.sub(r"{\w+}", NOBODY, one.path), headers=headers)
            assert one.is_open or (page.status_code == 303) is not reads, (credential.name, one.path)
        for method, path in DOOR:
            page = await api.http.request(method, path, headers=headers)
            assert page.status_code == (409 if method == "POST" else 303 if path == "/language" else 200), (
                path
            )


ARGUMENTS = {
    "switch": ["claims", "on"],
    "window open": ["2"],
    "host write-back": [NOBODY, "--root-cause", "x", "--health", "y", "--follow-up", "z"],
    "kinds declare": ["report"],
    "projects create": ["fresh"],
    "schedules add": ["daily", "0 3 * * *", "report"],
    "lesson import": ['{"learned": ["x"]}'],
    "proposal make": ['{"kind": "k"}'],
    "people message": ["revise"],
    "token create": ["made", "--role", "viewer"],
    "token rotate": [NOBODY],
    "incident quiet": [NOBODY, "--seconds", "60"],
    "jobs decide": [NOBODY, "--verdict", "accept"],
    "chat open": ["night", "--platform", "telegram"],
    "bulk start": ["pause", "--state", "pending"],
    "drill": ["stale_lease", "--patience", "0.1"],
}


@pytest.fixture
async def program(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Commands:
    return Commands(api, monkeypatch, capsys, tmp_path)


async def test_every_command_answers_every_credential_as_its_route_does(
    site: FastAPI, credentials: list[Credential], program: Commands
) -> None:
    """Who may not call the route may not run the command: the same table, told by code and exit code."""
    assert not (wrong := await tried(site, credentials, program)), "\n".join(wrong)


async def test_a_dry_run_is_refused_to_who_may_not_and_changes_nothing(
    site: FastAPI, api: Api, credentials: list[Credential], program: Commands
) -> None:
    """With `--dry-run` every acting command answers by the same table; no row of the trail comes of it."""
    known = [one for one in credentials if one.rights is not None and not one.stale]
    assert (before := await done(api))
    assert not (wrong := await tried(site, known, program, dry_run=True)), "\n".join(wrong)
    assert await done(api) == before


async def done(api: Api) -> list[dict[str, Any]]:
    """Give what the trail says was done, refusals aside."""
    kept = "SELECT event, actor FROM watchkeeper.audit_events WHERE event <> 'act_refused' ORDER BY seq"
    return await rows(api.app.database, kept)


async def tried(
    site: FastAPI, credentials: list[Credential], program: Commands, *, dry_run: bool = False
) -> list[str]:
    """Run every command with every credential and say where the answer is not that of the table."""
    needed = {f"{method} {path}": rights for method, path, rights in guarded(site)}
    wrong = []
    for command, route in [(name, route) for name, route in NEEDS.items() if route in needed]:
        options = {option for part in program.known[command].params for option in part.opts}
        if dry_run and "--dry-run" not in options:
            continue
        arguments = ARGUMENTS.get(command) or [
            NOBODY
            for part in program.known[command].params
            if part.param_type_name == "argument" and part.required
        ]
        if dry_run:
            arguments = [*arguments, "--dry-run"]
        for credential in credentials:
            if credential.cookie is not None or credential.name == "a malformed token":
                continue  # a command has no cookies, and finds a garbled token out by itself
            exit_code, answer = await program.run(credential.token, *command.split(), *arguments)
            code = code_of(answer)
            expected = credential.expected(route.split()[0], needed[route], in_job=route in OF_AN_ATTEMPT)
            got = {"unauthenticated": "unknown", "permission_denied": "denied"}.get(code, "let in")
            if got != expected or (exit_code == 3) < (got != "let in"):
                wrong.append(f"{command} with {credential.name}: {code} ({exit_code}), not {expected}")
            elif expected != "unknown" and shape(route) not in map(shape, program.bridge.asked):
                wrong.append(f"{command} asks for {program.bridge.asked}, not {route}")
    return wrong


def shape(route: str) -> str:
    """Give a route with its names left out."""
    named = re.sub(r"\{\w+\}", "NAME", route)
    return re.sub(rf"{NOBODY}|(?<=switches/)claims", "NAME", named)
