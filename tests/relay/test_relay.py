"""Single commands of a helper through `relay`: the table's handling, and answers passed on as they are."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from e2e.running_up import SOURCE
from relay.conftest import Scenes
from relay.fake_helper import FETCH_FAILED, SILENT
from relay.scenes import Scene, job
from watchkeeper.domain.errors import UsageError
from watchkeeper.services.relay.relaying import Relayed, relay
from watchkeeper.services.relay.reports import ATTEMPTS, EVENTS, HEALTH, RUNS

NO_JOB = {"print": {"ok": True, "job": None}}


async def test_an_answer_is_passed_on_as_it_stands(scenes: Scenes) -> None:
    """The last JSON object, byte for byte, and the exit code; the text around it is only recorded."""
    odd = '{ "ok":true,  "touched":true }'
    scene = scenes(
        touch={"before": "hello", "print": '{"ok": false}', "and": odd, "exit": 0},
        doctor={"print": {"ok": False}, "exit": 7},
    )
    assert await scene.relay("touch") == await scene.relay("touch")
    done = await scene.relay("touch")
    assert (done.text, done.exit_code) == (odd, 0)
    assert (await scene.relay("doctor")).exit_code == 7
    assert "hello" in scene.reports("helper-events")[0]["output"]


async def test_a_command_of_which_the_contract_says_nothing_is_recorded_too(scenes: Scenes) -> None:
    """It runs once and is passed on; that it does not say `ok` is no failure, a secret in it is one."""
    scene = scenes(
        status=[
            {"print": {"queue": 3}},
            {"print": {"ok": False}},
            {"print": {"key": "ghp_" + "a1B2c3D4e5" * 4}},
        ]
    )
    assert (await scene.relay("status")).text == '{"queue": 3}'
    await scene.relay("status")
    await scene.relay("status")
    told = [(each["command"], each.get("error_code")) for each in scene.reports("helper-events")]
    assert told[0] == ("status", None)
    assert told[1][1] not in (None, "secret_exposed")
    assert told[2] == ("status", "secret_exposed")
    assert "a1B2c3D4e5" not in str(scene.reports("helper-events"))
    assert scene.place.memory().stopped == "secret_exposed"


async def test_retries_of_one_heartbeat_are_counted_over_its_commands(scenes: Scenes) -> None:
    """A second failure of the same command in the same heartbeat is passed on; doctor begins the next."""
    scene = scenes(progress=FETCH_FAILED, claim={"print": job()})
    await scene.relay("doctor")
    await scene.relay("claim")
    for _ in range(2):
        answer = await scene.relay("progress", "A", "on it", "build")
        assert json.loads(answer.text or "")["ok"] is False
        assert answer.exit_code == 1
    assert scene.helper.commands.count("progress") == 3


async def test_a_second_claim_is_refused(scenes: Scenes) -> None:
    """Before its first use a job is handed out again; after it a claim stops the worker, the helper is not asked."""
    scene = scenes(claim=[{"print": job("A")}, {"print": job("B")}])
    first, again = await scene.relay("claim"), await scene.relay("claim")
    assert first == again
    await scene.relay("context", "A")
    refused = await scene.relay("claim")
    assert json.loads(refused.text or "")["error"]["code"] == "multiple_primary_jobs"
    assert refused.exit_code == 3
    assert scene.helper.commands == ["claim", "context"]


async def test_a_job_that_is_given_up_is_held_no_more(scenes: Scenes) -> None:
    """After a good `fail` or `release` the helper is asked for the next job; a refused one leaves the job held."""
    jobs = [{"print": job("J1")}, {"print": job("J2")}]
    unused, used, refused = scenes(claim=jobs), scenes(claim=jobs), scenes(claim=jobs, fail={"print": {}})
    for command in ("doctor", "claim", "fail J1 cannot", "claim"):
        last = await unused.relay(*command.split())
    assert json.loads(last.text or "")["job"]["id"] == "J2"
    for command in ("doctor", "claim", "context J1", "release J1", "doctor", "claim"):
        last = await used.relay(*command.split())
    assert json.loads(last.text or "")["job"]["id"] == "J2"
    assert (unused.ended_as, used.ended_as) == ("failed", "released")
    told = next(each for each in used.reports("helper-events") if each["command"] == "release")
    assert (told["job_id"], told["exit_code"]) == ("J1", 0)
    for command in ("doctor", "claim", "fail J1", "claim"):
        last = await refused.relay(*command.split())
    assert (json.loads(last.text or "")["job"]["id"], refused.ended_as) == ("J1", None)
    for command in ("release J7", "claim"):
        last = await refused.relay(*command.split())
    assert json.loads(last.text or "")["job"]["id"] == "J1"


async def test_a_completion_is_checked_before_the_helper_is_asked(scenes: Scenes) -> None:
    """What does not open is blocked with its failed checks; what opens is completed."""
    scene = scenes()
    await scene.relay("claim")
    await scene.relay("upload-files", "A", "index.html")
    gone = json.dumps([{"kind": "html_page", "url": f"{scene.page}.gone", "files": ["x"], "primary": True}])
    blocked = await scene.relay("complete", "A", "done", gone)
    assert (json.loads(blocked.text or "")["error"]["code"], blocked.exit_code) == ("gate_failed", 3)
    assert "complete" not in scene.helper.commands
    local = json.dumps([{"kind": "html_page", "path": "index.html", "primary": True}])
    done = await scene.relay("complete", "A", "done", local)
    assert json.loads(done.text or "") == {"ok": True, "status": "completed"}
    assert json.loads(scene.helper.arguments("complete")[0][2])[0]["url"] == scene.page
    assert scene.ended_as == "completed"


async def test_silence_and_failures_are_told_apart(scenes: Scenes) -> None:
    """A claim without JSON is an error of ours with exit 4; a complete that fails twice is kept and delivered later."""
    silent = scenes(claim=SILENT)
    done = await silent.relay("claim")
    assert (json.loads(done.text or "")["error"]["code"], done.exit_code) == ("server_unreachable", 4)
    scene = scenes(
        complete=[FETCH_FAILED, FETCH_FAILED, {"print": {"ok": True, "status": "completed"}}], claim=NO_JOB
    )
    artifacts = json.dumps(
        [{"kind": "html_page", "url": scene.page, "files": ["index.html"], "primary": True}]
    )
    failed = await scene.relay("complete", "A", "done", artifacts)
    assert (failed.exit_code, scene.ended_as) == (1, "stuck")
    await scene.relay("claim")
    assert scene.helper.commands[-3:] == ["context", "complete", "claim"]
    assert scene.ended_as == "completed"


async def test_a_helper_that_cannot_be_started(scenes: Scenes) -> None:
    """The reason is told in words, and nothing is tried again; `supervise` says so before it begins."""
    scene, without_shell = scenes(), scenes()
    program = scene.helper.directory / "helper"
    program.chmod(0o644)
    for command in ("doctor", "claim", "status"):
        done = await scene.relay(command)
        error = json.loads(done.text or "")["error"]
        assert "cannot be started" in error["message"]
        assert "may not run" in error["message"]
        assert done.exit_code == 2
    assert scene.codes == ["not_started"] * 3
    with pytest.raises(UsageError, match="may not be executed"):
        await scene.heartbeat()
    program.unlink()
    with pytest.raises(UsageError, match="no such program"):
        await scene.heartbeat()
    lost = without_shell.helper.directory / "helper"
    lost.write_text("#!/nowhere/python\n")
    assert await without_shell.heartbeat() == 3
    assert without_shell.codes == ["not_started"]


async def test_why_a_completion_was_refused_is_told(scenes: Scenes) -> None:
    """A refusal that is not understood is told with the helper's own words, or its last line, without secrets."""
    secret = "ghp_" + "a1B2c3D4e5" * 4
    told = scenes(complete={"print": {"ok": False, "error": {"message": "the moon is full"}}, "exit": 1})
    last = scenes(complete={"print": {"ok": False}, "stderr": "no room left", "exit": 1})
    shown = scenes(doctor={"print": {"ok": False, "error": f"bad key {secret}"}})
    for scene, words in ((told, "the moon is full"), (last, "no room left")):
        assert await scene.heartbeat() == 3
        assert words in scene.reports("job-attempt")[-1]["error_message"]
    assert await shown.heartbeat() == 3
    assert secret not in shown.everything_kept()


