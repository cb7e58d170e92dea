"""Deaths of agents, shims and supervisors: the job goes on or runs again, and no process of it is left."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from agents.living import living
from e2e.work_agent.desk import Desk
from waiting import wait_until
from watchkeeper.agents import scope
from watchkeeper.agents.session import Session
from watchkeeper.services.supervision.records import attempts_at

SURVIVORS = """
trap '' TERM
nohup sleep {nonce} >/dev/null 2>&1 &
setsid sleep {nonce} &
(setsid sh -c 'sleep {nonce} &' &)
env -i sh -c '(setsid sh -c "sleep {nonce} & sleep {nonce}" &)'
sh -c 'trap "" TERM; sleep {nonce}; sleep {nonce}' &
"""


def session_of(home: Path, job: str) -> Session:
    found = [records for records in attempts_at(home) if records.job_name == job]
    return Session.adopt(found[-1].session)


def test_nothing_is_left_after_success(desk: Desk, nonce: str) -> None:
    """A command that ends well takes all that it put into the background with it."""
    desk.worker()
    job = desk.put(
        f"{SURVIVORS.format(nonce=nonce)} while [ $(pgrep -fc {nonce}) -lt 6 ]; do :; done; exit 0"
    )
    desk.wait_for(job, "completed")
    assert not living(nonce)
    assert desk.workers[0].stop() == 0
    session = json.loads((session_of(desk.place / "home", job).directory / "session.json").read_text())
    assert session["scope"] is None or not Path(session["scope"]).exists()


def test_nothing_is_left_after_failure(desk: Desk, nonce: str) -> None:
    """Nor does a command that fails leave anything."""
    desk.kind("once", max_attempts=1)
    desk.worker()
    job = desk.put(f"{SURVIVORS.format(nonce=nonce)} exit 5", "once")
    desk.wait_for(job, "failed")
    assert not living(nonce)


def test_nothing_is_left_after_a_cancel(desk: Desk, nonce: str) -> None:
    """A cancelled job is ended on its machine before it counts as cancelled."""
    desk.kind("short", lease_seconds=2)
    desk.worker()
    job = desk.put(f"{SURVIVORS.format(nonce=nonce)} sleep {nonce}; sleep {nonce}", "short")
    wait_until(lambda: len(living(nonce)) >= 5, 15, "the agent's processes to run")
    desk.ask("POST", f"/api/jobs/{job}/cancel", {"reason": "enough"})
    desk.wait_for(job, "cancelled")
    assert not living(nonce)
    assert desk.attempts(job)[0]["outcome"] == "cancelled"


def test_a_killed_agent_runs_again_elsewhere(desk: Desk, nonce: str) -> None:
    """Killed from outside, an attempt counts as lost, and the job runs elsewhere at once."""
    desk.kind("safe", on_lost="requeue")
    desk.worker("home-a", slots=1)
    out = desk.place / "out"
    job = desk.put(f"echo $$ > {out}/pid-$WATCHKEEPER_ATTEMPT; sleep {nonce}", "safe")
    pid = int(desk.said("pid-1"))
    desk.worker("home-b", slots=1)
    wait_until(lambda: desk.workers[1].events("supervisor_started"), 10, "the second worker")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: (out / "pid-2").exists(), 10, "the job to run again")
    first = desk.attempts(job)[0]
    assert (first["outcome"], first["cause"]) == ("lost", "lease_lost")
    assert all(worker.stop() == 0 for worker in desk.workers)


def test_a_killed_shim_runs_again_and_leaves_nothing(desk: Desk, nonce: str) -> None:
    """Without its shim a session is swept by the supervisor, before the job is handed back."""
    desk.kind("safe", on_lost="requeue")
    desk.worker(slots=1)
    out = desk.place / "out"
    job = desk.put(
        f"echo hello > {out}/ran-$WATCHKEEPER_ATTEMPT; [ $WATCHKEEPER_ATTEMPT = 2 ] || sleep {nonce}", "safe"
    )
    desk.said("ran-1")
    session = session_of(desk.place / "home", job)
    # Before the shim has told of it, its death is that of a session that did not start.
    wait_until(lambda: session.agent is not None, 10, "the shim to tell that the agent runs")
    assert session.shim is not None
    os.kill(session.shim.pid, signal.SIGKILL)
    desk.wait_for(job, "completed")
    assert not living(nonce)
    assert [attempt["outcome"] for attempt in desk.attempts(job)] == ["lost", "completed"]


def test_a_restarted_supervisor_adopts_its_session(desk: Desk, nonce: str) -> None:
    """SIGKILL of `work` in mid-job costs nothing: the next one on the home takes the session over and finishes it."""
    out = desk.place / "out"
    first = desk.worker()
    job = desk.put(
        f"echo on > {out}/on; while [ ! -e {out}/go ]; do sleep 0.05; done; echo over > {out}/over"
    )
    desk.said("on")
    first.kill()
    second = desk.worker()
    wait_until(lambda: second.events("agent_session_adopted"), 10, "the session to be adopted")
    (out / "go").touch()
    desk.wait_for(job, "completed")
    assert desk.said("over") == "over"
    assert len(desk.attempts(job)) == 1
    assert [event["worker_id"] for event in second.events("supervisor_started")] == [
        event["worker_id"] for event in first.events("supervisor_started")
    ]


def test_what_a_dead_supervisor_left_is_reported_by_the_next(desk: Desk, nonce: str) -> None:
    """A session that ended while nobody watched is reported, with its results, by the next supervisor."""
    out = desk.place / "out"
    first = desk.worker()
    job = desk.put(
        f"{SURVIVORS.format(nonce=nonce)} echo on > {out}/on; while [ ! -e {out}/go ]; do sleep 0.05; done; exit 0"
    )
    desk.said("on")
    session = session_of(desk.place / "home", job)
    first.kill()
    (out / "go").touch()
    wait_until(lambda: session.swept() is not None, 15, "the session to be swept by its shim")
    assert not living(nonce)
    desk.worker()
    desk.wait_for(job, "completed")


def test_a_worker_of_another_project_leaves_what_is_not_its_own(desk: Desk) -> None:
    """Workers of several projects may share a home: none touches the sessions of another's, living or dead."""
    out = desk.place / "out"
    first = desk.worker()
    job = desk.put(f"echo on > {out}/on; while [ ! -e {out}/go ]; do sleep 0.05; done")
    desk.said("on")
    first.kill()
    desk.ask("POST", "/api/projects", {"project_id": f"{desk.project}-other"})
    stranger = desk.worker(token=desk.token(project=f"{desk.project}-other"))
    wait_until(lambda: stranger.events("supervisor_started"), 10, "the other project's worker")
    own = desk.worker()
    wait_until(lambda: own.events("agent_session_adopted"), 10, "the session to be adopted")
    assert not stranger.events("agent_session_adopted")
    (out / "go").touch()
    desk.wait_for(job, "completed")
    assert len(desk.job(job)["attempts"]) == 1


