"""Codex and Claude Code, the real ones, at work for a supervisor: from the claim to what became of the job."""

from __future__ import annotations

import pytest

from agents.real_agents import REAL
from e2e.work_agent.real_work import HAND_IN, WRITE_HOLLOW, WRITE_PAGE, RealWork
from stubmodel.script import Contract, Script

REPORTS = [Contract("context"), Contract("progress", {"message": "half of it"})]


@pytest.mark.parametrize("agent", REAL)
def test_work_is_handed_in_over_the_contracts_tools(real: RealWork, agent: str) -> None:
    """The agent reads its job, says that it moves, writes a page and completes: what it made was checked."""
    worker = real.command(agent, Script([*REPORTS, WRITE_PAGE, HAND_IN, "The page is there."]))
    done = real.over(real.put())
    assert (done["state"], done["verified"], len(done["attempts"])) == ("completed", "artifact", 1)
    assert worker.stop() == 0


@pytest.mark.parametrize("agent", REAL)
def test_a_claim_without_work_is_not_believed(real: RealWork, agent: str) -> None:
    """Done, all tests pass, it says over nothing: the gate sees no page, asks once more, and leaves it stuck."""
    real.worker(agent, Script(["Done! I made the page and all tests pass."], endless=True), max_gate_rounds=1)
    job = real.over(real.put())
    assert (job["state"], job["verified"]) != ("completed", "artifact")
    assert job["state"] in {"stuck", "failed"}


@pytest.mark.parametrize("agent", REAL)
def test_a_hollow_page_is_mended_in_a_round_of_the_gate(real: RealWork, agent: str) -> None:
    """An empty page comes back to the same conversation as failed checks; the agent fills it, and completes."""
    script = Script([WRITE_HOLLOW, "The page is there.", WRITE_PAGE, HAND_IN, "Now it is."])
    real.worker(agent, script)
    done = real.over(real.put())
    assert (done["state"], done["verified"], len(done["attempts"])) == ("completed", "artifact", 1)
