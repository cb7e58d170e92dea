"""schemathesis over the whole API: a real server and database, data that fits the document and data that does not."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
import uvicorn
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import CheckFailureInfo

from waiting import wait_until
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.interfaces.api.limits import ApiLimits
from watchkeeper.interfaces.api.openapi import document
from watchkeeper.services.failed_logins import LoginPatience

UNLIMITED = ApiLimits(1e9, 1e9, LoginPatience(free_failures=10**9))
STREAMS = {"GET /events"}
"""What does not end by itself."""
UNHELD = (
    "unsupported_method",
    "allow_header_conformance",
    "positive_data_acceptance",
    "missing_required_header",
    "use_after_free",
    "ensure_resource_availability",
)
"""Checks that ask for more than the document says: it does not tell in which state an act is possible.

And an address may fit two templates, one of which takes another method."""

REFUSALS = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422]


@dataclass
class Run:
    """What came of a run: how many requests, of which operations, and each thing that was wrong, said once."""

    requests: int = 0
    operations: set[str] = field(default_factory=set)
    statuses: dict[int, int] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def listening(app: App) -> AsyncIterator[str]:
    """Give the address of a server on this database."""
    config = uvicorn.Config(
        create_app(app, limits=UNLIMITED), port=0, log_config=None, lifespan="on", ws="none"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    await asyncio.to_thread(wait_until, lambda: server.started, 30, "the server to listen")
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def fuzzed(app: App, *, seed: int, examples: int, coverage: bool, stateful: int) -> Run:
    """Ask for everything in the document `examples` times, then along its links."""
    token = await app.identity.create_token("fuzzer", Role.OWNER, "p", actor="test")
    async with listening(app) as url:
        settings = _settings(url, token.secret, seed, examples, coverage, stateful)
        return await asyncio.to_thread(_run, settings)


def _settings(
    url: str, token: str, seed: int, examples: int, coverage: bool, stateful: int
) -> dict[str, Any]:
    return {
        "base-url": url,
        "seed": seed,
        "headers": {"Authorization": f"Bearer {token}"},
        "continue-on-failure": True,
        "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
        "checks": {name: {"enabled": False} for name in UNHELD}
        | {"negative_data_rejection": {"expected-statuses": REFUSALS}},
        "phases": {
            "examples": {"enabled": True},
            "coverage": {"enabled": coverage},
            "fuzzing": {"enabled": examples > 0},
            "stateful": {"enabled": stateful > 0, "generation": {"max-examples": max(1, stateful)}},
        },
        "suppress-health-check": ["all"],
    }


def _run(settings: dict[str, Any]) -> Run:
    schema = schemathesis.openapi.from_dict(document(), config=SchemathesisConfig.from_dict(settings))
    schema = schema.exclude(path="/events")
    run = Run()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for event in from_schema(schema).execute():
            _note(run, event)
    return run


def _note(run: Run, event: events.EngineEvent) -> None:
    if isinstance(event, events.NonFatalError | events.FatalError):
        run.wrong[f"{type(event).__name__}"] = str(
            getattr(event, "value", getattr(event, "exception", event))
        )
    if not isinstance(event, events.ScenarioFinished):
        return
    for case_id, interaction in event.recorder.interactions.items():
        run.requests += 1
        run.operations.add(event.recorder.cases[case_id].value.operation.label)
        if interaction.response is not None:
            status = interaction.response.status_code
            run.statuses[status] = run.statuses.get(status, 0) + 1
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is not None and not _is_a_dry_run_without_key(check.failure_info):
                case = event.recorder.cases[case_id].value
                told = f"{check.name}: {case.operation.label}: {check.failure_info.failure.title}"
                failure = check.failure_info
                run.wrong.setdefault(told, f"{failure.failure.message}\n{failure.code_sample}")


def _is_a_dry_run_without_key(found: CheckFailureInfo) -> bool:
    """Say whether this is the one thing that the document cannot say: a dry run needs no key."""
    return "`Idempotency-Key`" in found.failure.message and "dry_run=true" in found.code_sample
