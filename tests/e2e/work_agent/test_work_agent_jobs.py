"""What becomes of jobs that are commands: completed with evidence, blocked without it, failed, cancelled, timed out."""

from __future__ import annotations

import os
import subprocess
import sys

from e2e.work_agent.desk import PAGE, Desk
from waiting import wait_until

REPORT = {"required_kinds": ["html_page"]}


def test_a_command_with_a_real_page_completes(desk: Desk) -> None:
    """A job that leaves the page which its contract asks for, named in artifacts.json, is completed by evidence."""
    desk.worker()
    job = desk.put(
        f"echo '{PAGE}' > page.html; echo hello; "
        """echo '{"summary":"made it","artifacts":[{"kind":"html_page","path":"page.html"}]}' > artifacts.json""",
        contract=REPORT,
    )
    done = desk.wait_for(job, "completed", "stuck", "failed")
    assert (done["state"], done["verified"], done["summary"]) == ("completed", "artifact", "made it")


def test_files_that_are_only_left_are_found(desk: Desk) -> None:
    """Without artifacts.json the files in the workspace are handed in."""
    desk.worker()
    job = desk.put(f"mkdir site; echo '{PAGE}' > site/index.html", contract=REPORT)
    assert desk.wait_for(job, "completed", "stuck", "failed")["verified"] == "artifact"


def test_done_over_an_empty_page_is_blocked(desk: Desk) -> None:
    """Exit code 0 over an empty artifact is not believed: the job is stuck, with the failed check."""
    desk.worker()
    job = desk.put(": > page.html", contract=REPORT)
    stuck = desk.wait_for(job, "completed", "stuck", "failed")
    assert stuck["state"] == "stuck"


def test_a_command_without_a_contract_completes_unverified(desk: Desk) -> None:
    """Where nothing is asked for, exit code 0 is enough, and is said to be unverified, to people too."""
    desk.worker()
    job = desk.put("true")
    assert desk.wait_for(job, "completed")["verified"] == "none"
    assert "completed, unverified" in desk.command("jobs", "show", job)
    listed = desk.command("jobs", "list")
    assert "completed, unverified" in listed
    assert "NOT VERIFIED" in listed


def test_a_failure_is_told_with_its_last_words_and_without_secrets(desk: Desk) -> None:
    """Another exit code is the agent's error; the record holds the tail of stderr, tokens taken out."""
    desk.kind("once", max_attempts=1)
    desk.worker()
    job = desk.put('echo "the disk sang $WATCHKEEPER_TOKEN" >&2; exit 3', "once")
    desk.wait_for(job, "failed")
    attempt = desk.attempts(job)[0]
    assert attempt["cause"] == "agent_error"
    assert "exit code 3" in attempt["error"]
    assert "the disk sang [redacted" in attempt["error"]


def test_results_that_never_fit_the_contract_are_stuck_with_the_check(desk: Desk) -> None:
    """What the contract rejects to the last waits for a person, with the checks that failed in its reason."""
    desk.worker(max_gate_rounds=1)
    entries = '[{"kind":"data","path":"a.csv"},{"kind":"html_page","path":"a.html"}]'
    job = desk.put(
        f"echo a > a.csv; echo '{PAGE}' > a.html; echo '{entries}' > artifacts.json",
        contract={"required_kinds": ["html_page", "image"]},
    )
    stuck = desk.wait_for(job, "failed", "stuck", "completed")
    assert (stuck["state"], stuck["state_reason"]) == ("stuck", "contract_rejected")
    (attempt,) = desk.attempts(job)
    assert attempt["cause"] == "gate"
    assert "missing_kind" in attempt["error"]


def test_a_link_out_of_the_workspace_is_not_taken(desk: Desk) -> None:
    """artifacts.json cannot hand in a file from elsewhere; the reason names the file and the trick."""
    desk.kind("once", max_attempts=1)
    desk.worker()
    job = desk.put(
        """ln -s /etc/passwd p.html; echo '[{"kind":"html_page","path":"p.html"}]' > artifacts.json""",
        "once",
        contract=REPORT,
    )
    desk.wait_for(job, "failed")
    error = desk.attempts(job)[0]["error"]
    assert "p.html" in error
    assert "symbolic link" in error


def test_a_command_that_cannot_start_is_the_agents_error(desk: Desk) -> None:
    """A program that is not there, and a job without a command, fail with a clear reason."""
    desk.kind("once", max_attempts=1)
    desk.worker()
    missing = desk.put(None, "once", payload={"command": ["/no/such/program"]})
    nothing = desk.put(None, "once")
    desk.wait_for(missing, "failed")
    desk.wait_for(nothing, "failed")
    assert "/no/such/program" in desk.attempts(missing)[0]["error"]
    assert "payload.command is missing" in desk.attempts(nothing)[0]["error"]


def test_an_agent_may_end_its_job_itself(desk: Desk) -> None:
    """An agent that completes by the contract's own command is left to end in peace, and its word counts."""
    desk.kind("short", lease_seconds=2)
    desk.worker()
    job = desk.put(
        f"echo '{PAGE}' > a.html; watchkeeper upload-files $WATCHKEEPER_JOB_ID a.html && "
        "watchkeeper complete $WATCHKEEPER_JOB_ID 'by myself' '[]'; "
        f"sleep 1.5; echo calm > {desk.place}/out/after",
        "short",
        contract=REPORT,
    )
    assert desk.wait_for(job, "completed", "stuck", "failed")["summary"] == "by myself"
    assert desk.said("after") == "calm"
    wait_until(lambda: desk.workers[0].events("attempt_reported"), 10, "the attempt to be over")
    assert not desk.workers[0].events("attempt_interrupted")


