"""What the guard of a foreign helper reports is taken by the server, and stands there as facts."""

from __future__ import annotations

import json
import os
from pathlib import Path

from foreign_site import Site
from interfaces.api_client import Api
from raw_sql import rows
from relay.fake_helper import FETCH_FAILED
from relay.scenes import Scene, job
from watchkeeper.services.relay.place import HelperPlace

SELF = str(os.geteuid())
"""Agents as this very user: pytest's directories are closed to others."""


async def deliver(api: Api, place: HelperPlace) -> None:
    """Send what waits, as a worker does, twice: a report that arrives again is kept once."""
    for _ in range(2):
        for path in place.waiting(place.reports):
            record = json.loads(path.read_text())
            answered = await api.post(record["path"], record["body"], role="worker", key=None)
            assert answered.status < 300, (record, answered.body)


async def test_a_guarded_job_is_mirrored_to_its_end(api: Api, site: Site, tmp_path: Path) -> None:
    """A complete that failed, and that context then knows as done, is a success there too; commands are kept once."""
    looked_up = [{"print": {"ok": True}}, {"print": {"ok": True, "job": {"id": "A", "status": "completed"}}}]
    scene = Scene(tmp_path / "one", site, {"complete": [FETCH_FAILED], "context": looked_up})
    assert await scene.heartbeat(agent_user=SELF) == 0
    await deliver(api, scene.place)
    [job] = await rows(api.app.database, "SELECT * FROM watchkeeper.jobs")
    assert [job[name] for name in ("origin", "external_id", "kind", "state")] == [
        "helper",
        "A",
        "report",
        "completed",
    ]
    kept = await rows(
        api.app.database, "SELECT command, error_code FROM watchkeeper.helper_events ORDER BY id"
    )
    assert [event["command"] for event in kept][-4:] == ["complete", "touch", "context", "complete"]
    assert len(kept) == len(scene.helper.commands) + 1
    [check] = await rows(api.app.database, "SELECT passed FROM watchkeeper.artifact_checks")
    assert check["passed"]


async def test_a_heartbeat_that_went_well_is_one_attempt_and_verified(
    api: Api, site: Site, tmp_path: Path
) -> None:
    """All that `supervise` tells of a job is told of one attempt: its check counts at its end, and no lease is lost.

    The same holds when each command is a program of its own, and when everything is told twice.
    """
    scene = Scene(tmp_path / "one", site)
    assert await scene.heartbeat(agent_user=SELF) == 0
    assert len({body["attempt_id"] for body in scene.reports("job-attempt")}) == 1
    await deliver(api, scene.place)
    relayed = Scene(tmp_path / "two", site, {"claim": [{"print": job("B")}]})
    page = {"kind": "html_page", "url": relayed.page, "files": ["index.html"], "primary": True}
    for command in (["claim"], ["context", "B"], ["complete", "B", "done", json.dumps([page])]):
        assert (await relayed.relay(*command)).exit_code == 0
    await deliver(api, relayed.place)
    jobs = await rows(api.app.database, "SELECT state, verified FROM watchkeeper.jobs ORDER BY seq")
    assert [(job["state"], job["verified"]) for job in jobs] == [("completed", "artifact")] * 2
    attempts = await rows(api.app.database, "SELECT job_id, outcome FROM watchkeeper.foreign_leases")
    assert [attempt["outcome"] for attempt in attempts] == ["completed"] * 2


async def test_a_stuck_job_and_a_proposal_stand_there(api: Api, site: Site, tmp_path: Path) -> None:
    """A complete that failed twice leaves the job stuck; three heartbeats without a job are one proposal."""
    scene = Scene(tmp_path / "one", site, {"complete": [FETCH_FAILED]})
    assert await scene.heartbeat(agent_user=SELF) == 3
    await deliver(api, scene.place)
    [job] = await rows(api.app.database, "SELECT state, state_reason FROM watchkeeper.jobs")
    assert (job["state"], job["state_reason"]) == ("stuck", "command_failed_twice")
    idle = Scene(tmp_path / "two", site, {"claim": [{"print": {"ok": True, "job": None}}]})
    for _ in range(3):
        assert await idle.heartbeat(agent_user=SELF) == 0
    await deliver(api, idle.place)
    [proposal] = await rows(api.app.database, "SELECT kind FROM watchkeeper.proposals")
    assert proposal["kind"] == "backlog_or_capability"
