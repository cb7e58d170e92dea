"""Whole heartbeats of helpers that misbehave, each a real executable, against the table of docs/helper.md."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from agents.living import living
from relay.conftest import Scenes
from relay.fake_helper import FETCH_FAILED, SILENT
from relay.scenes import PAGE, job
from waiting import wait_until

NO_JOB = {"print": {"ok": True, "job": None}}


async def test_a_healthy_heartbeat(scenes: Scenes) -> None:
    """From doctor to complete, once each; the work gets the job's JSON, and its page passes the gate first."""
    work = f"cat > seen.json; printf '%s' '{PAGE}' > index.html"
    scene = scenes(work=work, claim={"before": "Claiming...", "print": job(payload={"topic": "queues"})})
    assert await scene.heartbeat() == 0
    order = ["doctor", "touch", "claim", "context", "progress", "progress", "upload-files", "complete"]
    assert scene.helper.commands == order
    (upload,) = scene.helper.arguments("upload-files")
    assert upload[0] == "A"
    seen = next(path for path in upload[1:] if path.endswith("seen.json"))
    assert json.loads(await asyncio.to_thread(Path(seen).read_text))["payload"] == {"topic": "queues"}
    ((done, _, artifacts),) = scene.helper.arguments("complete")
    assert done == "A"
    primary = next(one for one in json.loads(artifacts) if one.get("primary"))
    assert (primary["url"], primary["files"]) == (scene.page, ["index.html"])
    (check,) = scene.reports("artifact-checks")
    assert (check["http_status"], check["failed"]) == (200, [])
    assert scene.ended_as == "completed"
    assert "Claiming..." in scene.reports("helper-events")[2]["output"]
    assert scene.reports("health")[-1]["current_job_id"] == "A"


async def test_a_claim_that_is_silent(scenes: Scenes) -> None:
    """It is ended with all its processes, touched and tried once more; a late JSON counts; twice tells the owner."""
    once = scenes(claim=[SILENT | {"ignores_sigterm": True}, {"print": job()}])
    twice = scenes(claim=SILENT)
    late = scenes(claim=[SILENT | {"on_sigterm": job("L")}])
    assert await asyncio.gather(*(scene.heartbeat() for scene in (once, twice, late))) == [0, 3, 0]
    assert once.helper.commands[:5] == ["doctor", "touch", "claim", "touch", "claim"]
    assert once.codes == ["silent"]
    assert twice.helper.commands == ["doctor", "touch", "claim", "touch", "claim"]
    assert late.helper.commands.count("claim") == 1
    assert late.helper.arguments("complete")[0][0] == "L"


async def test_a_late_job_after_the_retry(scenes: Scenes) -> None:
    """What somebody else writes for the first claim is the job, and a second one then stops the worker."""
    writes_late = {"print": "asked", "ignores_sigterm": True, "sleep": 60}
    scene = scenes(claim=[writes_late, NO_JOB | {"sleep": 0.6}])
    other = scenes(claim=[writes_late, {"print": job("B"), "sleep": 0.6}])

    async def answer_late(scene: Any) -> None:
        await asyncio.to_thread(
            wait_until, lambda: scene.helper.commands.count("claim") == 2, 20, "the retry"
        )
        first = min((scene.place.directory / "calls").glob("*-claim"))
        with (first / "stdout").open("a") as file:
            file.write(json.dumps(job("A")))

    done = await asyncio.gather(scene.heartbeat(), other.heartbeat(), answer_late(scene), answer_late(other))
    assert done[:2] == [0, 3]
    assert scene.helper.arguments("complete")[0][0] == "A"
    assert "context" not in other.helper.commands
    assert other.place.memory().stopped == "multiple_primary_jobs"


