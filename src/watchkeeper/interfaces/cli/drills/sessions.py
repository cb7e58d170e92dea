"""Drills on agent sessions, under the real supervisor: one that goes silent, one that leaves what nobody can prove."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from watchkeeper.domain.rules.names import RuleName
from watchkeeper.interfaces.cli.drills.stage import Stage

KIND = "drill"
CONTRACT = {"required_kinds": ["html_page"], "primary": {"kinds": ["html_page"], "min_bytes": 1}}
IMPATIENT = {"silence_warn_seconds": 0.5, "silence_act_seconds": 1.5, "settle_seconds": 8.0}
"""A moment between the touch and the interruption, in which the watchdog finds the session stalled."""

STOP_SECONDS = 30.0
WAITS_FOR_THE_WORD = 'while [ ! -e "$0" ]; do sleep 0.1; done'


def stalled_session(stage: Stage) -> None:
    """An agent goes silent in mid-turn: found with its class, interrupted, resumed in its thread, and the job done."""
    stage.kind(KIND, contract=CONTRACT)
    job = stage.enqueue(KIND, payload={"prompt": "Make a page."})
    with _supervisor(stage, hangs_once=True, agent="codex", session_limits=IMPATIENT):
        incident = stage.incident(RuleName.SESSION_STALLED, job=job)
        stage.demand(incident["cause"] == "F02", "it is a silence in mid-turn", incident["cause"])
        repair = stage.repair(incident)
        stage.demand(
            repair["action"] == "interrupt_session", "its turn is to be interrupted", repair["action"]
        )
        session = stage.wait(lambda: _session(stage, job, turns=2), "the turn that was resumed")
        stage.show(
            "its thread was resumed", {name: session[name] for name in ("turns", "restarts", "thread_id")}
        )
        done = stage.wait(lambda: _in_state(stage, job, "completed"), "the job's completion")
        attempts = [row["outcome"] for row in done["attempts"]]
        stage.demand(attempts == ["completed"], "it was done in the same attempt", attempts)
        stage.wait(lambda: _over(stage, incident), "the end of the incident")
        stage.show("the incident ended by the session's own word", _over(stage, incident))


def orphaned_session(stage: Stage) -> None:
    """A session ends and a process with its marker lives on: proven, it is ended; else it is told, and left alone."""
    stage.kind(KIND)
    word = stage.scratch / "word"
    job = stage.enqueue(KIND, payload={"command": ["/bin/sh", "-c", WAITS_FOR_THE_WORD, str(word)]})
    with _supervisor(stage, hangs_once=False, agent="command", session_limits={}):
        marked = stage.wait(lambda: _marked(stage), "the session")
        stray = subprocess.Popen(["/bin/sleep", "600"], env={"WATCHKEEPER_SESSION": marked["marker"]})
        try:
            stage.show("a process with the session's marker lives beside it", {"pid": stray.pid})
            word.touch()
            session = stage.wait(lambda: _swept(stage, job), "the sweep after its end")
            if os.geteuid() == marked["uid"]:
                ended = stage.wait(stray.poll, "the end of the process")
                stage.show(
                    "what is proven by its marker and user is ended", {"pid": stray.pid, "returncode": ended}
                )
                stage.demand(session["left_processes"] == [], "nothing is left", {"left": 0})
            else:
                _is_told(stage, job, stray)
        finally:
            stray.kill()
            stray.wait()


def _is_told(stage: Stage, job: str, stray: subprocess.Popen[bytes]) -> None:
    """Show that a process that nobody could prove is told of and not touched, until it is gone."""
    incident = stage.incident(RuleName.SESSION_ORPHANED, job=job)
    pids = [process["pid"] for process in incident["evidence"]["processes"]]
    stage.demand(pids == [stray.pid], "the process is named", incident["evidence"]["processes"])
    stage.demand(
        stray.poll() is None, "it was not touched: nobody could prove whose it is", {"pid": stray.pid}
    )
    stray.kill()
    stray.wait()
    repair = stage.repair(incident)
    stage.demand(repair["action"] == "sweep_session", "another sweep is asked for", repair["action"])
    stage.wait(lambda: _over(stage, incident), "the end of the incident")
    stage.show("the incident ended when a sweep found nothing", _over(stage, incident))


@contextmanager
def _supervisor(stage: Stage, **orders: Any) -> Iterator[None]:
    """Run a supervisor in the drill's project until the block ends."""
    stage.scratch.chmod(0o711)  # its agents may run as a user of their own
    given = {
        "url": stage.url,
        "token": stage.token,
        "home": str(stage.scratch / "home"),
        "system_place": str(stage.scratch / "system"),
        "worker_id": "drill-host",
        "grace_seconds": 1.0,
        "shutdown_grace_seconds": 0.1,
        "wait_seconds": 1.0,
        **orders,
    }
    command = [sys.executable, "-m", "watchkeeper.interfaces.cli.drills.supervisor"]
    with (stage.scratch / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    if process.stdin is not None:
        with process.stdin:
            process.stdin.write(json.dumps(given).encode())
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _session(stage: Stage, job: str, *, turns: int = 1) -> dict[str, Any] | None:
    rows = stage.owner.get("/api/sessions", job=job)["sessions"]
    if not rows or rows[0]["turns"] < turns:
        return None
    found: dict[str, Any] = stage.owner.get(f"/api/sessions/{rows[0]['id']}")["session"]
    return found


def _swept(stage: Stage, job: str) -> dict[str, Any] | None:
    session = _session(stage, job, turns=0)
    return session if session is not None and session["left_processes"] is not None else None


def _in_state(stage: Stage, job: str, state: str) -> dict[str, Any] | None:
    found = stage.job(job)
    return found if found["state"] == state else None


def _over(stage: Stage, incident: dict[str, Any]) -> dict[str, Any] | None:
    whole = stage.owner.get(f"/api/watchdog/incidents/{incident['id']}")["incident"]
    return whole["pass_evidence"] if whole["state"] == "resolved" else None


def _marked(stage: Stage) -> dict[str, Any] | None:
    """Give what the supervisor wrote of the one session that it started: its marker, and whose processes it has."""
    for file in Path(stage.scratch, "home", "sessions").glob("*/*/session/session.json"):
        if (file.parent / "started.json").exists():
            known: dict[str, Any] = json.loads(file.read_text())
            return known
    return None
