"""What goes wrong at a foreign job, told in the words of its helper or of its reporter, is judged as a command is."""

from __future__ import annotations

import json
from typing import Any

from interfaces.api_client import Api
from moving_clock import MovingClock
from raw_sql import rows
from services.watched import open_incidents, watchdog

ATTEMPTS, EVENTS = "/api/pls/watchdog/job-attempt", "/api/watchdog/helper-events"


async def told(api: Api, path: str, **fields: Any) -> list[tuple[str, str, int]]:
    """Report, let the watchdog look, and give the open incidents: rule, job and how often."""
    body = {"worker_id": "h1", "job_id": "A", **fields}
    assert (await api.post(path, body, role="worker", key=None)).status == 200
    await watchdog(api.app).run_once()
    named = {
        str(row["id"]): row["external_id"]
        for row in await rows(api.app.database, "SELECT * FROM watchkeeper.jobs")
    }
    found = await open_incidents(api.app)
    return [(each["rule"], named[str(each["job_id"])], each["occurrences"]) for each in found]


async def test_an_error_in_the_report_of_an_attempt_is_judged_as_the_command_that_met_it(
    api: Api, clock: MovingClock
) -> None:
    """A refused completion and a job that vanished open their incidents; the same report again counts nothing."""
    assert await told(api, ATTEMPTS, phase="claim", attempt_id="1") == []
    refused = {"phase": "complete", "complete_status": "rejected", "error_code": "contract_rejected"}
    for _ in range(2):
        clock.advance(1)
        assert await told(api, ATTEMPTS, **refused, attempt_id="1") == [("complete_rejected", "A", 1)]
    gone = {"phase": "failed", "complete_status": "failed", "error_code": "job_not_found"}
    clock.advance(1)
    assert await told(api, ATTEMPTS, **{"job_id": "B", **gone}) == [
        ("complete_rejected", "A", 1),
        ("job_not_found_after_claim", "B", 1),
    ]
    clock.advance(1)
    done = await told(api, ATTEMPTS, phase="complete", complete_status="completed", attempt_id="1")
    assert done == [("job_not_found_after_claim", "B", 1), ("artifact_missing", "A", 1)]


async def test_where_commands_are_told_their_own_words_count_once(api: Api, clock: MovingClock) -> None:
    """A `no` with exit code 0 is a refusal; the attempt's report of the same is not a second one."""
    await told(api, ATTEMPTS, phase="claim", attempt_id="1")
    clock.advance(1)
    said = {"command": "complete", "exit_code": 0, "output": json.dumps({"ok": False, "error": "nope"})}
    assert await told(api, EVENTS, **said) == [("complete_rejected", "A", 1)]
    clock.advance(1)
    again = {"phase": "complete", "complete_status": "rejected", "error_code": "contract_rejected"}
    assert await told(api, ATTEMPTS, **again, attempt_id="1") == [("complete_rejected", "A", 1)]
    [event] = await rows(api.app.database, "SELECT error_code, output FROM watchkeeper.helper_events")
    assert (event["error_code"], json.loads(event["output"])["error"]) == ("refused", "nope")
    assert await told(api, ATTEMPTS, job_id="B", phase="complete", error_code="gate_failed") == [
        ("complete_rejected", "A", 1)
    ]


async def test_an_incident_s_cause_is_that_of_its_newest_evidence(api: Api, clock: MovingClock) -> None:
    """What failed first was mended, and something else fails now: the incident names what fails now."""
    seen = []
    for failed in ("missing_kind", "pending_marker"):
        check = {"primary_url": "https://pages.example.org/r", "file_count": 1, "failed": [{"check": failed}]}
        body = {"job_id": "A", "http_status": 200, **check}
        assert (await api.post("/api/watchdog/artifact-checks", body, role="worker", key=None)).status == 200
        clock.advance(1)
        await watchdog(api.app).run_once()
        seen += [(each["rule"], each["cause"]) for each in await open_incidents(api.app)]
    assert seen == [("artifact_gate_failed", "missing_kind"), ("artifact_gate_failed", "pending_marker")]
