"""What becomes of jobs of the real agents whose model fails them: tried again, parked, begun anew, or a person's."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from agents.real_agents import REAL
from agents.real_play import nobody_listens
from e2e.work_agent.real_work import HAND_IN, WRITE_PAGE, RealWork, outputs_of
from stubmodel.script import Fault, Script, Shell
from stubmodel.server import StubModel
from waiting import wait_until

WORK = [WRITE_PAGE, HAND_IN, "The page is there."]
SILENCE = {"silence_warn_seconds": 1.0, "silence_act_seconds": 3.0}
TOO_LONG_FOR_CLAUDE = "prompt is too long: 250000 tokens > 200000 maximum"


def begun_again(worker: Any) -> list[tuple[str, bool]]:
    return [(event["failure"], event["fresh"]) for event in worker.events("session_begun_again")]


def test_a_model_that_fails_for_good_is_tried_again_three_times(real: RealWork) -> None:
    """HTTP 500 for ever: after three restarts of the job it is a person's, with its class; it does not run for ever."""
    worker = real.worker("codex", Script(WORK, Fault(status=500)))
    job = real.over(real.put())
    assert (job["state"], job["state_reason"]) == ("stuck", "agent_stalled")
    assert begun_again(worker) == [("F04", False)] * 3


@pytest.mark.parametrize(
    ("agent", "fault"),
    [
        ("claude", Fault(status=429, code="rate_limit_error", headers={"Retry-After": "0"})),
        ("codex", Fault(status=429, code="rate_limit_exceeded", headers={"Retry-After": "0"})),
        ("codex", Fault(status=401, code="invalid_api_key")),
    ],
    ids=["claude 429", "codex 429", "401"],
)
def test_where_no_restart_helps_the_job_waits(real: RealWork, agent: str, fault: Fault) -> None:
    """Refused for its rate or its login: nothing is begun again and again, and the agent is not blamed."""
    worker = real.worker(agent, Script(WORK, fault))
    put = real.put()
    wait_until(lambda: worker.events("attempt_reported"), 60, "the attempt's end")
    job = real.desk.job(put)
    cause = "infrastructure" if fault.status == 401 else "quota"
    assert (job["state"], job["attempts"][0]["cause"]) == ("pending", cause)
    assert begun_again(worker) == []


@pytest.mark.parametrize("agent", REAL)
def test_a_used_up_plan_parks_the_job_until_it_is_reset(real: RealWork, agent: str) -> None:
    """The moment that the provider names is when the job comes back; Codex tells it by the minute."""
    reset = (int(time.time()) + 7200) // 60 * 60
    fault = Fault(status=429, code="rate_limit_error", message=f"Usage limit reached|{reset}")
    if agent == "codex":
        fault = Fault(status=429, code="usage_limit_reached", more={"resets_at": reset, "plan_type": "pro"})
    worker = real.worker(agent, Script(WORK, fault))
    job = real.put()
    wait_until(lambda: worker.events("attempt_reported"), 60, "the attempt's end")
    parked = real.desk.job(job)
    assert (parked["state"], parked["attempts"][0]["cause"]) == ("pending", "quota")
    assert datetime.fromisoformat(parked["run_at"]).timestamp() >= reset


def test_a_conversation_that_is_too_long_is_begun_anew(real: RealWork) -> None:
    """A resumed thread would be too long again: a fresh one takes the work up, in the same attempt and workspace."""
    fault = Fault(status=400, code="invalid_request_error", message=TOO_LONG_FOR_CLAUDE, times=1)
    worker = real.worker("claude", Script(WORK, fault))
    done = real.over(real.put())
    assert (done["state"], done["verified"], len(done["attempts"])) == ("completed", "artifact", 1)
    assert begun_again(worker) == [("F04", True)]


@pytest.mark.parametrize("agent", REAL)
def test_a_cut_stream_is_the_agents_own_matter(real: RealWork, agent: str) -> None:
    """The agent asks again by itself; nobody interrupts it."""
    worker = real.worker(agent, Script(WORK, Fault(cut_after=3, times=1)))
    done = real.over(real.put())
    assert (done["state"], done["verified"]) == ("completed", "artifact")
    assert begun_again(worker) == []


@pytest.mark.parametrize(
    ("agent", "fault"),
    [
        ("codex", Fault(hang=True, times=1)),
        ("claude", Fault(drip=0.2, times=1)),
        ("codex", Fault(keepalive=0.2, times=1)),
    ],
    ids=["hang", "drip", "keepalive"],
)
def test_a_silent_turn_is_interrupted_and_resumed(real: RealWork, agent: str, fault: Fault) -> None:
    """No answer, a byte now and then, keepalives without content: to the job it is silence, and the thread goes on."""
    worker = real.worker(agent, Script(WORK, fault), session_limits=SILENCE)
    done = real.over(real.put())
    assert (done["state"], done["verified"], len(done["attempts"])) == ("completed", "artifact", 1)
    assert begun_again(worker) == [("F02", False)]


@pytest.mark.parametrize("agent", REAL)
def test_an_unreachable_model_is_waited_for(real: RealWork, agent: str) -> None:
    """A refused connection is nobody's failure: the job goes on when the model is there again."""
    address = nobody_listens()
    script = Script(WORK)
    worker = real.worker(
        agent,
        script,
        address=f"{address}/script-1",
        session_limits={"retries_act_seconds": 2.0},
        probe_seconds=1.0,
    )
    job = real.put()
    sign = "waiting for network" if agent == "codex" else "api_retry"
    wait_until(lambda: sign in outputs_of(real.desk), 60, "a refused connection")
    model = StubModel(urlsplit(address).port or 0)
    try:
        assert model.serve(script) == f"{address}/script-1"
        done = real.over(job)
    finally:
        model.close()
    assert (done["state"], done["verified"]) == ("completed", "artifact")
    assert {attempt["cause"] for attempt in done["attempts"]} <= {None, "quota"}
    assert begun_again(worker) == []


def test_a_loop_ends_with_a_person(real: RealWork) -> None:
    """The same call with the same result: interrupted and resumed, begun anew, and then nobody's to heal."""
    limits = {"same_call_warn": 2, "same_call_act": 4}
    worker = real.worker("codex", Script([Shell("cat /dev/null")], endless=True), session_limits=limits)
    job = real.over(real.put())
    assert (job["state"], job["state_reason"]) == ("stuck", "agent_stalled")
    assert begun_again(worker) == [("F15", False), ("F15", True), ("F15", True)]


def test_a_limit_on_tokens_ends_a_turn_that_would_not_end(real: RealWork) -> None:
    """Codex tells what a turn used at its end only; its transcript tells it before, and the job is stuck: `budget`."""
    real.desk.kind("bounded", tokens_limit=20_000)
    real.worker("codex", Script([Shell("date +%N >> loop; sleep 0.5; tail -1 loop")], endless=True))
    job = real.over(real.put(kind="bounded"))
    assert (job["state"], job["state_reason"]) == ("stuck", "budget")
