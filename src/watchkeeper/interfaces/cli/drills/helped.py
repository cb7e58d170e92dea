"""Drills with a foreign helper that misbehaves, under the real `supervise`."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from watchkeeper.domain.rules.names import RuleName
from watchkeeper.interfaces.cli.drills.stage import DrillFailed, Stage

WORKER, JOB = "guarded", "foreign-job"
LIMIT_SECONDS = 60
PAGE = "<!doctype html><title>Drill</title><h1>Drill</h1><p>This page is the evidence.</p>"
ROWS = "a,b\n1,2\n"
WORK = f"printf '%s' {shlex.quote(PAGE)} > index.html; printf '%s' {shlex.quote(ROWS)} > rows.csv"
PAGE_ALONE = {"summary": "S", "artifacts": [{"kind": "html_page", "path": "index.html", "primary": True}]}
FETCH_FAILED = {"print": {"ok": False, "error": {"message": "TypeError: fetch failed"}}, "exit": 1}
NOT_FOUND = {"print": {"ok": False, "error": {"code": "job_not_found", "message": "no such job"}}, "exit": 3}
CONFIG = "[helper]\nclaim_seconds = 3.0\nretry_pause_seconds = 0.1\nlinger_seconds = 0.2\n"

Plan = dict[str, list[dict[str, Any]]]


def _claimed(**more: Any) -> dict[str, Any]:
    ends = (datetime.now(UTC) + timedelta(minutes=15)).isoformat()
    job = {"id": JOB, "kind": "report", "payload": {}, "lease_expires_at": ends, **more}
    return {"print": {"ok": True, "job": job}}


def fetch_failed(stage: Stage) -> None:
    """Context and its retry cannot reach the helper's server: recorded, and the work goes on all the same."""
    done = _supervised(stage, {"claim": [_claimed()], "context": [FETCH_FAILED, FETCH_FAILED]})
    stage.demand(done["commands"].count("context") == 2, "context is retried once, no more", done["commands"])
    stage.demand("complete" in done["commands"], "the work went on", done["commands"])
    stage.incident(RuleName.FETCH_FAILED)


def claim_without_output(stage: Stage) -> None:
    """Claim prints no JSON: its processes are ended, the worker touched, the claim tried once more, then it is told."""
    done = _supervised(stage, {"claim": [{"sleep": 30}]})
    order = ["doctor", "touch", "claim", "touch", "claim"]
    stage.demand(done["commands"] == order, "touch, and one retry", done["commands"])
    stage.incident(RuleName.CLAIM_NO_OUTPUT)


def job_not_found(stage: Stage) -> None:
    """The job is gone when it is to be completed: no success is claimed, the evidence is kept, it is critical."""
    done = _supervised(stage, {"claim": [_claimed()], "complete": [NOT_FOUND]})
    stage.demand(done["exit_code"] != 0, "no success is claimed", {"exit_code": done["exit_code"]})
    incident = stage.incident(RuleName.JOB_NOT_FOUND_AFTER_CLAIM)
    stage.demand(incident["severity"] == "critical", "it is critical", incident["severity"])
    checks = [row for row in stage.timeline(JOB) if "passed" in str(row)]
    stage.show("the artifact's evidence is preserved", checks)


def missing_deliverable_id(stage: Stage) -> None:
    """There is no deliverable to upload to: skipped with the reason, published to the shared store, written down."""
    done = _supervised(stage, {"claim": [_claimed()]})
    stage.demand("upload-files" not in done["commands"], "upload-files is skipped", done["commands"])
    stage.demand(done["exit_code"] == 0, "the job completes with the shared address", done["completed"])
    stage.incident(RuleName.MISSING_DELIVERABLE_ID)
    notes = stage.wait(lambda: stage.owner.get("/api/proposals")["proposals"] or None, "a decision record")
    stage.show("a decision record notes the gap", [row["decision"] for row in notes])


def missing_kind(stage: Stage) -> None:
    """Complete is refused for a missing kind: added where an artifact is of it, retried once, then told."""
    refused = {
        "print": {
            "ok": False,
            "error": {"code": "contract_rejected", "details": {"missing_kinds": ["data"]}},
        },
        "exit": 3,
    }
    forgetful = f"{WORK}; printf '%s' {shlex.quote(json.dumps(PAGE_ALONE))} > artifacts.json"
    plan = {"claim": [_claimed(deliverable_id="d1")], "complete": [refused, refused]}
    done = _supervised(stage, plan, forgetful)
    stage.demand(done["commands"].count("complete") == 2, "complete is retried once", done["commands"])
    stage.demand("data" in done["completed"][1][-1], "the missing kind was added", done["completed"][1][-1])
    stage.demand(done["exit_code"] != 0, "no success is claimed", {"exit_code": done["exit_code"]})
    stage.incident(RuleName.COMPLETE_REJECTED)


def _supervised(stage: Stage, plan: Plan, work: str = WORK) -> dict[str, Any]:
    """Run one heartbeat of a scripted helper under `supervise`; give what it ran and how it ended."""
    with _site(stage.scratch) as address:
        files = {"index.html": PAGE, "rows.csv": ROWS}
        for name, text in files.items():
            (stage.scratch / "site" / name).write_text(text, encoding="utf-8")
        artifacts = [{"name": name, "url": f"{address}/{name}"} for name in files]
        uploaded = {"ok": True, "artifacts": artifacts}
        (stage.scratch / "plan.json").write_text(json.dumps({"upload-files": [{"print": uploaded}], **plan}))
        helper = shlex.join([sys.executable, "-m", "watchkeeper.example.helper", str(stage.scratch)])
        config = stage.scratch / "helper.toml"
        config.write_text(f"{CONFIG}publish_command = {json.dumps(f'{helper} publish')}\n", encoding="utf-8")
        done = _run(
            ["--helper", helper, "--work", work, "--once", "--config", str(config)],
            _surroundings(stage, address),
        )
    calls = stage.scratch / "calls.jsonl"
    if not calls.exists():
        raise DrillFailed(f"supervise ran no command of its helper: {done.stderr[-500:]}")
    ran = [json.loads(line) for line in calls.read_text(encoding="utf-8").splitlines()]
    return {
        "exit_code": done.returncode,
        "commands": [call["command"] for call in ran],
        "completed": [call["arguments"] for call in ran if call["command"] == "complete"],
    }


def _run(options: list[str], surroundings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "watchkeeper", "supervise", *options]
    try:
        return subprocess.run(
            command, env=surroundings, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DrillFailed(f"supervise did not end within {LIMIT_SECONDS} s") from error


def _surroundings(stage: Stage, address: str) -> dict[str, str]:
    own = {name: text for name, text in os.environ.items() if not name.startswith("WATCHKEEPER_")}
    home = stage.scratch / "home"
    return {
        **own,
        "WATCHKEEPER_HOME": str(home),
        "WATCHKEEPER_URL": stage.url,
        "WATCHKEEPER_TOKEN": stage.token,
        "WATCHKEEPER_WORKER_ID": WORKER,
        "WATCHKEEPER_FETCH_ALLOW": address.removeprefix("http://"),
    }


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: the drill's own evidence is what a person reads."""


@contextmanager
def _site(scratch: Path) -> Iterator[str]:
    """Serve a folder on loopback as the shared store, and give its address."""
    folder = scratch / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    (scratch / "address").write_text(address, encoding="utf-8")
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
