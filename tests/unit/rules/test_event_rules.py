"""What happened: commands, checks, ended attempts, told successes, heartbeats, each at its count and just below."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.rules.moments import BEGIN, LIMITS, after, fires
from watchkeeper.domain.facts import (
    AttemptFact,
    CheckFact,
    CommandFact,
    LostArtifactFact,
    Round,
    RunFact,
    SightFact,
    WorkerFact,
)
from watchkeeper.domain.heartbeat_checks import DEFAULT_CHECKS, CheckState, StepVerdict, judge_step, said_of
from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.rules.commands import COMMAND_RULES
from watchkeeper.domain.rules.evidence import (
    artifact_gate_failed,
    artifact_lost,
    artifact_missing,
    crash_loop,
    hidden_failure,
    secret_in_words,
)
from watchkeeper.domain.rules.judging import RuleOf, judge
from watchkeeper.domain.rules.sight import ingest_behind, seal_behind, ticks_missed, xmin_pinned
from watchkeeper.domain.rules.workers import WORKER_RULES, claim_loop_idle, several_jobs_held, silent_loop

JOB = UUID(int=1)
RUN = CommandFact("p", UUID(int=9), "claim", 5, BEGIN, worker_id="w", job_id=JOB)
TOLD = RunFact("p", "worker_run:1", "w", "complete", BEGIN, JOB, is_done=True)
WELL, ILL = StepVerdict(CheckState.PASS), StepVerdict(CheckState.FAIL)
LONG_AGO = after(-1e9)


def found(run: CommandFact, limits: Thresholds = LIMITS) -> list[str]:
    is_well = run.exit_code == 0 and run.error_code is None
    verdict = judge_step(DEFAULT_CHECKS, run.command, said_of(run.command, is_well, None))
    run = replace(run, verdict=verdict)
    return [finding.rule for finding in judge(COMMAND_RULES, [run], limits, BEGIN).findings]


def worked(*rounds: tuple[bool, bool, bool]) -> WorkerFact:
    """A well worker after rounds, each told as (had a job, it advanced, it is over)."""
    made = tuple(
        Round(UUID(int=n), after(n), UUID(int=n) if job else None, advanced, over)
        for n, (job, advanced, over) in enumerate(rounds)
    )
    return WorkerFact("p", "w", WELL, WELL, UUID(int=99), made)


EMPTY, GOOD, VAIN, IN_HAND = (
    (False, False, True),
    (True, True, True),
    (True, False, True),
    (True, False, False),
)


@pytest.mark.parametrize(
    ("command", "code", "rules"),
    [
        ("claim", "silent", ["claim_no_output"]),
        ("claim", "no_json", ["claim_no_output"]),
        ("context", "hung", ["fetch_failed"]),
        ("doctor", "server_unreachable", ["fetch_failed"]),
        ("complete", "rejected", ["complete_rejected"]),
        ("complete", "gate_failed", []),
        ("complete", "queued", []),
        ("complete", "stale_lease", []),
        ("progress", "not_found", ["job_not_found_after_claim"]),
        ("claim", "job_not_found", []),
        ("claim", "rate_limited", []),
        ("claim", "multiple_primary_jobs", ["multiple_primary_jobs"]),
        ("touch", None, ["touch_failed"]),
        ("doctor", "doctor_failed", ["doctor_failed"]),
        ("upload-files", "missing_deliverable_id", ["missing_deliverable_id"]),
    ],
)
def test_each_command_s_code_is_judged_by_its_own_rule(
    command: str, code: str | None, rules: list[str]
) -> None:
    """What is refused, queued or limited as it should be is no trouble of the watchdog's."""
    assert found(replace(RUN, command=command, error_code=code)) == rules


@pytest.mark.parametrize(("command", "rule"), [("doctor", "doctor_failed"), ("touch", "touch_failed")])
def test_a_check_that_says_no_failed_whatever_its_exit_code(command: str, rule: str) -> None:
    """Helpers of others may end with exit code 0 though their answer is no."""
    run = replace(RUN, command=command, exit_code=0)
    assert (found(run), found(replace(run, error_code="refused"))) == ([], [rule])


@pytest.mark.parametrize(
    "code", ["nope", "denied", "refused", "gate_failed", "conflict", "contract_rejected"]
)
def test_a_foreign_helper_refuses_a_completion_in_words_of_its_own(code: str) -> None:
    """Whatever it says, and with whatever exit code; our own server's words mean what they say, and its alone."""
    refused = replace(RUN, command="complete", exit_code=0, error_code=code, is_mirrored=True)
    (finding,) = judge(COMMAND_RULES, [refused], LIMITS, BEGIN).findings
    assert (finding.rule, finding.evidence["error_code"]) == ("complete_rejected", code)
    assert found(replace(refused, command="progress")) == []
    assert found(replace(refused, is_mirrored=False)) == (
        ["complete_rejected"] if code == "contract_rejected" else []
    )


