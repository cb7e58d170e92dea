"""What callers get wrong: a clear error of the right code, nothing lost, no traceback."""

from __future__ import annotations

import json

import pytest

from interfaces.api_client import Api, raw, serving
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import WatchkeeperError

MALFORMED = [
    (b"{", "is not JSON"),
    (b'{"kind": "a"} x', "Extra data"),
    (b"\xff\xfe", "not UTF-8"),
    (b'{"kind": "a", "payload": NaN}', "NaN"),
    (b'{"kind": "a", "payload": -Infinity}', "Infinity"),
    (b'{"kind": "a", "payload": 1e999}', "too large"),
    (b'{"kind": "a", "payload": ' + b"9" * 5000 + b"}", "digits"),
    (b'{"kind": "a", "payload": "\\u0000"}', "NUL"),
    (b'{"kind": "a", "payload": {"\\u0000": 1}}', "NUL"),
    (b'{"kind": "a", "payload": "\\ud800"}', "surrogate"),
    (b'{"kind": "a", "payload": ' + b"[" * 200 + b"]" * 200 + b"}", "nested"),
    (b'{"kind": "a", "payload": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
    (b'"text"', "JSON object"),
    (b"null", "the body"),
    (b"{}", "kind"),
    (b"", "kind"),
    (b'{"kind": ""}', "kind"),
    (b'{"kind": "a b"}', "kind"),
    (b'{"kind": 7}', "valid string"),
    (b'{"kind": "a", "priority": "5"}', "priority"),
    (b'{"kind": "a", "priority": 99999}', "priority"),
    (b'{"kind": "a", "run_at": "2026-01-01T00:00:00"}', "RFC 3339"),
    (b'{"kind": "a", "run_at": "tomorrow"}', "run_at"),
    (b'{"kind": "a", "pirority": 1}', "did you mean 'priority'"),
    (b'[{"kind": "a"}, {"kind": "a", "payloda": 1}]', "did you mean 'payload'"),
    (b'{"kind": "a", "unique_key": ""}', "unique_key"),
]


async def test_a_malformed_job_is_refused_by_name(api: Api) -> None:
    """Broken JSON, wrong types, unknown keys, what the database cannot keep: usage, saying what and where."""
    for content, says in MALFORMED:
        answered = await raw(api, "/api/jobs", content)
        assert (answered.status, answered.code) == (400, "usage"), content[:100]
        assert says in answered.body["detail"], (content[:100], answered.body["detail"])
        assert len(answered.body["detail"]) < 1000
    assert not await rows(api.app.database, "SELECT 1 FROM watchkeeper.job_specs")


async def test_only_what_is_wrong_is_told(api: Api) -> None:
    """A bad field of one job is the only fault that is told, of one job and of one in a list."""
    bad = {"kind": "a", "priority": "5"}
    one, listed = [(await api.post("/api/jobs", body)).body["detail"] for body in (bad, [{"kind": "a"}, bad])]
    assert one == "'priority': Input should be a valid integer (given: '5')"
    assert listed == "'1.priority': Input should be a valid integer (given: '5')"


async def test_payloads_that_are_fine_are_kept_as_they_are(api: Api) -> None:
    """Text of any script, escapes that look dangerous, numbers of any kind, and lists survive the way."""
    payload = {"text": "看板 🙂 \\u0000 %00 ", "n": [1, 2.5, -(10**18), True, None], "deep": [[[{}]]]}
    job = await api.enqueue(payload=payload)
    assert (await api.get(f"/api/jobs/{job}")).job["payload"] == payload
    assert (await api.worker("claim")).job["payload"] == payload


async def test_unknown_keys_of_contract_commands_name_what_was_meant(api: Api) -> None:
    """Each contract command refuses a mistyped key with the known one, and changes nothing."""
    mistyped = await api.worker("claim", wait_secnds=1)
    assert "did you mean 'wait_seconds'" in mistyped.body["error"]["message"]
    job = await api.claimed()
    for verb, key, meant in [
        ("progress", "mesage", "message"),
        ("complete", "sumary", "summary"),
        ("fail", "reson", "reason"),
        ("release", "cancled", "cancelled"),
        ("verify", "ulr", "url"),
    ]:
        answered = await api.command(verb, job, **{key: "x"})
        assert f"did you mean '{meant}'" in answered.body["error"]["message"]
    assert (await api.get(f"/api/jobs/{job['id']}")).job["state"] == "running"


async def test_an_invalid_contract_names_its_key(api: Api) -> None:
    """A result contract with an unknown key or kind is invalid_contract, for a job and for a kind."""
    for path, body in [
        ("/api/jobs", {"kind": "a", "contract": {"required_kind": ["html_page"]}}),
        ("/api/jobs", {"kind": "a", "contract": {"required_kinds": ["htmlpage_"]}}),
        ("/api/kinds", {"name": "a", "contract": {"publish": "moon"}}),
    ]:
        answered = await api.post(path, body)
        assert (answered.status, answered.code) == (422, "invalid_contract")
    answered = await api.post("/api/kinds", {"name": "a", "on_losst": "hold"})
    assert (answered.code, "did you mean 'on_lost'" in answered.body["detail"]) == ("usage", True)


async def test_what_is_not_there_is_said_so(api: Api) -> None:
    """Unknown addresses, methods, jobs, kinds, workers, tokens: 404 or 405 as a problem, never a page."""
    for method, path, status, code in [
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("PUT", "/api/jobs", 405, "usage"),
        ("GET", "/api/worker/claim", 405, "usage"),
        ("GET", "/api/jobs/nope", 404, "job_not_found"),
        ("GET", "/api/jobs/00000000-0000-7000-8000-000000000000/timeline", 404, "job_not_found"),
        ("GET", "/api/jobs/%00", 400, "usage"),
        ("GET", "/api/jobs?kind=%00", 400, "usage"),
        ("GET", "/api/artifacts/nope", 404, "job_not_found"),
        ("DELETE", "/api/tokens/nope?reason=x", 404, "not_found"),
        ("DELETE", "/api/schedules/nope", 404, "not_found"),
        ("GET", "/api/jobs?state=done", 400, "usage"),
        ("GET", "/api/jobs?limit=0", 400, "usage"),
        ("GET", "/api/jobs?limit=many", 400, "usage"),
        ("GET", "/api/jobs?cursor=abc", 400, "usage"),
        ("GET", "/api/jobs?limit=1001", 400, "usage"),
        ("GET", "/api/jobs?sate=stuck", 400, "usage"),
    ]:
        answered = await api.ask(method, path)
        assert (answered.status, answered.code) == (status, code), f"{method} {path}: {answered.body}"
    asked = await api.ask("PUT", "/api/jobs")
    assert asked.headers["allow"] == "GET, POST"
    for path in ("/api/kinds/nope/pause", "/api/workers/nope/drain"):
        assert (await api.post(path, {"reason": "x"})).code == "not_found"
    whole = await api.token("owner", None)
    everything = {"on": True, "reason": "x"}
    assert (await api.post("/api/switches/everything", everything, token=whole)).code == "usage"


async def test_an_address_that_is_not_utf_8_is_said_so(api: Api) -> None:
    """A path whose bytes are no text is another name than any that is here: 400, for readers and workers alike."""
    for path, role in [
        ("/api/worker/jobs/%ff/context", "worker"),
        ("/api/jobs/%ff", "owner"),
        ("/api/jobs/%c3%28/timeline", "owner"),
    ]:
        answered = await api.get(path, role=role)
        assert (answered.status, answered.code, "UTF-8" in answered.body["detail"]) == (400, "usage", True)
    assert (await api.get("/api/jobs/%E7%9C%8B%E6%9D%BF")).code == "job_not_found"


async def test_a_problem_names_the_path_that_was_asked_for(api: Api) -> None:
    """`instance` (RFC 9457) is the path, encoded, without the query."""
    assert (await api.get("/api/jobs/a%20b?project=p")).body["instance"] == "/api/jobs/a%20b"
    assert (await api.get("/nothing")).body["instance"] == "/nothing"


async def test_a_body_that_is_not_declared_as_json_is_refused(api: Api) -> None:
    """A form or plain text answers 415 and says which type to send."""
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answered = await raw(api, "/api/jobs", b'{"kind": "a"}', {"Content-Type": kind})
        assert (answered.status, answered.code) == (415, "usage")
    typed = {"Content-Type": "application/json; charset=utf-8"}
    assert (await raw(api, "/api/jobs", b'{"kind": "a"}', typed)).status == 201


async def test_lease_tokens_that_are_none_are_stale(api: Api) -> None:
    """A missing, broken or foreign lease token answers stale_lease, never an internal error."""
    job = await api.claimed()
    for token in (None, "", "x", "1.", "1.wrong", "99.x", "1" * 190 + ".x", f"{job['lease_token']}x"):
        answered = await api.get(f"/api/worker/jobs/{job['id']}/context", role="worker", lease=token)
        assert (answered.status, answered.code) == (409, "stale_lease"), token


async def test_what_nobody_foresaw_is_an_id_and_no_traceback(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault inside the server answers internal_error with an id that the log has; nothing of the inside."""

    async def broken(*_: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(type(api.app.insights), "queue_health", broken)
    answered = await api.get("/api/watchdog/queue-health")
    assert (answered.status, answered.code) == (500, "internal_error")
    assert "secret inside" not in json.dumps(answered.body)
    assert answered.body["error"]["details"]["id"] in answered.body["error"]["hint"]

    async def failing(*_: object) -> None:
        raise WatchkeeperError("the database refused a statement: inner words")

    monkeypatch.setattr(type(api.app.insights), "queue_health", failing)
    assert "inner words" not in json.dumps((await api.get("/api/watchdog/queue-health")).body)


async def test_an_unreachable_database_answers_503_with_retry_after(app: App) -> None:
    """While the database is away everything answers database_unavailable; health still answers."""
    async with serving(app) as api:
        token = await api.token("owner")
        await app.database.close()
        for path in ("/api/jobs", "/readyz"):
            answered = await api.get(path, token=token)
            assert (answered.status, answered.code) == (503, "database_unavailable")
            assert answered.headers["retry-after"] == "2"
        assert (await api.get("/healthz", role="")).status == 200


async def test_a_payload_with_a_secret_is_shown_redacted(api: Api) -> None:
    """The agent gets the payload as it was given; readers get it redacted, flagged as suspected."""
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    job = await api.enqueue(payload={"note": f"use {secret}"})
    assert (await api.worker("claim")).job["payload"]["note"].endswith(secret)
    shown = (await api.get(f"/api/jobs/{job}")).job
    assert secret not in json.dumps(shown)
    assert shown["secret_suspected"] is True
    kept = await rows(
        api.app.database, "SELECT output FROM watchkeeper.helper_events WHERE command = 'claim'"
    )
    assert secret not in kept[0]["output"]
