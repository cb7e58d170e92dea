"""A dry run goes the way of the act: it is refused where the act is, and nothing of it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interfaces.api_client import Api
from interfaces.command_bridge import Commands, code_of
from raw_sql import rows

WHY = {"reason": "tried"}
REFUSED = {
    "projects remove nosuch": "not_found",
    "projects remove system": "usage",
    "projects remove p": "conflict",
    "projects pause nosuch": "not_found",
    "kinds pause nosuch -p p": "not_found",
    'kinds declare x {"on_lost":"explode"} -p p': "usage",
    "workers drain nosuch -p p": "not_found",
    "token revoke nosuch": "not_found",
    "token create x --role viewer -p nosuch": "not_found",
    "schedules remove nosuch -p p": "not_found",
    "schedules add n bad k -p p": "usage",
    'jobs enqueue report --contract {"nope":1} -p p': "invalid_contract",
    "jobs cancel done -p p": "conflict",
    "jobs fail nosuch -p p": "job_not_found",
    "channel test nosuch -p p": "not_found",
}
"""What is refused, with the code of its error; `p` has a live worker, and the job `done` is over."""


@pytest.fixture
async def program(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Commands:
    return Commands(api, monkeypatch, capsys, tmp_path)


async def all_rows(api: Api) -> list[dict[str, Any]]:
    """Give what there is of jobs, tokens, schedules and the trail."""
    everything = """SELECT to_jsonb(s) AS row FROM watchkeeper.job_specs s
                    UNION ALL SELECT to_jsonb(t) - 'last_used_at' FROM watchkeeper.tokens t
                    UNION ALL SELECT to_jsonb(c) FROM watchkeeper.schedules c
                    UNION ALL SELECT to_jsonb(p) FROM watchkeeper.projects p
                    UNION ALL SELECT to_jsonb(r) FROM watchkeeper.idempotency_records r
                    UNION ALL SELECT to_jsonb(a) FROM watchkeeper.audit_events a"""
    return await rows(api.app.database, everything)


async def test_a_dry_run_is_refused_where_the_act_is(api: Api, program: Commands) -> None:
    """A wrong name, a bad value, a state that does not allow it: `--dry-run` answers as the act itself would."""
    await api.post("/api/jobs", {"kind": "page", "external_id": "done"})
    await api.post("/api/jobs/done/cancel", WHY)
    await api.worker("touch")
    owner = await api.token("owner", None)
    for command, code in REFUSED.items():
        rehearsed = await program.run(owner, *command.split(), "--dry-run")
        acted = await program.run(owner, *command.split())
        assert (rehearsed[0], code_of(rehearsed[1])) == (acted[0], code), (command, rehearsed)
        assert code_of(acted[1]) == code
        assert rehearsed[1]["error"]["message"] == acted[1]["error"]["message"]


async def test_nothing_of_a_dry_run_stays(api: Api, program: Commands) -> None:
    """What would be done is told, down to the server's own answer; no row changes, and no token opens anything."""
    await api.post("/api/jobs", {"kind": "page", "external_id": "waits"})
    await api.post("/api/schedules", {"name": "daily", "cron": "0 3 * * *", "kind": "page"})
    owner = await api.token("owner", None)
    await api.get("/api/projects", token=owner)
    before = await all_rows(api)
    for command in (
        "projects create fresh",
        "projects pause p",
        "jobs enqueue page -p p",
        "jobs cancel waits -p p",
        "schedules remove daily -p p",
        "kinds declare page -p p",
        "token create x --role viewer -p p",
        "switch claims off",
        "signal send mail new-topic TEXT --own-project",
    ):
        exit_code, answer = await program.run(owner, *command.split(), "--dry-run")
        assert (exit_code, answer["dry_run"]) == (0, True), (command, answer)
        assert "wkv_" not in str(answer)
    assert await all_rows(api) == before


async def test_only_acts_know_a_dry_run(api: Api) -> None:
    """A route that changes nothing, and a contract command, refuse `dry_run`; so does an act a value that is none."""
    refused = [
        await api.get("/api/jobs?dry_run=true"),
        await api.post("/api/worker/touch?dry_run=true", {"worker_id": "w"}, role="worker"),
        await api.post("/api/jobs?dry_run=yes", {"kind": "page"}),
    ]
    assert [(one.status, one.code) for one in refused] == [(400, "usage")] * 3
    tried = await api.post("/api/jobs?dry_run=true", {"kind": "page"}, key="k")
    assert (tried.status, tried.body["dry_run"]) == (201, True)
    assert (await api.get("/api/jobs")).body["jobs"] == []
    # The key that came with the dry run is still free.
    made = await api.post("/api/jobs", {"kind": "page"}, key="k")
    assert "Idempotency-Replayed" not in made.headers


async def test_a_project_with_live_workers_is_removed_only_by_force(api: Api, program: Commands) -> None:
    """`projects remove` names the live workers and stops; `--force` removes the project under them."""
    await api.worker("touch", "w-of-p")
    owner = await api.token("owner", None)

    async def names() -> list[str]:
        return [row["project_id"] for row in (await api.get("/api/projects", token=owner)).body["projects"]]

    exit_code, refused = await program.run(owner, "projects", "remove", "p")
    assert (exit_code, code_of(refused)) == (3, "conflict")
    assert "w-of-p" in refused["error"]["message"]
    assert "--force" in refused["error"]["hint"]
    assert (await program.run(owner, "projects", "remove", "p", "--force", "--dry-run"))[0] == 0
    assert await names() == ["p", "system"]
    assert (await program.run(owner, "projects", "remove", "p", "--force"))[0] == 0
    assert await names() == ["system"]
