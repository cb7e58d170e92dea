"""Counters that stop counting: a long queue costs its readers no more than a short one."""

from __future__ import annotations

import pytest

from watchkeeper.app.whole import App
from watchkeeper.services import insights
from watchkeeper.services.enqueueing import JobRequest


async def test_a_long_queue_is_counted_to_its_bound(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound a count says that there are more; up to it, it is exact."""
    monkeypatch.setattr(insights, "MOST_COUNTED", 3)
    await app.queue.enqueue("p", [JobRequest("long", priority=n) for n in range(4)], actor="t")
    await app.queue.enqueue("p", [JobRequest("short") for _ in range(3)], actor="t")
    queues = {queue["kind"]: queue for queue in (await app.insights.queue_health("p"))["queues"]}
    assert (queues["long"]["ready"], queues["long"]["capped"]) == (3, True)
    assert (queues["short"]["ready"], queues["short"]["capped"]) == (3, False)
    assert queues["long"]["oldest_ready_age_s"] >= 0
    (project,) = (await app.insights.projects("p"))[0]
    assert (project["pending"], project["capped"]) == (3, True)
