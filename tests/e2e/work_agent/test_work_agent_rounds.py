"""Gate rounds: a command whose results would not pass gets the failed checks back, and may mend them."""

from __future__ import annotations

import json

from agents.living import living
from e2e.work_agent.desk import PAGE, Desk
from waiting import wait_until
from watchkeeper.services.supervision.records import attempts_at

PAGE_WANTED = {"required_kinds": ["html_page"]}


def test_a_command_mends_what_the_gate_found(desk: Desk) -> None:
    """Run again in its own workspace with the failed checks, a command that mends them completes in one attempt."""
    desk.worker()
    out = desk.place / "out"
    job = desk.put(
        f"echo $WATCHKEEPER_GATE_ROUND >> {out}/rounds; "
        f'if [ -n "$WATCHKEEPER_GATE" ]; then cp "$WATCHKEEPER_GATE" {out}/gate; cat begun >> {out}/begun; '
        f"echo '{PAGE}' > page.html; else echo kept > begun; : > page.html; fi",
        contract=PAGE_WANTED,
    )
    done = desk.wait_for(job, "completed", "stuck", "failed")
    assert (done["state"], done["verified"], len(desk.attempts(job))) == ("completed", "artifact", 1)
    assert desk.said("rounds").split() == ["0", "1"]
    assert desk.said("begun") == "kept"
    told = json.loads((out / "gate").read_text())
    assert (told["round"], told["of"]) == (1, 3)
    assert {check["check"] for check in told["failed"]} == {"empty_body"}


def test_a_liar_is_asked_three_times_and_then_blocked(desk: Desk) -> None:
    """An agent that goes on saying "done" over an empty page is stuck after the last round, in one attempt."""
    worker = desk.worker()
    out = desk.place / "out"
    job = desk.put(f"echo $WATCHKEEPER_GATE_ROUND >> {out}/rounds; : > page.html", contract=PAGE_WANTED)
    stuck = desk.wait_for(job, "completed", "stuck", "failed")
    assert (stuck["state"], stuck["state_reason"]) == ("stuck", "gate_failed")
    assert len(desk.attempts(job)) == 1
    assert desk.said("rounds").split() == ["0", "1", "2", "3"]
    assert [event["round"] for event in worker.events("gate_round_started")] == [1, 2, 3]


def test_without_rounds_the_first_completion_decides(desk: Desk) -> None:
    """A worker that gives no rounds has the gate decide at once, as for any other caller."""
    worker = desk.worker(max_gate_rounds=0)
    job = desk.put(": > page.html", contract=PAGE_WANTED)
    assert desk.wait_for(job, "completed", "stuck", "failed")["state"] == "stuck"
    assert not worker.events("gate_round_started")


def test_results_that_cannot_be_taken_may_be_mended_too(desk: Desk) -> None:
    """A broken artifacts.json and a claim that names no known kind come back as failed checks."""
    desk.worker()
    page = f"echo '{PAGE}' > p.html; "
    job = desk.put(
        page + "case $WATCHKEEPER_GATE_ROUND in 0) echo '{' > artifacts.json;; "
        """1) echo '[{"kind":"webside","path":"p.html"}]' > artifacts.json;; """
        """2) grep -q webside gate.json && echo '[{"kind":"page","path":"p.html"}]' > artifacts.json;; esac""",
        contract=PAGE_WANTED,
    )
    assert desk.wait_for(job, "completed", "stuck", "failed")["verified"] == "artifact"


def test_the_hard_cap_is_of_all_turns_together(desk: Desk, nonce: str) -> None:
    """What the first turn took of the attempt's hard cap is not there for the next."""
    desk.kind("capped", hard_cap_minutes=0.04, max_attempts=1)
    desk.worker()
    job = desk.put(
        f': > page.html; [ "$WATCHKEEPER_GATE_ROUND" = 0 ] && sleep 1.5 && exit 0; sleep {nonce}',
        "capped",
        contract=PAGE_WANTED,
    )
    desk.wait_for(job, "failed", "stuck")
    error = desk.attempts(job)[0]["error"]
    assert "hard cap after 0 s" in error or "hard cap after 1 s" in error
    assert not living(nonce)


def test_a_link_in_the_place_of_the_failed_checks_is_not_followed(desk: Desk) -> None:
    """An agent cannot have the worker write elsewhere by leaving a link where gate.json will be."""
    worker = desk.worker(max_gate_rounds=1)
    out = desk.place / "out"
    (out / "other").write_text("untouched\n")
    job = desk.put(f"ln -sf {out}/other gate.json; : > page.html", contract=PAGE_WANTED)
    desk.wait_for(job, "stuck")
    assert desk.said("other") == "untouched"
    assert worker.events("gate_round_started")


def test_a_turn_is_adopted_by_the_next_supervisor(desk: Desk) -> None:
    """SIGKILL of `work` in a second turn: the next one takes the turn over, and counts the rounds on."""
    out = desk.place / "out"
    first = desk.worker(max_gate_rounds=2)
    job = desk.put(
        f"echo $WATCHKEEPER_GATE_ROUND >> {out}/rounds; : > page.html; [ $WATCHKEEPER_GATE_ROUND = 1 ] || exit 0; "
        f"echo on > {out}/on; while [ ! -e {out}/go ]; do sleep 0.05; done",
        contract=PAGE_WANTED,
    )
    desk.said("on")
    first.kill()
    second = desk.worker(max_gate_rounds=2)
    wait_until(lambda: second.events("agent_session_adopted"), 10, "the turn to be adopted")
    (out / "go").touch()
    desk.wait_for(job, "stuck")
    assert desk.said("rounds").split() == ["0", "1", "2"]
    assert len(desk.attempts(job)) == 1
    (records,) = attempts_at(desk.place / "home")
    assert [path.name for path in records.earlier_sessions] == ["session-1", "session-2"]
    assert (records.earlier_sessions[0] / "stdout").exists()


def test_a_stopped_worker_gives_no_further_turn(desk: Desk) -> None:
    """SIGTERM while a turn ends: results that would not pass are handed back for another worker, not blocked."""
    worker = desk.worker(shutdown_grace_seconds=0)
    out = desk.place / "out"
    job = desk.put(
        f"trap 'exit 0' TERM; : > page.html; echo on > {out}/on; while :; do sleep 0.05; done",
        contract=PAGE_WANTED,
    )
    desk.said("on")
    assert worker.stop() == 0
    assert desk.job(job)["state"] == "pending"
