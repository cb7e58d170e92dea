"""Each row of the table of docs/helper.md, as decisions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from unit.heartbeat_stage import CLAIMED, DONE, OK, WIRE, B, Stage
from watchkeeper.domain.guarded_commands import GuardedCommands
from watchkeeper.domain.heartbeat_memory import Memory
from watchkeeper.domain.heartbeat_steps import (
    AddMissing,
    Answer,
    Asked,
    Check,
    Checked,
    Command,
    Ending,
    GoOn,
    KeepCompletion,
    LateAnswer,
    Lease,
    LeaseStanding,
    NextKept,
    Pause,
    Propose,
    Publish,
    Settle,
    SwitchToShared,
    Verdict,
    Why,
    Work,
    Worked,
)
from watchkeeper.domain.helper_answers import OF_THE_WIRE, Outcome, Reply
from watchkeeper.domain.rules.names import RuleName


def test_a_heartbeat_goes_from_doctor_to_complete() -> None:
    """With a healthy helper each command is run once, in the order of the contract."""
    stage = Stage()
    assert stage.heartbeat().verdict is Verdict.COMPLETED
    commands = ["doctor", "touch", "claim", "context", "progress", "progress", "upload-files", "complete"]
    assert stage.calls() == commands


def test_a_silent_claim_is_touched_and_tried_once_more() -> None:
    """The second silence tells the owner; there is no third try."""
    stage = Stage({Command.CLAIM: [Reply(Outcome.SILENT)]})
    assert stage.heartbeat().verdict is Verdict.COMPLETED
    assert stage.calls()[:5] == ["doctor", "touch", "claim", "touch (retouch)", "claim (retry)"]
    assert stage.did(Pause) == 0
    stage = Stage({Command.CLAIM: [Reply(Outcome.SILENT)] * 2})
    assert stage.heartbeat() == Ending(
        Verdict.NO_CLAIM, "claim failed twice: silent", RuleName.CLAIM_NO_OUTPUT
    )
    assert [tell.calls for tell in stage.told(RuleName.CLAIM_NO_OUTPUT)] == [False, True]


def test_a_late_answer_of_the_first_claim_is_the_job() -> None:
    """What the first claim printed after all counts, before or after the retry; a second job stops the worker."""
    for late in ([CLAIMED], [None, CLAIMED]):
        stage = Stage({Command.CLAIM: [Reply(Outcome.SILENT), OK], LateAnswer: list(late)})
        assert stage.heartbeat().verdict is Verdict.COMPLETED
        assert stage.calls().count("claim (retry)") == len(late) - 1
    other = Reply(Outcome.OK, jobs=(B,))
    stage = Stage({Command.CLAIM: [Reply(Outcome.SILENT), other], LateAnswer: [None, CLAIMED]})
    assert stage.heartbeat().rule is RuleName.MULTIPLE_PRIMARY_JOBS
    assert not stage.did(Work)
    assert stage.memory.stopped == "multiple_primary_jobs"


@pytest.mark.parametrize("command", [Command.CONTEXT, Command.PROGRESS])
@pytest.mark.parametrize("outcome", sorted(OF_THE_WIRE))
def test_context_and_progress_are_tried_once_more_and_then_the_work_goes_on(
    command: Command, outcome: Outcome
) -> None:
    """Touch, a pause, one retry; when that fails too the work goes on with what the claim said."""
    stage = Stage({command: [Reply(outcome)] * 2})
    assert stage.heartbeat().verdict is Verdict.COMPLETED
    assert (stage.did(Pause), stage.did(Work)) == (1, 1)
    assert stage.calls(Why.RETOUCH, Why.RETRY) == ["touch (retouch)", f"{command} (retry)"]


def test_the_second_failed_retry_on_one_job_makes_it_stuck() -> None:
    """Also where the two are of different commands, or of different heartbeats."""
    stage = Stage({Command.CONTEXT: [WIRE] * 2, Command.PROGRESS: [WIRE] * 2})
    assert stage.heartbeat().verdict is Verdict.STUCK
    assert not stage.did(Work)
    memory = Memory()
    for expected in (Verdict.COMPLETED, Verdict.STUCK):
        assert Stage({Command.CONTEXT: [WIRE] * 2}, memory).heartbeat().verdict is expected


def test_a_failed_complete_is_looked_up_before_it_is_repeated() -> None:
    """Already completed is success without a second complete; else once more; else kept, and the job is stuck."""
    stage = Stage({Command.COMPLETE: [WIRE], (Command.CONTEXT, Why.LOOK): [DONE]})
    assert stage.heartbeat().verdict is Verdict.COMPLETED
    assert stage.calls()[-3:] == ["complete", "touch (retouch)", "context (look)"]
    doubtful = Reply(Outcome.REFUSED, state="completed")
    stage = Stage({Command.COMPLETE: [WIRE], (Command.CONTEXT, Why.LOOK): [doubtful]})
    assert stage.heartbeat().verdict is Verdict.COMPLETED
    assert stage.calls()[-1] == "complete (retry)"
    stage = Stage({Command.COMPLETE: [WIRE] * 2})
    assert stage.heartbeat().verdict is Verdict.STUCK
    assert stage.did(KeepCompletion) == 1


def test_kept_completions_are_delivered_before_the_next_claim() -> None:
    """In order; while one cannot be delivered nothing is claimed, and a refused one is set aside for a person."""
    stage = Stage({NextKept: [2, 1, 0]})
    assert stage.heartbeat().verdict is Verdict.COMPLETED
    kept = ["context (kept)", "complete (kept)"] * 2
    assert stage.calls()[:7] == ["doctor", "touch", *kept, "claim"]
    stage = Stage({NextKept: [1], (Command.COMPLETE, Why.KEPT): [WIRE]})
    assert stage.heartbeat().verdict is Verdict.UNDELIVERED
    assert "claim" not in stage.calls()
    stage = Stage(
        {NextKept: [1, 0], (Command.COMPLETE, Why.KEPT): [Reply(Outcome.REFUSED, state="completed")]}
    )
    stage.heartbeat()
    assert (Settle(is_completed=False), None) in stage.steps


def test_a_missing_kind_is_added_only_where_an_artifact_has_it() -> None:
    """Then complete is repeated once; refused again, or with nothing to add, a person is told."""
    refused = Reply(Outcome.REJECTED, missing_kinds=("dashboard",))
    stage = Stage({Command.COMPLETE: [refused]})
    assert stage.heartbeat().verdict is Verdict.COMPLETED
    assert (AddMissing(("dashboard",)), True) in stage.steps
    for script in ({Command.COMPLETE: [refused] * 2}, {Command.COMPLETE: [refused], AddMissing: [False]}):
        stage = Stage(dict(script))
        assert stage.heartbeat().verdict is Verdict.REJECTED
        assert stage.told(RuleName.COMPLETE_REJECTED)[-1].calls
        assert stage.calls().count("complete (retry)") == (AddMissing not in script)


def test_a_local_primary_is_switched_to_its_shared_address_or_blocked() -> None:
    """Whether our own check or the helper finds it; it is tried once."""
    local = Checked(passed=False, is_local_only=True)
    assert Stage({Check: [local]}).heartbeat().verdict is Verdict.COMPLETED
    for script in ({Check: [local], SwitchToShared: [False]}, {Check: [local] * 2}):
        stage = Stage(dict(script))
        assert stage.heartbeat().verdict is Verdict.BLOCKED
        assert "complete" not in stage.calls()
    refused = Reply(Outcome.REJECTED, is_local_only=True)
    assert Stage({Command.COMPLETE: [refused]}).heartbeat().verdict is Verdict.COMPLETED
    assert Stage({Command.COMPLETE: [refused] * 2}).heartbeat().verdict is Verdict.BLOCKED


@pytest.mark.parametrize("command", [Command.CONTEXT, Command.PROGRESS, Command.UPLOAD, Command.COMPLETE])
def test_a_job_that_vanishes_ends_the_heartbeat_without_success(command: Command) -> None:
    """A critical alert, and no further command on it."""
    stage = Stage({command: [Reply(Outcome.NOT_FOUND)]})
    assert stage.heartbeat().verdict is Verdict.JOB_GONE
    assert stage.told(RuleName.JOB_NOT_FOUND_AFTER_CLAIM)[0].calls
    assert stage.calls()[-1] == command


def test_a_lease_near_its_end_gets_a_progress_heartbeat() -> None:
    """After the claim, during the work, before and during the upload, and before complete."""
    near, fine = LeaseStanding.NEAR, LeaseStanding.FINE
    stage = Stage({Lease: [near, near, near], Work: [near], GoOn: [near, Worked(is_done=True)]})
    stage.script[Command.UPLOAD] = [near]
    stage.script[GoOn] += [OK]
    assert stage.heartbeat().verdict is Verdict.COMPLETED
    assert stage.calls().count("progress (renewal)") == 6
    assert not Stage({Lease: [fine] * 3}).told(RuleName.LEASE_NEAR_EXPIRY)


def test_a_lease_in_the_past_is_worked_on_only_if_the_holder_renews_it() -> None:
    """The server's word counts, not two clocks that differ; without it the job is stuck."""
    past = LeaseStanding.PAST
    assert Stage({Lease: [past]}).heartbeat().verdict is Verdict.COMPLETED
    stage = Stage({Lease: [past], Command.PROGRESS: [WIRE] * 2})
    assert stage.heartbeat().verdict is Verdict.STUCK
    assert not stage.did(Work)


