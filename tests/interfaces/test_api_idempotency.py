"""Acts over HTTP are carried out once per key, and the secrets of tokens are shown once."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from interfaces.api_client import Answered, Api
from raw_sql import rows
from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.api.openapi import document
from watchkeeper.services.idempotency import Answer, Idempotency, KeyedRequest
from watchkeeper.storage.database import Database

WHY = {"reason": "maintenance"}


def needing_a_key() -> list[tuple[str, str]]:
    """Give the routes whose document says that a key is required."""
    return [
        (method.upper(), path)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        for parameter in operation.get("parameters", ())
        if parameter["name"] == "Idempotency-Key" and parameter["required"]
    ]


DECLARATIONS = {"/api/jobs", "/api/kinds", "/api/projects", "/api/schedules"}
"""These say how something shall be, or enqueue: a program may send them without a key."""

SUGGESTIONS = {"/api/lessons", "/api/proposals", "/api/signals", "/api/watchdog/repair-actions"}
"""What these bring changes nothing by itself: a person, or the policy, decides on it."""


def test_only_declarations_suggestions_records_and_the_contract_do_without_a_key() -> None:
    """Whatever else changes something names the key as required in the API's document."""
    needing = needing_a_key()
    changing = {
        (method.upper(), path)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if method != "get" and not path.startswith(("/api/worker/", "/api/inbound/", "/api/webhooks/"))
        if "record" not in operation["x-rights"]
    }
    assert changing - set(needing) == {("POST", path) for path in DECLARATIONS | SUGGESTIONS}


async def test_every_act_needs_an_idempotency_key(api: Api) -> None:
    """An act without the header is refused and names it; a key of blanks or 201 letters is no key."""
    acts = needing_a_key()
    assert {path.rsplit("/", 1)[-1] for _, path in acts} >= {
        "cancel",
        "pause",
        "resume",
        "requeue",
        "fail",
        "drain",
    }
    whole = await api.token("owner", None)
    for method, path in acts:
        filled = path.replace("{name}", "claims").replace("{", "").replace("}", "")
        answered = await api.ask(method, f"{filled}?project=p", {"reason": "x"}, key=None, token=whole)
        assert (answered.status, answered.code) == (400, "usage")
        assert "Idempotency-Key" in answered.body["detail"]
    job = await api.enqueue()
    for key in (" ", "k" * 201):
        answered = await api.post(f"/api/jobs/{job}/pause", WHY, key=key)
        assert answered.code == "usage"


async def test_an_act_repeated_with_its_key_is_answered_alike_and_done_once(api: Api) -> None:
    """The second answer is the first one's; another payload under the key is 422; another key acts anew."""
    job = await api.enqueue()
    first = await api.post(f"/api/jobs/{job}/pause", WHY, key="k1")
    again = await api.post(f"/api/jobs/{job}/pause", WHY, key="k1")
    assert (first.status, again.body) == (200, first.body)
    assert (again.headers["idempotency-replayed"], "idempotency-replayed" in first.headers) == ("true", False)
    other = await api.post(f"/api/jobs/{job}/pause", {"reason": "another"}, key="k1")
    assert (other.status, other.code) == (422, "usage")
    elsewhere = await api.post(f"/api/jobs/{await api.enqueue()}/pause", WHY, key="k1")
    assert elsewhere.status == 422
    assert (await api.post(f"/api/jobs/{job}/pause", WHY, key="k2")).code == "conflict"
    assert (await api.post(f"/api/jobs/{job}/resume", WHY, key="k1")).status == 200
    events = await rows(
        api.app.database, "SELECT event FROM watchkeeper.audit_events WHERE event = 'job_paused'"
    )
    assert len(events) == 1


async def test_a_refused_act_leaves_its_key_free(api: Api) -> None:
    """An act that was refused changed nothing; once it is possible the same key carries it out."""
    job = await api.enqueue()
    assert (await api.post(f"/api/jobs/{job}/resume", WHY, key="k")).code == "conflict"
    await api.post(f"/api/jobs/{job}/pause", WHY)
    assert (await api.post(f"/api/jobs/{job}/resume", WHY, key="k")).job["state"] == "pending"


async def test_the_same_act_sent_twice_at_once_is_done_once(api: Api) -> None:
    """Of two requests under one key at the same moment one acts; the other replays it or is asked to wait."""
    ended = await api.claimed()
    await api.command("complete", ended, summary="done", artifacts=[])
    path = f"/api/jobs/{ended['id']}/requeue"
    both = await asyncio.gather(*(api.post(path, WHY, key="once") for _ in range(5)))
    assert {answer.status for answer in both} <= {200, 409}
    assert len({answer.body["job"]["id"] for answer in both if answer.status == 200}) == 1
    retries = await rows(api.app.database, "SELECT 1 FROM watchkeeper.job_specs WHERE retry_of IS NOT NULL")
    assert len(retries) == 1