async def test_fetch_failed_once_on_each_command(scenes: Scenes) -> None:
    """Touch, a pause, one retry of each: the heartbeat ends well."""
    commands = ["doctor", "claim", "context", "progress", "upload-files", "complete"]
    each, touch = scenes(first=dict.fromkeys(commands, FETCH_FAILED)), scenes(first={"touch": FETCH_FAILED})
    assert await asyncio.gather(each.heartbeat(), touch.heartbeat()) == [0, 0]
    for command in commands:
        first = each.helper.commands.index(command)
        again = ["touch", "context"] if command == "complete" else ["touch"]
        assert each.helper.commands[first : first + 2 + len(again)] == [command, *again, command]
    assert each.codes == ["fetch_failed"] * len(commands)
    assert touch.helper.commands[:4] == ["doctor", "touch", "touch", "touch"]


async def test_fetch_failed_twice(scenes: Scenes) -> None:
    """context and progress: the work goes on; both on one job: stuck; upload: stuck; complete: kept and stuck."""
    context = scenes(context=FETCH_FAILED)
    both, upload = scenes(context=FETCH_FAILED, progress=FETCH_FAILED), scenes(upload_files=FETCH_FAILED)
    complete, claim = scenes(complete=FETCH_FAILED), scenes(claim=FETCH_FAILED)
    doctor, touch = scenes(doctor=FETCH_FAILED), scenes(touch=FETCH_FAILED)
    cases = [context, both, upload, complete, claim, doctor, touch]
    assert await asyncio.gather(*(scene.heartbeat() for scene in cases)) == [0, 3, 3, 3, 3, 3, 3]
    assert [scene.ended_as for scene in cases[:4]] == ["completed", "stuck", "stuck", "stuck"]
    assert both.helper.commands == [
        "doctor",
        "touch",
        "claim",
        "context",
        "touch",
        "context",
        "progress",
        "touch",
        "progress",
    ]
    assert complete.helper.commands[-4:] == ["complete", "touch", "context", "complete"]
    (kept,) = complete.place.waiting(complete.place.outbox)
    assert json.loads(kept.read_text())["job"] == "A"
    for scene in (claim, doctor, touch):
        assert "context" not in scene.helper.commands


async def test_a_kept_completion_is_delivered_first(scenes: Scenes) -> None:
    """The next heartbeat completes it before it claims."""
    scene = scenes(
        complete=[FETCH_FAILED] * 2 + [{"print": {"ok": True, "status": "completed"}}],
        claim=[{"print": job()}, NO_JOB],
    )
    assert [await scene.heartbeat(), await scene.heartbeat()] == [3, 0]
    assert scene.helper.commands[-5:] == ["doctor", "touch", "context", "complete", "claim"]
    assert scene.place.waiting(scene.place.outbox) == []
    assert scene.ended_as == "completed"


async def test_answers_that_are_no_success(scenes: Scenes) -> None:
    """Exit 0 with ok false, a vanished job, and a completion that says completed while it failed."""
    refused = scenes(complete={"print": {"ok": False, "error": {"code": "denied"}}})
    two = scenes(complete={"print": {"ok": True, "status": "completed"}, "and": {"ok": False}})
    hidden = scenes(complete={"print": {"ok": False, "status": "completed"}})
    gone = scenes(
        progress=[
            {"print": {"ok": True}},
            {"print": {"ok": False, "error": {"code": "job_not_found"}}, "exit": 3},
        ]
    )
    cases = [refused, two, hidden, gone]
    assert await asyncio.gather(*(scene.heartbeat() for scene in cases)) == [3] * 4
    assert [scene.ended_as for scene in cases] == ["stuck", "stuck", "stuck", "job_gone"]
    assert hidden.place.memory().stopped == "hidden_failure"
    assert gone.codes == ["job_not_found"]
    assert "complete" not in gone.helper.commands
    assert list(gone.directory.rglob("work/index.html")), "the artifact's evidence is kept"