def test_an_agent_that_fails_its_job_itself_is_believed(desk: Desk) -> None:
    """Exit code 0 after the contract's own `fail` changes nothing: the agent has said how it ended."""
    desk.kind("once", max_attempts=1)
    worker = desk.worker()
    job = desk.put('watchkeeper fail "$WATCHKEEPER_JOB_ID" "the source is gone"; exit 0', "once")
    desk.wait_for(job, "failed")
    assert "the source is gone" in desk.job(job)["attempts"][0]["error"]
    wait_until(lambda: worker.events("attempt_reported"), 10, "the attempt to be over")
    assert worker.events("attempt_reported")[0]["status"] in {"failed", "over"}


def test_a_job_that_does_not_move_is_ended_at_its_progress_deadline(desk: Desk) -> None:
    """Output is no progress; without a progress command or an artifact the attempt ends, with the reason."""
    desk.kind("slow", lease_seconds=2, progress_deadline_minutes=0.03, max_attempts=1)
    desk.worker()
    job = desk.put("while :; do echo busy; sleep 0.2; done", "slow")
    desk.wait_for(job, "failed")
    assert "no progress within 0.03 minutes" in desk.attempts(job)[0]["error"]


def test_a_job_that_moves_outlives_its_progress_deadline(desk: Desk) -> None:
    """The agent's own progress commands keep it going for longer than the deadline."""
    desk.kind("slow", lease_seconds=2, progress_deadline_minutes=0.04, max_attempts=1)
    desk.worker()
    step = 'watchkeeper progress "$WATCHKEEPER_JOB_ID" "step" build >/dev/null; sleep 0.8;'
    assert desk.wait_for(desk.put(step * 5, "slow"), "completed", "failed")["state"] == "completed"


def test_the_hard_cap_ends_a_command(desk: Desk) -> None:
    """An attempt is ended at its kind's hard cap, whatever it does."""
    desk.kind("capped", hard_cap_minutes=0.02, max_attempts=1)
    desk.worker()
    job = desk.put("sleep 300", "capped")
    desk.wait_for(job, "failed")
    assert "hard cap" in desk.attempts(job)[0]["error"]


def test_two_jobs_run_at_once_in_places_of_their_own(desk: Desk) -> None:
    """With two slots two jobs run side by side, each in a workspace of its own."""
    desk.worker(slots=2)
    out = desk.place / "out"
    script = (
        "pwd > {out}/{me}; for i in $(seq 100); do [ -s {out}/{other} ] && exit 0; sleep 0.1; done; exit 1"
    )
    first = desk.put(script.format(out=out, me="a", other="b"))
    second = desk.put(script.format(out=out, me="b", other="a"))
    desk.wait_for(first, "completed")
    desk.wait_for(second, "completed")
    assert desk.said("a") != desk.said("b")


def test_the_agent_holds_a_job_token_and_nothing_else(desk: Desk) -> None:
    """The agent's environment has a job token; the worker's own secrets, process and records are out of reach."""
    desk.worker()
    tries = (
        "env > {out}/env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n' > {out}/all; "
        "cat {home}/sessions/*/*/lease.json > {out}/leases 2>/dev/null; echo done > {out}/done"
    )
    job = desk.put(tries.format(out=desk.place / "out", home=desk.place / "home"))
    desk.wait_for(job, "completed")
    desk.said("done")
    out = desk.place / "out"
    assert "WATCHKEEPER_TOKEN=wkj_" in (out / "env").read_text()
    for name in ("env", "all", "leases"):
        text = (out / name).read_text(errors="replace")
        if os.geteuid() == 0:
            assert "not-for-agents-0815" not in text
            assert "wkw_" not in text
    assert "not-for-agents-0815" not in (out / "env").read_text()


def test_a_nearly_full_disk_takes_no_further_job(desk: Desk) -> None:
    """Where the disk is nearly full the worker claims nothing and says so."""
    worker = desk.worker(disk_full_percent=0.000001)
    job = desk.put("true")
    wait_until(lambda: worker.events("disk_nearly_full"), 10, "the worker to look at the disk")
    assert desk.job(job)["state"] == "pending"
    assert worker.stop() == 0


def test_the_command_line_runs_a_default_command(desk: Desk) -> None:
    """`watchkeeper work --agent command -- COMMAND` runs COMMAND for jobs that name none, and stops at SIGTERM."""
    token = desk.place / "token"
    token.write_text(desk.token())
    token.chmod(0o600)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WATCHKEEPER_")}
    home = desk.place / "home"
    command = [
        "work",
        "--agent",
        "command",
        "--token-file",
        str(token),
        "--",
        "sh",
        "-c",
        "cat payload.json > got.txt",
    ]
    with (desk.place / "work.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "watchkeeper", *command],
            env=kept | {"WATCHKEEPER_HOME": str(home), "WATCHKEEPER_URL": desk.url},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        job = desk.put(None, payload={"topic": "queues"})
        desk.wait_for(job, "completed")
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert [artifact["name"] for artifact in desk.job(job)["artifacts"]] == ["got.txt"]
