"""The foreign queue's counters, where the operator says how to get them: reported as the own queue's would be."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import httpx2

from watchkeeper.agents.command import SHELL
from watchkeeper.agents.session import Session, SessionError, SessionSpec
from watchkeeper.agents.user import own_user
from watchkeeper.domain.json_in_text import last_object
from watchkeeper.logs import log
from watchkeeper.services.relay.calls import HelperCalls, RunningCall, environment_of
from watchkeeper.services.relay.telling import Telling

SECONDS = 10.0
FIELDS = frozenset({"kind", "ready", "scheduled", "running", "stuck", "paused", "is_paused"}) | {
    "oldest_ready_age_s",
    "eligible_workers",
    "claimed_total",
}


async def tell_metrics(calls: HelperCalls, telling: Telling) -> None:
    """Report the counters, if they can be had; no counters are told of in the log."""
    config = calls.config
    if config.metrics_url is None and config.metrics_command is None:
        return
    try:
        text = await (_fetched(config.metrics_url) if config.metrics_url is not None else _run(calls))
    except (httpx2.HTTPError, SessionError, OSError) as error:
        log("helper_trouble", detail=f"the foreign queue's metrics cannot be had: {error}")
        return
    if queues := _queues(text):
        telling.counters(queues)
    else:
        log("helper_trouble", detail="the foreign queue's metrics name no queues")


def _queues(text: str) -> list[dict[str, Any]]:
    found = last_object(text)
    queues = None if found is None else found[1].get("queues")
    return [
        {name: value for name, value in queue.items() if name in FIELDS}
        for queue in (queues if isinstance(queues, list) else ())
        if isinstance(queue, dict) and isinstance(queue.get("kind"), str)
    ]


async def _fetched(url: str) -> str:
    async with httpx2.AsyncClient(timeout=SECONDS, trust_env=False) as client:
        response = await client.get(url)
        response.raise_for_status()
        return response.text


async def _run(calls: HelperCalls) -> str:
    spec = SessionSpec(
        directory=calls.place.new_call("metrics"),
        command=[SHELL, "-c", str(calls.config.metrics_command)],
        environment=environment_of(os.environ),
        workspace=calls.place.directory,
        user=own_user(),
        home=calls.place.home,
        grace_seconds=calls.config.grace_seconds,
        kill_seconds=calls.config.kill_seconds,
    )
    session = await asyncio.to_thread(Session.start, spec)
    run: Any = await RunningCall(session, "metrics", SECONDS, 0.0).wait()
    return str(run.stdout)
