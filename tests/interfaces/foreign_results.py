"""Jobs that are completed with results at foreign addresses, for the tests of how these are judged."""

from __future__ import annotations

import itertools
from typing import Any

from interfaces.api_client import Answered, Api

PAGE = "<!doctype html><title>Queues</title><h1>Queues</h1><p>All is well.</p>"
NUMBERS = itertools.count()


def primary(url: str, kind: str = "dashboard", **more: Any) -> list[dict[str, Any]]:
    return [{"kind": kind, "url": url, "primary": True, **more}]


async def completed(api: Api, artifacts: list[dict[str, Any]], **contract: Any) -> tuple[str, Answered]:
    """Claim a job and complete it with these artifacts; give its id and the answer."""
    job = await api.claimed(worker=f"w{next(NUMBERS)}", contract=contract)
    return job["id"], await api.command("complete", job, summary="published", artifacts=artifacts)


def checks(answered: Answered) -> list[str]:
    failed = answered.body["error"]["details"]["failed"]
    assert all(one["detail"] for one in failed)
    return [one["check"] for one in failed]