@pytest.mark.parametrize(
    "code", [None, "queued", "fetch_failed", "hung", "stale_lease", "rate_limited", "secret_exposed"]
)
def test_a_completion_that_was_not_heard_was_not_refused(code: str | None) -> None:
    """The wire, a queue, a late word or another rule's trouble are no refusal."""
    run = replace(RUN, command="complete", error_code=code, is_mirrored=True)
    assert "complete_rejected" not in found(run)


def test_counts_of_a_document_are_obeyed() -> None:
    """One refusal is told by default; a policy may bear one, and then the second fires."""
    limits = replace(LIMITS, complete_rejections=2, jobs_not_found=2, missing_deliverable_ids=2)
    for command, code in (
        ("complete", "rejected"),
        ("context", "not_found"),
        ("upload-files", "missing_deliverable_id"),
    ):
        run = replace(RUN, command=command, error_code=code)
        assert (len(found(run)), found(run, limits)) == (1, [])
        assert len(found(replace(run, refusals=2), limits)) == 1
        assert len(found(replace(run, refusals=3), limits)) == 1


def test_what_our_own_server_refused_it_wrote_down_itself() -> None:
    """A second claim that we refused is one incident, not two."""
    assert found(replace(RUN, error_code="multiple_primary_jobs", is_own_word=True)) == []


def test_a_job_that_nobody_knows_here_is_no_job_that_vanished() -> None:
    """A wrong id in a command says nothing of a claim."""
    assert found(replace(RUN, command="context", error_code="not_found", job_id=None)) == []


def test_an_output_that_held_a_secret_names_its_kind_alone() -> None:
    """Beside whatever else the command came to."""
    run = replace(RUN, command="context", exit_code=0, secrets=("github_token",))
    (finding,) = judge(COMMAND_RULES, [run], LIMITS, BEGIN).findings
    assert (finding.rule, finding.evidence["secrets"]) == ("secret_exposed", ["github_token"])


def test_a_check_on_which_a_completion_hangs_fires() -> None:
    """One that was taken beforehand does not."""
    check = CheckFact("p", UUID(int=2), JOB, BEGIN, decides=True, failed=("no_file_list",))
    assert fires(artifact_gate_failed, check, BEGIN)
    assert not fires(artifact_gate_failed, replace(check, decides=False), BEGIN)


@given(alike=st.integers(1, 6), others=st.integers(0, 6))
def test_a_crash_loop_is_three_failures_alike(alike: int, others: int) -> None:
    """Whatever lies between them, and whatever numbers, ids and addresses their texts hold."""
    mine = [("agent_error", f"exit {n} at 0x{n:x} in {UUID(int=n)}") for n in range(alike)]
    strange = [("agent_error", f"other {'x' * n}") for n in range(1, others + 1)]
    attempt = AttemptFact("p", JOB, 7, "k", "w", BEGIN, *mine[-1], failures=(*mine, *strange))
    assert fires(crash_loop, attempt, BEGIN) == (alike >= LIMITS.crash_loop_failures)


def test_a_told_success_is_held_against_the_last_completion_and_the_evidence() -> None:
    """A failed completion hides a failure, an owed artifact is missing; a phase that is not the end is neither."""
    failed = replace(TOLD, failed_complete=UUID(int=5), owes_artifact=True)
    assert (fires(hidden_failure, failed, BEGIN), fires(artifact_missing, failed, BEGIN)) == (True, False)
    owing = replace(TOLD, owes_artifact=True)
    assert (fires(hidden_failure, owing, BEGIN), fires(artifact_missing, owing, BEGIN)) == (False, True)
    for rule in (hidden_failure, artifact_missing, secret_in_words):
        assert not fires(rule, TOLD, BEGIN)
        assert not fires(rule, replace(failed, is_done=False), BEGIN)
    assert fires(secret_in_words, replace(TOLD, secrets=("private_key",)), BEGIN)


def test_a_lost_file_fires_whatever_the_clock_says() -> None:
    """What has happened has happened, also before a clock that was set back."""
    lost = LostArtifactFact("p", UUID(int=3), JOB, BEGIN, "page.html")
    assert fires(artifact_lost, lost, LONG_AGO)


@pytest.mark.parametrize(
    ("rounds", "idle"),
    [
        ([EMPTY, EMPTY], False),
        ([EMPTY, EMPTY, EMPTY], True),
        ([GOOD, EMPTY, EMPTY, EMPTY], True),
        ([EMPTY, EMPTY, GOOD], False),
        ([EMPTY, EMPTY, IN_HAND, EMPTY, EMPTY], False),
    ],
)
def test_an_idle_loop_is_three_empty_rounds_in_a_row(
    rounds: list[tuple[bool, bool, bool]], idle: bool
) -> None:
    """The newest rounds count; one with a job breaks the row."""
    assert fires(claim_loop_idle, worked(*rounds), BEGIN) is idle


