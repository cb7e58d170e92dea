"""Which incident explains which: people are told of causes, not of their symptoms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter
from uuid import UUID, uuid4

from watchkeeper.domain.causes import EXPLAINS, PROVEN, Subject, causes_of
from watchkeeper.domain.rules.names import RuleName

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
JOB = UUID(int=7)


def incident(rule: str, minutes: float = 0, project: str = "p", **about: object) -> Subject:
    return Subject(uuid4(), project, RuleName(rule), NOW + timedelta(minutes=minutes), **about)  # type: ignore[arg-type]


def test_no_rule_explains_itself_in_a_circle() -> None:
    """Each chain of symptoms ends at one cause, which people are told of."""
    graph: dict[RuleName, set[RuleName]] = {}
    for table in EXPLAINS.values():
        for cause, symptoms in table.items():
            for symptom in symptoms:
                graph.setdefault(symptom, set()).add(cause)
    assert tuple(TopologicalSorter(graph).static_order())


def test_a_lost_lease_explains_what_is_missing_of_the_same_job_alone() -> None:
    """The missing artifact of that job is a symptom; that of another job, or of another project's, is not."""
    lease = incident("lease_expired", job_id=JOB)
    mine = incident("artifact_missing", 5, job_id=JOB)
    other = incident("artifact_missing", 5, job_id=UUID(int=8))
    foreign = incident("artifact_missing", 5, project="q", job_id=JOB)
    assert causes_of([mine, other, foreign, lease]) == {mine.id: lease.id}


def test_a_missing_capability_explains_the_stuck_queue_of_its_kind() -> None:
    """Nobody can do the kind: that its queue is stuck is no second alarm; that of another kind is."""
    missing = incident("missing_worker_kind", kind="report")
    stuck, other = incident("queue_stuck", kind="report"), incident("queue_stuck", kind="audit")
    assert causes_of([stuck, other, missing]) == {stuck.id: missing.id}


def test_an_unreachable_server_explains_what_its_worker_cannot_do() -> None:
    """A failed fetch explains the failed touch of that worker, found before or after it."""
    touch = incident("touch_failed", -1, worker_id="w")
    fetch = incident("fetch_failed", 0, worker_id="w", job_id=JOB)
    late = incident("lease_expired", 9, job_id=JOB)
    elsewhere = incident("touch_failed", 0, worker_id="v")
    assert causes_of([touch, fetch, late, elsewhere]) == {touch.id: fetch.id, late.id: fetch.id}


def test_a_blind_watchdog_explains_all_that_rests_on_silence_in_every_project() -> None:
    """While it does not see, silence means nothing; what was seen (a secret, a second job) is told all the same."""
    blind = incident("watchdog_blind", project="system")
    others = [
        incident(rule, 1, job_id=JOB, worker_id="w", kind="k")
        for rule in RuleName
        if rule != "watchdog_blind"
    ]
    found = causes_of([blind, *others])
    for each in others:
        if each.rule in PROVEN:
            assert found.get(each.id) != blind.id
        else:
            assert found[each.id] == blind.id


def test_a_projects_own_word_of_blindness_silences_nobody() -> None:
    """Only the installation's own watchdog can be blind for everybody: a report of one project explains nothing."""
    claimed = incident("watchdog_blind", project="p")
    assert causes_of([claimed, incident("queue_stuck", kind="k")]) == {}


def test_of_two_causes_the_older_explains() -> None:
    """A symptom has one cause; it does not change as more are found."""
    first, second = incident("doctor_failed", worker_id="w"), incident("fetch_failed", 1, worker_id="w")
    touch = incident("touch_failed", 2, worker_id="w")
    assert causes_of([second, touch, first])[touch.id] == first.id
