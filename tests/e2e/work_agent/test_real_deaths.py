"""What becomes of jobs of the real agents when processes die under them, or their tools are away."""

from __future__ import annotations

import os
import signal

import pytest

from e2e.work_agent.real_work import HAND_IN, WRITE_PAGE, RealWork, agents_of, outputs_of, steps_files
from stubmodel.script import Script, Shell
from waiting import wait_until

# Cut off, the command is asked for again; then it finds what it has begun, and ends.
WAITS = Shell("echo began >> steps; test $(wc -l < steps) -gt 1 || tail -f /dev/null")
WAITS_FOR_GO = Shell("echo began >> steps; until test -e go; do timeout 0.2 tail -f /dev/null; done")
WORK = Script([WAITS, WRITE_PAGE, HAND_IN, "The page is there."])
CALLS = {"codex": '"item.started"', "claude": '"tool_use"'}


def until_it_waits(real: RealWork, agent: str) -> None:
    """Wait until the agent's command has begun, and the agent has said so."""
    wait_until(lambda: steps_files(real), 60, "the command")
    wait_until(lambda: CALLS[agent] in outputs_of(real.desk), 60, "the call")


def steps(real: RealWork) -> list[str]:
    (path,) = steps_files(real)
    return path.read_text().split()


@pytest.mark.parametrize(
    ("agent", "number"), [("codex", signal.SIGKILL), ("claude", signal.SIGKILL), ("claude", signal.SIGTERM)]
)
def test_an_agent_that_is_killed_goes_on_in_its_conversation(
    real: RealWork, agent: str, number: signal.Signals
) -> None:
    """Its thread is resumed in the same workspace: one attempt, one restart, and what it had begun is still there."""
    worker = real.worker(agent, WORK)
    job = real.put()
    until_it_waits(real, agent)
    os.kill(agents_of(real.desk)[0], number)
    done = real.over(job)
    assert (done["state"], done["verified"], len(done["attempts"])) == ("completed", "artifact", 1)
    assert steps(real)[0] == "began"
    assert [event["fresh"] for event in worker.events("session_begun_again")] == [False]


def test_two_supervisors_never_work_on_one_session(real: RealWork) -> None:
    """The supervisor is killed, and two others begin on its home at once: one of them adopts the agent that lives on,
    no second one is started, and the job is completed once."""
    first = real.worker("claude", Script([WAITS_FOR_GO, *WORK.steps[1:]]))
    job = real.put()
    until_it_waits(real, "claude")
    first.kill()
    again = [real.worker("claude", WORK) for _ in range(2)]
    adopted = wait_until(
        lambda: [event for one in again for event in one.events("agent_session_adopted")], 60, "adoption"
    )
    (path,) = steps_files(real)
    path.with_name("go").touch()
    done = real.over(job)
    assert (done["state"], done["verified"], len(done["attempts"])) == ("completed", "artifact", 1)
    assert len(adopted) == 1
    assert steps(real) == ["began"]
    assert len(agents_of(real.desk)) == 1


def test_without_the_contracts_tools_codex_does_not_work(real: RealWork) -> None:
    """They are required: no turn begins, and after three more tries the job is a person's."""
    worker = real.worker("codex", Script(["Done! The page is there."], endless=True), contract_tools="down")
    assert real.over(real.put())["state"] == "stuck"
    assert [event["failure"] for event in worker.events("session_begun_again")] == ["F05"] * 3


def test_without_the_contracts_tools_claude_completes_nothing(real: RealWork) -> None:
    """It works on without them; nothing that it claims then makes up for what it has not handed in."""
    script = Script(["Done! The page is there."], endless=True)
    real.worker("claude", script, contract_tools="down", max_gate_rounds=1)
    job = real.over(real.put())
    assert (job["state"], job["state_reason"]) == ("stuck", "gate_failed")
