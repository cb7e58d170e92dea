"""The queue's single steps, as a caller sees them."""

from __future__ import annotations

import pytest

from watchkeeper.app.whole import App
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.queue import AttemptEnd
from watchkeeper.storage.jobs import Completion, HeldLease


def lease_of(job):
    return HeldLease(job.seq, job.epoch, job.token.secret_hash)


async def test_a_job_is_claimed_and_completed_once(app: App) -> None:
    """A claimed job completes under its lease; repeating that, or using it later, changes nothing."""
    [made] = await app.queue.enqueue("p", [JobRequest("k", {"a": 1})], actor="t")
    [job] = await app.queue.claim("p", "w1", None, profile="runtime")

    assert job.id == str(made.id)
    assert job.payload == {"a": 1}
    assert await app.queue.claim("p", "w2", None, profile="runtime") == []
    assert await app.queue.complete("p", "worker:w1", [Completion(lease_of(job))]) == {job.seq}
    assert await app.queue.complete("p", "worker:w1", [Completion(lease_of(job))]) == set()
    assert (await app.insights.job("p", job.id))["state"] == "completed"


async def test_a_failed_attempt_is_tried_again_until_attempts_are_used_up(app: App, clock) -> None:
    """An agent's own errors use up max_attempts, with a backoff between; then the job is failed with E-RUN-002."""
    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    for attempt in (1, 2, 3):
        [job] = await app.queue.claim("p", "w", None, profile="runtime")
        assert job.epoch == attempt
        ended = await app.queue.end(
            "p", "worker:w", [AttemptEnd(lease_of(job), AttemptCause.AGENT_ERROR, "no")]
        )
        assert ended[job.seq]["state"] == ("failed" if attempt == 3 else "pending")
        assert await app.queue.claim("p", "w", None, profile="runtime") == []
        clock.advance(3600)
        await app.maintenance.keep_time()
    row = await app.insights.job("p", job.id)

    assert (row["state"], row["state_reason"], row["code"]) == ("failed", "attempts_used_up", "E-RUN-002")
    assert [attempt["cause"] for attempt in row["attempts"]] == ["agent_error"] * 3


async def test_a_lost_lease_is_reaped_and_the_old_token_is_dead(app: App, clock) -> None:
    """After its lease's end an undeclared kind's job is held, since its side effects may have happened."""
    await app.maintenance.reap()
    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    [job] = await app.queue.claim("p", "w", None, profile="runtime")
    for _ in range(7):
        clock.advance(10)
        await app.maintenance.reap()
    row = await app.insights.job("p", job.id)

    assert (row["state"], row["state_reason"]) == ("paused", "held_side_effects")
    assert await app.queue.complete("p", "worker:w", [Completion(lease_of(job))]) == set()
    assert await app.queue.renew("p", [lease_of(job)]) == {}


@pytest.mark.parametrize("payload", [{"a": "\0"}, float("nan"), {"a": {1, 2}}, "\ud800"])
async def test_what_json_cannot_hold_is_refused_clearly(app: App, payload: object) -> None:
    """A payload that is not JSON is a usage error, and nothing is enqueued."""
    with pytest.raises(UsageError, match="payload"):
        await app.queue.enqueue("p", [JobRequest("k", payload)], actor="t")
    assert (await app.insights.jobs("p"))[0] == []


async def test_a_unique_key_holds_until_its_job_has_ended(app: App) -> None:
    """While a job is unfinished its unique key gives that job; afterwards the key makes a new one."""
    request = JobRequest("k", unique_key="u")
    [first] = await app.queue.enqueue("p", [request], actor="t")
    [again] = await app.queue.enqueue("p", [request], actor="t")
    [job] = await app.queue.claim("p", "w", None, profile="runtime")
    await app.queue.complete("p", "worker:w", [Completion(lease_of(job))])
    [later] = await app.queue.enqueue("p", [request], actor="t")

    assert (again.id, again.existing) == (first.id, True)
    assert later.id != first.id
