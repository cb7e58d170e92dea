"""A completion that came too late waits for a person, who decides on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from interfaces.api_client import Api
from interfaces.command_bridge import Commands, code_of
from moving_clock import MovingClock
from raw_sql import rows

DAY = 86_400


@pytest.fixture
async def program(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Commands:
    return Commands(api, monkeypatch, capsys, tmp_path)


async def test_a_late_completion_is_decided_and_lets_go_of_its_job(
    api: Api, program: Commands, clock: MovingClock
) -> None:
    """`jobs late` shows it; `jobs decide` ends its wait, once; the job stays as it is, until retention."""
    job = await api.claimed()
    await api.post(f"/api/jobs/{job['id']}/cancel", {"reason": "no longer", "force": True})
    assert (await api.command("complete", job, summary="late", artifacts=[])).code == "stale_lease"
    supervisor = await api.token("supervisor")
    [item] = (await program.run(supervisor, "jobs", "late"))[1]["items"]
    assert (item["job_id"], item["body"]["summary"]) == (job["id"], "late")
    clock.advance(200 * DAY)
    await api.app.retention.run_once()
    assert (await api.get(f"/api/jobs/{job['id']}")).status == 200

    decide = ("jobs", "decide", item["id"], "--verdict", "accept", "--reason", "it is live already")
    assert code_of((await program.run(await api.token("viewer"), *decide))[1]) == "permission_denied"
    exit_code, told = await program.run(supervisor, *decide)
    assert (exit_code, told["item"]["decision"]) == (0, "accept")
    exit_code, again = await program.run(supervisor, *decide[:4], "discard")
    assert (exit_code, code_of(again)) == (3, "conflict")
    assert (await program.run(supervisor, "jobs", "late"))[1]["items"] == []
    assert (await api.get(f"/api/jobs/{job['id']}")).job["state"] == "cancelled"
    [event] = await rows(
        api.app.database,
        "SELECT actor, reason, job_seq IS NOT NULL AS of_job, data->>'verdict' AS verdict"
        " FROM watchkeeper.audit_events WHERE event = 'late_completion_decided'",
    )
    assert (event["reason"], event["of_job"], event["verdict"]) == ("it is live already", True, "accept")
    assert event["actor"].startswith("principal:p/supervisor")
    await api.app.retention.run_once()
    assert (await api.get(f"/api/jobs/{job['id']}")).status == 404