def test_an_idle_loop_that_was_settled_rests_until_the_backlog_changes() -> None:
    """An empty backlog, too, is settled once."""
    worker = worked(EMPTY, EMPTY, EMPTY)
    assert not fires(claim_loop_idle, replace(worker, told_backlog=""), BEGIN)
    assert fires(claim_loop_idle, replace(worker, told_backlog="", backlog="new"), BEGIN)
    (empty,) = judge([claim_loop_idle], [worker], LIMITS, BEGIN).findings
    (waits,) = judge([claim_loop_idle], [replace(worker, backlog="a")], LIMITS, BEGIN).findings
    assert (empty.cause, waits.cause) == ("backlog_empty", "backlog_waits")


@pytest.mark.parametrize(
    ("rounds", "silent"),
    [
        ([VAIN, VAIN], False),
        ([VAIN, VAIN, IN_HAND], False),
        ([VAIN, VAIN, VAIN], True),
        ([VAIN, EMPTY, VAIN, EMPTY, VAIN], True),
        ([VAIN, GOOD, VAIN, VAIN], False),
        ([EMPTY] * 9, False),
    ],
)
def test_a_silent_loop_is_three_jobs_that_came_to_nothing(
    rounds: list[tuple[bool, bool, bool]], silent: bool
) -> None:
    """Empty rounds do not count, the job in hand is given its time, an artifact begins the count anew."""
    assert fires(silent_loop, worked(*rounds), BEGIN) is silent
    for unwell in (ILL, StepVerdict(CheckState.UNKNOWN)):
        assert not fires(silent_loop, replace(worked(*rounds), doctor=unwell), BEGIN)
        assert not fires(silent_loop, replace(worked(*rounds), touch=unwell), BEGIN)


@pytest.mark.parametrize(
    ("told", "silent"),
    [("ss", False), ("sss", True), ("ssss", True), ("..ss", False), (".sss", True), ("aaa", False)],
)
def test_one_job_that_shows_nothing_for_three_heartbeats_is_a_silent_loop(told: str, silent: bool) -> None:
    """Heartbeats before it last showed something do not count, nor does one whose artifact was verified."""
    rounds = tuple(
        Round(UUID(int=n), after(n), JOB, each == "a", is_over=False, is_silent=each in "sa")
        for n, each in enumerate(told)
    )
    assert fires(silent_loop, WorkerFact("p", "w", WELL, WELL, UUID(int=99), rounds), BEGIN) is silent


def test_many_heartbeats_of_one_job_that_ended_are_one_vain_job() -> None:
    """A long job that failed at last is one job that came to nothing, not three."""
    rounds = tuple(Round(UUID(int=n), after(n), JOB) for n in range(5))
    assert not fires(silent_loop, WorkerFact("p", "w", WELL, WELL, UUID(int=99), rounds), BEGIN)


def test_checks_that_were_never_made_are_not_failures() -> None:
    """Nothing fires for a worker of which nothing is known."""
    assert not judge(WORKER_RULES, [WorkerFact("p", "w")], LIMITS, BEGIN).findings
    ill = WorkerFact("p", "w", doctor=ILL, touch=ILL)
    assert [each.rule for each in judge(WORKER_RULES, [ill], LIMITS, BEGIN).findings] == [
        "doctor_failed",
        "touch_failed",
    ]


def test_a_contract_worker_holds_one_job() -> None:
    """Two are one too many."""
    assert not fires(several_jobs_held, WorkerFact("p", "w", held=(JOB,)), BEGIN)
    assert fires(several_jobs_held, WorkerFact("p", "w", held=(JOB, UUID(int=2))), BEGIN)


@pytest.mark.parametrize(
    ("rule", "field", "limit"),
    [
        (ticks_missed, "missed_seconds", 45.0),
        (ingest_behind, "unread_seconds", 60.0),
        (xmin_pinned, "pinned_seconds", 600.0),
        (seal_behind, "unsealed_seconds", 60.0),
    ],
)
def test_the_watchdog_is_blind_past_each_limit(rule: RuleOf[SightFact], field: str, limit: float) -> None:
    """Before and at it, and where nothing of the sort is there, it sees."""
    assert not fires(rule, SightFact(), BEGIN)
    for seconds, blind in ((limit - 0.001, False), (limit, False), (limit + 0.001, True), (1e9, True)):
        assert fires(rule, replace(SightFact(), **{field: seconds}), BEGIN) is blind