async def test_keys_of_two_principals_do_not_meet(api: Api) -> None:
    """A key belongs to who sent it."""
    job = await api.enqueue()
    assert (await api.post(f"/api/jobs/{job}/pause", WHY, key="k")).status == 200
    answered = await api.post(f"/api/jobs/{job}/pause", WHY, key="k", role="supervisor")
    assert answered.code == "conflict"


async def test_enqueueing_with_a_key_makes_the_jobs_once(api: Api) -> None:
    """The same bulk under the same key gives the same ids; without a key it makes new ones."""
    batch = [{"kind": "a"}, {"kind": "b", "priority": 3}]
    first = await api.post("/api/jobs", batch, key="bulk")
    again = await api.post("/api/jobs", batch, key="bulk")
    assert (first.status, first.body) == (201, again.body)
    assert len(await rows(api.app.database, "SELECT 1 FROM watchkeeper.job_specs")) == 2
    await api.post("/api/jobs", batch, key=None)
    assert len(await rows(api.app.database, "SELECT 1 FROM watchkeeper.job_specs")) == 4


async def test_progress_with_a_key_is_recorded_once(api: Api) -> None:
    """A repeated progress under one key is one phase; another message under it is 422."""
    job = await api.claimed()
    path = f"/api/worker/jobs/{job['id']}/progress"

    async def send(message: str) -> Answered:
        return await api.post(
            path,
            {"message": message, "phase": "build"},
            role="worker",
            lease=job["lease_token"],
            headers={"Idempotency-Key": "p1"},
        )

    first, again, other = await send("half"), await send("half"), await send("whole")
    assert (first.status, again.body, other.status) == (200, first.body, 422)
    phases = await rows(api.app.database, "SELECT 1 FROM watchkeeper.worker_runs WHERE phase = 'build'")
    assert len(phases) == 1


async def test_a_tokens_secret_is_shown_once(api: Api) -> None:
    """Making a token shows its secret; the repeated request does not, nor does any table or list."""
    made = await api.post("/api/tokens", {"name": "bot", "role": "worker"}, key="t1")
    secret = made.body["token"]["secret"]
    assert made.status == 201
    again = await api.post("/api/tokens", {"name": "bot", "role": "worker"}, key="t1")
    assert (again.status, again.code) == (409, "conflict")
    assert again.body["error"]["details"]["answer"]["token"]["id"] == made.body["token"]["id"]
    kept = await rows(api.app.database, "SELECT answer::text FROM watchkeeper.idempotency_records")
    assert all(secret not in (row["answer"] or "") for row in kept)
    listed = await api.get("/api/tokens")
    assert secret not in str(listed.body)
    assert (await api.post("/api/worker/touch", {"worker_id": "w"}, token=secret)).status == 200
    gone = await api.ask("DELETE", f"/api/tokens/{made.body['token']['id']}?reason=leaked")
    assert gone.body["revoked"] is True
    assert (await api.post("/api/worker/touch", {"worker_id": "w"}, token=secret)).status == 401


async def test_tokens_stay_within_the_project_of_who_makes_them(api: Api) -> None:
    """An owner of a project makes tokens for it alone; a worker token needs a project."""
    bound = {"name": "n", "role": "owner"}
    assert (await api.post("/api/tokens", bound)).body["token"]["project_id"] == "p"
    assert (await api.post("/api/tokens", {**bound, "project_id": "q"})).status == 404
    assert (await api.post("/api/tokens", {**bound, "project_id": None})).status == 403
    whole = await api.token("owner", None)
    assert (await api.post("/api/tokens", bound, token=whole)).body["token"]["project_id"] is None
    worker = {"name": "n", "role": "worker"}
    assert (await api.post("/api/tokens", worker, token=whole)).code == "usage"
    assert (await api.post("/api/tokens?project=p", worker, token=whole)).status == 201


async def test_an_act_that_dies_half_way_leaves_neither_act_nor_key(api: Api) -> None:
    """Act and record are one transaction: what was done before the fault is undone with it."""
    asked = KeyedRequest("p", uuid4(), "POST /somewhere", "k", b"hash")

    async def dying() -> Answer:
        await api.app.kinds.ensure_project("half-made")
        raise RuntimeError("the process dies here")

    async def living() -> Answer:
        return Answer(200, {"created": await api.app.kinds.ensure_project("half-made")})

    with pytest.raises(RuntimeError):
        await api.app.idempotency.once(asked, dying)
    assert not await api.app.kinds.projects("half-made")
    assert (await api.app.idempotency.once(asked, living)).body == {"created": True}
    assert (await api.app.idempotency.once(asked, living)).replayed is True


async def test_a_failure_is_told_though_its_key_cannot_be_freed(api: Api) -> None:
    """When the database goes away under a failing act, the caller hears why the act failed, not of the key."""
    database = Database(api.app.database.config)
    await database.open()
    asked = KeyedRequest("p", uuid4(), "POST /somewhere", "k", b"hash")

    async def failing() -> Answer:
        await database.close()
        raise UsageError("the act's own fault")

    with pytest.raises(UsageError, match="the act's own fault"):
        await Idempotency(database).once_apart(asked, failing)
