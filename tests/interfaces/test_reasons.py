"""Whoever acts says why, and the audit row of the act keeps it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interfaces.api_client import Api
from interfaces.command_bridge import Commands
from raw_sql import rows

PROPOSAL = dict.fromkeys(("kind", "decision", "problem", "recommendation", "reasoning"), "x")
LESSON = {"topic_key": "t", "learned": ["l"]}
SPOKEN = """SELECT event, reason FROM watchkeeper.audit_events
             WHERE reason = 'because' ORDER BY event, project_id"""


@pytest.fixture
async def program(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Commands:
    return Commands(api, monkeypatch, capsys, tmp_path)


async def test_the_trail_says_why(api: Api, program: Commands) -> None:
    """`--reason` of each command that makes something stands in the row of the trail that tells of it."""
    owner = await api.token("owner", None)

    async def act(*words: str) -> Any:
        exit_code, answer = await program.run(owner, *words, "--reason", "because")
        assert exit_code == 0, (words, answer)
        return answer

    await act("projects", "create", "fresh")
    await act("token", "create", "ann", "--role", "viewer", "-p", "p")
    await act("access", "invite", "lin", "-p", "p")
    await act("schedules", "add", "nightly", "0 3 * * *", "page", "-p", "p")
    await act("schedules", "remove", "nightly", "-p", "p")
    await act("jobs", "enqueue", "page", "-p", "p")
    await act("jobs", "enqueue", "page", "--external-id", "one", "-p", "p")
    await act("lesson", "import", json.dumps(LESSON), "-p", "p")
    await act("proposal", "make", json.dumps(PROPOSAL), "-p", "p")
    asked = await act("people", "ask", "ann", "When?", "-p", "p")
    await act("people", "answer", asked["people_sync"]["id"], "Now.", "-p", "p")
    await act("people", "reply", "owner=ann; adopt=watchdog_config", "-p", "p")
    sent = await act("signal", "send", "mail", "new-topic", "TEXT", "-p", "p")
    await act("signal", "adoption", sent["signal"]["id"], "used", "-p", "p")
    await act("signal", "value", sent["signal"]["id"], "much", "-p", "p")
    await act("view", "save", "failed", "/jobs?state=failed", "-p", "p")
    told = [row["event"] for row in await rows(api.app.database, SPOKEN)]
    assert told == sorted(
        [
            *("project_created", "token_created", "token_created", "login_code_created"),
            *("schedule_saved", "schedule_removed", "lesson_proposed", "proposal_produced"),
            *("jobs_enqueued", "jobs_enqueued", "jobs_enqueued", "signal_received"),
            *("person_asked", "person_asked", "person_answered", "person_answered"),
            *("signal_adopted", "signal_valued", "view_saved"),
        ]
    )


async def test_jobs_of_one_request_keep_their_own_reasons(api: Api) -> None:
    """A list whose jobs are added for different reasons is one transaction, and a row of the trail for each reason."""
    made = [{"kind": "page", "reason": why} for why in ("spring", "spring", "autumn")]
    assert (await api.post("/api/jobs", made)).status == 201
    told = "SELECT reason, data FROM watchkeeper.audit_events WHERE event = 'jobs_enqueued' ORDER BY seq"
    kept = await rows(api.app.database, told)
    assert [(row["reason"], row["data"] and len(row["data"]["job_seqs"])) for row in kept] == [
        ("spring", 2),
        ("autumn", None),
    ]
    leaked = {"kind": "page", "reason": f"the key is ghp_{'a1B2c3D4e5' * 4}"}
    assert (await api.post("/api/jobs", leaked)).status == 201
    [last] = (await rows(api.app.database, told))[2:]
    assert "a1B2c3D4e5" not in last["reason"]
