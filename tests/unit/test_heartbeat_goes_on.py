"""Work of a heartbeat that is not done in it: handed back for a while, or gone on with after the program's death."""

from __future__ import annotations

from unit.heartbeat_stage import DONE, A, Stage
from watchkeeper.domain.heartbeat_memory import Memory
from watchkeeper.domain.heartbeat_steps import Command, Verdict, Work, Worked
from watchkeeper.domain.helper_answers import Outcome, Reply


def test_work_that_is_parked_hands_its_job_back() -> None:
    """By `release`, with the moment remembered until which nothing is claimed; it is nobody's failure."""
    memory = Memory(silent_heartbeats=2)
    stage = Stage({Work: [Worked(is_done=False, detail="the quota is used up", until=77.0)]}, memory)
    ending = stage.heartbeat()
    assert (ending.verdict, ending.detail) == (Verdict.RELEASED, "the quota is used up")
    assert stage.calls()[-1] == "release"
    assert (memory.parked_until, memory.silent_heartbeats, memory.job) == (77.0, 2, None)
    refused = {Work: [Worked(is_done=False, until=77.0)], Command.RELEASE: [Reply(Outcome.REFUSED)]}
    assert Stage(refused).heartbeat().verdict is Verdict.WORK_FAILED
    memory.resume()
    assert memory.parked_until == 0.0


def test_a_heartbeat_that_was_cut_off_goes_on_with_its_job() -> None:
    """It claims nothing; a job that was completed meanwhile is done, and one whose lease is lost is not worked on."""
    went_on, done, lost = (
        Stage(script, Memory("A", True, {"progress"}))
        for script in ({}, {Command.CONTEXT: [DONE]}, {Command.CONTEXT: [Reply(Outcome.LEASE_LOST)]})
    )
    assert went_on.heartbeat(held=A).verdict is Verdict.COMPLETED
    assert went_on.calls() == ["context", "progress", "progress", "upload-files", "complete"]
    assert done.heartbeat(held=A).verdict is Verdict.COMPLETED
    assert done.calls() == ["context"]
    assert lost.heartbeat(held=A).verdict is Verdict.LEASE_LOST
    assert went_on.memory.retried == {"progress"}, "it is one heartbeat: no command is retried twice"