async def test_a_refused_claim_hands_out_no_job(scenes: Scenes) -> None:
    """A job that is named in a refusal belongs to somebody else: nothing of it is read, worked on or completed."""
    error = {"ok": False, "error": {"code": "job_taken", "message": "J9 is held by w2"}}
    refusals: list[Any] = [
        {"print": error | {"job": {"id": "J9"}}, "exit": 1},
        {"print": error | {"job": {"id": "J9"}}},
        {"print": error | {"job_id": "J9"}},
        {"print": {"ok": True, "job": {"id": "J9"}}, "exit": 1},
        {"print": error | {"job": {"id": "J9"}}, "and": NO_JOB["print"]},
    ]
    all_of_them = [scenes(claim=refusal) for refusal in refusals]
    for scene, ended in zip(all_of_them, [3, 3, 3, 3, 0], strict=True):
        assert await scene.heartbeat() == ended
        assert scene.helper.commands == ["doctor", "touch", "claim"]
        assert scene.reports("health")[-1]["status"] == ("ok" if ended == 0 else "no_claim")
        assert scene.reports("job-attempt") == []
    late = scenes(claim=[SILENT | {"on_sigterm": error | {"job": {"id": "J9"}}}])
    assert await late.heartbeat() == 3
    assert set(late.helper.commands) == {"doctor", "touch", "claim"}


async def test_two_jobs_in_one_claim_stop_the_worker(scenes: Scenes) -> None:
    """None is worked on; the next start claims nothing until a person resumes it."""
    scene = scenes(claim=[{"print": job("A"), "and": job("B")}, NO_JOB])
    assert await scene.heartbeat() == 3
    assert scene.helper.commands == ["doctor", "touch", "claim"]
    assert await scene.heartbeat() == 3
    assert scene.helper.commands.count("claim") == 1
    assert await scene.heartbeat(resumes=True) == 0


async def test_a_complete_that_is_refused_for_a_missing_kind(scenes: Scenes) -> None:
    """A report that is there and opens is added under its own name, once; nothing else is relabelled to be one."""
    missing = {
        "print": {
            "ok": False,
            "error": {"code": "contract_rejected", "details": {"missing_kinds": ["markdown"]}},
        },
        "exit": 3,
    }
    done = {"print": {"ok": True, "status": "completed"}}

    def with_report(**more: Any) -> Any:
        scene = scenes(work=f"printf '%s' '{PAGE}' > index.html; echo '# R' > report.md", **more)
        report = scene.site.put(
            f"/{scene.directory.name}/report.md", "# Report\n\nAll is well.", "text/markdown"
        )
        plan = json.loads((scene.helper.directory / "plan.json").read_text())
        plan["upload-files"][0]["print"]["artifacts"] += [{"name": "report.md", "url": report}]
        (scene.helper.directory / "plan.json").write_text(json.dumps(plan))
        declared = {
            "summary": "S",
            "artifacts": [{"kind": "html_page", "path": "index.html", "primary": True}],
        }
        scene.work += f"; printf '%s' '{json.dumps(declared)}' > artifacts.json"
        return scene

    once, twice = with_report(complete=[missing, done]), with_report(complete=missing)
    without = scenes(complete=[missing, done])
    assert await asyncio.gather(*(scene.heartbeat() for scene in (once, twice, without))) == [0, 3, 3]
    first, second = (json.loads(arguments[2]) for arguments in once.helper.arguments("complete"))
    assert [one["kind"] for one in first] == ["html_page"]
    assert [one["kind"] for one in second] == ["html_page", "markdown"]
    assert second[0] == first[0]
    assert twice.helper.commands.count("complete") == 2
    assert without.helper.commands.count("complete") == 1
    assert [scene.ended_as for scene in (once, twice, without)] == ["completed", "stuck", "stuck"]


