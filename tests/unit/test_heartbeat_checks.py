"""How a recorded heartbeat is judged by a document's checks."""

from __future__ import annotations

from typing import Any

import pytest

from watchkeeper.domain.heartbeat_checks import DEFAULT_CHECKS, CheckState, judge

HEALTHY: dict[str, Any] = {
    "doctor": {"ok": True, "token_present": True, "touch": {"ok": True}},
    "touch": {"ok": True, "touched": True},
    "claim": {"ok": True, "job": {"id": "J1"}},
    "context": {"ok": True},
    "progress": {"status": "running"},
    "artifact": {"primary_artifact_url_http_status": 200},
    "complete": {"ok": True, "status": "completed"},
}


def states(heartbeat: dict[str, Any]) -> dict[str, str]:
    return {name: verdict.state.value for name, verdict in judge(DEFAULT_CHECKS, heartbeat).items()}


def test_a_heartbeat_that_did_all_it_owes_passes_every_check() -> None:
    """From doctor to complete, each step is judged by its own answer."""
    assert set(states(HEALTHY).values()) == {"pass"}


def test_without_a_job_the_later_steps_are_not_owed() -> None:
    """A worker that found nothing to do is healthy; nothing is asked of a job that is not there."""
    found = states(
        {**{name: HEALTHY[name] for name in ("doctor", "touch")}, "claim": {"ok": True, "job": None}}
    )
    assert found == {
        "doctor": "pass",
        "touch": "pass",
        "claim": "pass",
        "context": "not_required",
        "progress": "not_required",
        "artifact": "not_required",
        "complete": "not_required",
    }


@pytest.mark.parametrize("step", HEALTHY)
def test_a_step_that_was_not_recorded_is_never_a_pass(step: str) -> None:
    """No data is no pass, for the step itself and for what rests on it."""
    found = states({name: answer for name, answer in HEALTHY.items() if name != step})
    assert found[step] == "unknown"


def test_a_failed_step_fails_with_the_clause_that_failed() -> None:
    """The verdict names each clause and what it read, so that a person sees why."""
    heartbeat = {**HEALTHY, "doctor": {"ok": True, "token_present": False, "touch": {"ok": True}}}
    verdict = judge(DEFAULT_CHECKS, heartbeat)["doctor"]
    assert verdict.state is CheckState.FAIL
    assert [(clause.text, clause.truth.value) for clause in verdict.clauses] == [
        ("ok == true", "true"),
        ("token_present == true", "false"),
        ("touch.ok == true", "true"),
    ]


def test_the_word_of_a_heartbeat_counts_where_its_answers_were_not_recorded() -> None:
    """A platform that reports `doctor_ok` alone is judged by it; beside an answer the word counts for nothing."""
    assert states({"doctor_ok": False, "touch_ok": True})["doctor"] == "fail"
    assert states({"doctor_ok": False, "touch_ok": True})["touch"] == "pass"
    assert states({"doctor_ok": True, "doctor": {"ok": False}})["doctor"] == "fail"
    assert states({"doctor_ok": "yes"})["doctor"] == "unknown"