def test_an_upload_that_is_broken_off_makes_the_job_stuck() -> None:
    """One retry, as for every command."""
    assert Stage({Command.UPLOAD: [WIRE]}).heartbeat().verdict is Verdict.COMPLETED
    assert Stage({Command.UPLOAD: [WIRE] * 2}).heartbeat().verdict is Verdict.STUCK


def test_without_a_deliverable_id_the_shared_store_takes_the_files() -> None:
    """The upload is skipped with the reason, and the gap is told."""
    stage = Stage({Command.CLAIM: [Reply(Outcome.OK, jobs=(B,))]})
    assert stage.heartbeat().verdict is Verdict.COMPLETED
    assert "upload-files" not in stage.calls()
    assert (stage.did(Publish), len(stage.told(RuleName.MISSING_DELIVERABLE_ID))) == (1, 1)


def test_three_heartbeats_without_a_job_write_one_proposal() -> None:
    """And no second one while there is none."""
    memory = Memory()
    proposed = []
    for _ in range(5):
        stage = Stage({Command.CLAIM: [OK]}, memory)
        assert stage.heartbeat().verdict is Verdict.NO_JOB
        proposed.append(stage.did(Propose))
    assert proposed == [0, 0, 1, 0, 0]


def test_three_jobs_without_a_verified_artifact_stop_the_worker() -> None:
    """A verified one begins the count anew; a stopped worker claims nothing."""
    memory = Memory()
    failing = {Work: [Worked(is_done=False)]}
    verdicts = [
        Stage(dict(script), memory).heartbeat().verdict
        for script in [
            {Work: [Worked(is_done=False)]},
            {},
            *({Work: [Worked(is_done=False)]} for _ in range(3)),
        ]
    ]
    assert verdicts == ["work_failed", "completed", "work_failed", "work_failed", "stopped"]
    after = Stage(failing, memory)
    assert after.heartbeat().rule is RuleName.SILENT_LOOP
    assert "claim" not in after.calls()