async def test_a_primary_that_is_local_only(scenes: Scenes) -> None:
    """It is switched to its shared address; without one nothing is completed."""
    local = {"artifacts": [{"kind": "pls_file", "path": "index.html", "primary": True}]}
    work = f"printf '%s' '{PAGE}' > index.html; printf '%s' '{json.dumps(local)}' > artifacts.json"
    switched = scenes(work=work)
    blocked = scenes(work=work, upload_files={"print": {"ok": True, "artifacts": []}})
    assert await asyncio.gather(switched.heartbeat(), blocked.heartbeat()) == [0, 3]
    (entry,) = json.loads(switched.helper.arguments("complete")[0][2])
    assert (entry["kind"], entry["url"]) == ("shared_cloud", switched.page)
    assert "complete" not in blocked.helper.commands
    assert blocked.ended_as == "stuck"


async def test_a_missing_deliverable_id(scenes: Scenes) -> None:
    """The upload is skipped with its reason, and the shared store takes the files; without one it is blocked."""
    claim = {"print": job(deliverable_id=None)}
    shared = scenes(claim=claim)
    shared.config["publish_command"] = (
        f"""printf '{{"artifacts": [{{"name": "index.html", "url": "{shared.page}"}}]}}' #"""
    )
    blocked = scenes(claim=claim)
    assert await asyncio.gather(shared.heartbeat(), blocked.heartbeat()) == [0, 3]
    for scene in (shared, blocked):
        assert "upload-files" not in scene.helper.commands
        assert scene.codes == ["missing_deliverable_id"]
        skipped = next(
            event for event in scene.reports("helper-events") if event["command"] == "upload-files"
        )
        assert "no deliverable id" in skipped["output"]


async def test_leases(scenes: Scenes) -> None:
    """Near its end a lease gets progress heartbeats while the work goes on; one in the past must be renewed first."""
    near = scenes(work=f"sleep 1.2; printf '%s' '{PAGE}' > index.html", claim={"print": job(seconds=1.0)})
    past = scenes(claim={"print": job(seconds=-60)})
    dead = scenes(claim={"print": job(seconds=-60)}, progress=FETCH_FAILED)
    assert await asyncio.gather(*(scene.heartbeat() for scene in (near, past, dead))) == [0, 0, 3]
    assert near.helper.commands.count("progress") > 2
    assert "upload-files" not in dead.helper.commands


async def test_a_secret_in_the_output(scenes: Scenes) -> None:
    """It stops the worker at once, and stands in nothing that is kept for others; a lease token is none."""
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    leaking = scenes(context={"print": {"ok": True}, "stderr": f"auth {secret}"})
    token = scenes(claim={"print": job(lease_token="3.Zm9vYmFyYmF6cXV4cXV1eA")})
    assert await asyncio.gather(leaking.heartbeat(), token.heartbeat()) == [3, 0]
    assert leaking.helper.commands[-1] == "context"
    assert leaking.codes == ["secret_exposed"]
    for scene in (leaking, token):
        assert secret not in scene.everything_kept()
        assert "Zm9vYmFyYmF6" not in scene.everything_kept()


async def test_a_helper_leaves_nothing_behind(scenes: Scenes) -> None:
    """Children that moved to a session of their own are ended with the command, also where it ignores SIGTERM."""
    number = f"{time.time_ns() % 10**9 + 10**6}.5"
    scene = scenes(
        doctor={"print": {"ok": True}, "child": number},
        claim=SILENT | {"ignores_sigterm": True, "child": number},
    )
    assert await scene.heartbeat() == 3
    assert not living(number)


async def test_heartbeats_without_a_job(scenes: Scenes) -> None:
    """The third in a row writes one proposal; a helper that is only watched is never asked for a job."""
    scene = scenes(claim=NO_JOB)
    for _ in range(4):
        assert await scene.heartbeat() == 0
    assert len(scene.reports("proposals")) == len(list(scene.place.proposals.iterdir())) == 1
    watched = scenes(work=None)
    assert await watched.heartbeat() == 0
    assert watched.helper.commands == ["doctor", "touch"]