async def test_the_command_line(scenes: Scenes) -> None:
    """`watchkeeper relay` prints the answer alone; a helper never sees our token."""
    scene = scenes()
    (scene.helper.directory / "env").write_text(
        '#!/bin/sh\nenv > "$(dirname "$0")/seen"; echo \'{"ok": true}\'\n'
    )
    (scene.helper.directory / "env").chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "WATCHKEEPER_HOME": str(scene.home)}
    environment |= {"WATCHKEEPER_URL": "http://127.0.0.1:1", "WATCHKEEPER_TOKEN": "wkw_x.not-for-helpers"}
    command = [
        "relay",
        "--helper",
        str(scene.helper.directory / "env"),
        "--",
        "touch",
        "--automation-id",
        "7",
    ]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "watchkeeper", *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ('{"ok": true}\n', 0), done.stderr
    assert "not-for-helpers" not in (scene.helper.directory / "seen").read_text()


async def asked(scene: Scene, requested: list[dict[str, Any]], *words: str) -> Relayed:
    """Run a command while our server's answers ask for something."""
    answer = {"ok": True, "requested": requested}
    for path in (EVENTS, RUNS, ATTEMPTS, HEALTH):
        scene.site.put(path, json.dumps({**answer, "recorded": [answer]}), "application/json")
    guard = replace(scene.guard, url=f"http://{scene.site.host}", token="wkw_x", report_seconds=30.0)
    return await relay(guard, words[0], words[1:])


async def test_what_repairs_ask_is_done_once_beside_the_command(
    scenes: Scenes, caplog: pytest.LogCaptureFixture
) -> None:
    """A touch, a renewal, the end of the hold: relay does it; the answer stays the agent's, the rest is told to it."""
    scene = scenes(release={"print": {"ok": True}})
    await scene.relay("claim")
    touch = {"repair": "r1", "action": "retouch", "job": None}
    renewal = {"repair": "r2", "action": "ask_renewal", "job": "019a", "external_id": "A"}
    for _ in range(2):
        done = await asked(scene, [touch, renewal], "context", "A")
        assert json.loads(done.text or "") == {"ok": True}
    before = ["claim", "context", "doctor", "touch", "progress", "context"]
    assert scene.helper.commands == before
    assert scene.helper.arguments("progress")[0][0] == "A"
    others = [
        {"repair": "r3", "action": "release", "external_id": "B"},
        {"repair": "r4", "action": "repair_contract", "external_id": "A"},
        {"repair": "r5", "action": "newer_than_this", "external_id": "A"},
    ]
    caplog.clear()
    await asked(scene, others, "context", "A")
    assert scene.helper.commands == [*before, "context"]
    told = [fact for fact in map(str, caplog.messages) if fact.startswith("repair_asks")]
    assert ("r3" in told[0], "r4" in told[1]) == (True, True)
    assert len(told) == 2
    reclaim = {"repair": "r6", "action": "reclaim", "external_id": "A"}
    await asked(scene, [reclaim], "context", "A")
    assert scene.helper.arguments("release") == [["A", "asked for by repair r6"]]
    assert scene.place.memory().job is None