@pytest.mark.parametrize("change", ["exposes_secret", "claims_success"])
def test_a_secret_or_a_hidden_failure_stops_the_worker_at_once(change: str) -> None:
    """Nothing more is run, and the heartbeat is no success."""
    bad = replace(Reply(Outcome.REFUSED, state="completed"), **{change: True})
    stage = Stage({Command.COMPLETE: [bad]})
    ending = stage.heartbeat()
    assert ending.verdict is Verdict.STOPPED
    assert stage.calls()[-1] == "complete"
    assert stage.memory.stopped == ending.rule


def test_an_unhealthy_worker_claims_nothing() -> None:
    """doctor is asked again once after a touch; a touch that fails on the wire is tried once more."""
    refused = Reply(Outcome.REFUSED)
    stage = Stage({Command.DOCTOR: [refused] * 2})
    assert stage.heartbeat().rule is RuleName.DOCTOR_FAILED
    assert stage.calls() == ["doctor", "touch (retouch)", "doctor (retry)"]
    assert Stage({Command.DOCTOR: [refused]}).heartbeat().verdict is Verdict.COMPLETED
    assert Stage({Command.TOUCH: [WIRE] * 3}).heartbeat().rule is RuleName.TOUCH_FAILED


def test_a_relayed_claim_beside_a_held_job_is_refused() -> None:
    """Nor may a second job be claimed in the heartbeat of the first, once that is completed."""
    for memory in (Memory(job="A"), Memory(has_claimed=True)):
        stage = Stage(memory=memory)
        assert stage.play(GuardedCommands(memory).claim()).rule is RuleName.MULTIPLE_PRIMARY_JOBS
        assert stage.calls() == []


def test_what_is_remembered_is_read_back() -> None:
    """A heartbeat's memory survives the process."""
    memory = Memory("A", True, {"claim"}, {"A": 1}, 2, 1, "silent_loop")
    assert Memory.from_json(memory.to_json()) == memory


def test_what_the_work_asks_for_goes_the_guarded_way() -> None:
    """A call of an agent is retried once as any other; a job that it gives up ends the heartbeat with no complete."""
    stage = Stage({Work: [Asked(Command.PROGRESS)], (Command.PROGRESS, Why.TURN): [OK, WIRE]})
    assert stage.heartbeat().verdict is Verdict.COMPLETED
    assert stage.calls()[5:9] == ["progress", "touch (retouch)", "progress (retry)", "progress"]
    stage = Stage({Work: [Asked(Command.FAIL)]})
    assert stage.heartbeat().verdict is Verdict.FAILED
    assert "complete" not in stage.calls()


def test_what_did_not_pass_is_mended_a_few_times() -> None:
    """Who still works may mend what did not pass, three times; who does not work any more cannot."""
    hollow = Checked(passed=False)
    mended = Stage({Check: [hollow, hollow, hollow], Answer: [True] * 9})
    assert mended.heartbeat().verdict is Verdict.COMPLETED
    assert Stage({Check: [hollow] * 9, Answer: [True] * 9}).heartbeat().verdict is Verdict.BLOCKED
    alone = Stage({Check: [hollow]})
    assert alone.heartbeat().verdict is Verdict.BLOCKED
    assert alone.did(Work) == 1