def test_without_a_restart_the_job_is_reaped_and_the_former_attempt_ended(desk: Desk, nonce: str) -> None:
    """After the lease another worker of the machine gets the job, and ends what is left before it begins."""
    desk.kind("short", on_lost="requeue", lease_seconds=2)
    out = desk.place / "out"
    first = desk.worker(slots=1)
    job = desk.put(
        f"if [ $WATCHKEEPER_ATTEMPT = 1 ]; then echo on > {out}/on; sleep {nonce}; fi; "
        f"pgrep -fc 'sleep {nonce[:5]}' > {out}/left; exit 0",
        "short",
    )
    desk.said("on")
    desk.worker(slots=1)
    wait_until(lambda: desk.workers[1].events("supervisor_started"), 10, "the second worker")
    first.kill()
    desk.wait_for(job, "completed", timeout=30)
    assert not living(nonce)
    assert [attempt["outcome"] for attempt in desk.attempts(job)] == ["lost", "completed"]
    ids = {worker.events("supervisor_started")[0]["worker_id"] for worker in desk.workers}
    assert len(ids) == 2


def test_a_stopped_supervisor_that_lost_its_lease_ends_its_agent(desk: Desk, nonce: str) -> None:
    """A supervisor that slept past its lease finds it lost when it wakes, and ends what it ran."""
    desk.kind("short", on_lost="requeue", lease_seconds=2)
    out = desk.place / "out"
    first = desk.worker("home-a", slots=1)
    job = desk.put(f"echo on > {out}/on; [ $WATCHKEEPER_ATTEMPT = 2 ] || sleep {nonce}", "short")
    desk.said("on")
    desk.worker("home-b", slots=1)
    first.process.send_signal(signal.SIGSTOP)
    desk.wait_for(job, "completed", timeout=30)
    assert living(nonce)
    first.process.send_signal(signal.SIGCONT)
    wait_until(lambda: not living(nonce), 15, "the lost attempt to be ended")
    wait_until(lambda: first.events("attempt_reported"), 10, "the attempt to be over")
    assert desk.job(job)["state"] == "completed"


def test_sigterm_hands_back_what_runs(desk: Desk, nonce: str) -> None:
    """A stopped worker ends its sessions after the grace, hands the jobs back, exits 0 and leaves nothing."""
    worker = desk.worker()
    out = desk.place / "out"
    job = desk.put(f"echo on > {out}/on; sleep {nonce}")
    desk.said("on")
    assert worker.stop() == 0
    assert desk.job(job)["state"] == "pending"
    assert desk.attempts(job)[0]["outcome"] == "released"
    assert not living(nonce)
    homes = [base / scope.home_hash(desk.place / "home") for base in scope.bases()]
    assert not any(home.exists() for home in homes), "an empty cgroup directory is left"


def test_sigterm_lets_a_short_rest_finish(desk: Desk) -> None:
    """What ends by itself within the grace is completed, not handed back."""
    worker = desk.worker(shutdown_grace_seconds=10)
    out = desk.place / "out"
    job = desk.put(f"echo on > {out}/on; while [ ! -e {out}/go ]; do sleep 0.05; done")
    desk.said("on")
    worker.process.send_signal(signal.SIGTERM)
    (out / "go").touch()
    assert worker.process.wait(15) == 0
    assert desk.job(job)["state"] == "completed"


def test_a_second_signal_does_not_wait_for_the_grace(desk: Desk, nonce: str) -> None:
    """Who asks twice gets the worker's end at once, with its jobs handed back all the same."""
    worker = desk.worker(shutdown_grace_seconds=300)
    out = desk.place / "out"
    job = desk.put(f"echo on > {out}/on; sleep {nonce}")
    desk.said("on")
    worker.process.send_signal(signal.SIGTERM)
    worker.process.send_signal(signal.SIGINT)
    assert worker.process.wait(15) == 0
    assert desk.job(job)["state"] == "pending"
    assert not living(nonce)
