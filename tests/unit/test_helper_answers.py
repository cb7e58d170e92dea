"""What a foreign helper's output means: where its JSON is, and which failure it tells of."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.helper_answers import HelperAnswers, HelperRun, Outcome
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.json_in_text import last_object, read_time, spans_of_objects

answers = HelperAnswers(HelperConfig())
texts_without_braces = st.text(st.characters(exclude_characters='{}[]"'), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def read(command: str, answer: Any, exit_code: int | None = 0, stderr: str = "", **more: Any) -> Any:
    stdout = answer if isinstance(answer, str) else json.dumps(answer)
    return answers.read(HelperRun(command, exit_code, stdout, stderr, **more))


@settings(max_examples=60, deadline=None)
@given(
    before=texts_without_braces,
    objects=st.lists(st.dictionaries(st.text(max_size=5), values, max_size=3), min_size=1, max_size=3),
    after=texts_without_braces,
)
def test_objects_are_found_wherever_they_stand(before: str, objects: list[Any], after: str) -> None:
    """Text before, between and behind the objects does not hide one; the last is given as it stands."""
    written = [json.dumps(one) for one in objects]
    text = before + "\nlog: ".join(written) + after
    assert [found for _, _, found in spans_of_objects(text)] == objects
    assert last_object(text) == (written[-1], objects[-1])


def test_a_text_full_of_braces_is_read_within_bounds() -> None:
    """What looks like JSON and is none costs no more than a moment, and hides nothing that is short."""
    assert last_object("{ not JSON {'a': 1} " + '{"ok": true}') == ('{"ok": true}', {"ok": True})
    assert last_object('{"a":' * 20_000) is None
    assert last_object('{"a": NaN}') is None
    assert last_object("[1, 2] 3 null") is None


@pytest.mark.parametrize(
    ("command", "answer", "exit_code", "outcome"),
    [
        ("touch", {"ok": True, "touched": True}, 0, Outcome.OK),
        ("touch", {"ok": True, "touched": False}, 0, Outcome.REFUSED),
        ("doctor", {"ok": True, "token_present": False}, 0, Outcome.REFUSED),
        ("context", {"ok": False}, 0, Outcome.REFUSED),
        ("context", {"ok": True}, 1, Outcome.REFUSED),
        ("context", {"job": {"id": "A"}}, 0, Outcome.REFUSED),
        ("context", "", 0, Outcome.NO_JSON),
        ("context", {"ok": False, "error": {"message": "TypeError: fetch failed"}}, 1, Outcome.FETCH_FAILED),
        ("context", {"ok": False, "error": {"code": "INTERNAL_ERROR"}}, 1, Outcome.FETCH_FAILED),
        ("context", {"ok": False, "error": {"status": 500}}, 1, Outcome.FETCH_FAILED),
        ("context", "500 Internal Server Error", 1, Outcome.FETCH_FAILED),
        ("context", {"ok": False, "error": {"code": "job_not_found"}}, 3, Outcome.NOT_FOUND),
        ("complete", {"ok": False, "error": "Job 7 not found"}, 1, Outcome.NOT_FOUND),
        ("complete", {"ok": False, "error": {"code": "stale_lease"}}, 3, Outcome.LEASE_LOST),
        ("complete", {"ok": False, "error": {"code": "queued"}}, 4, Outcome.QUEUED),
        ("complete", {"ok": False, "error": "primary is a pls_file"}, 1, Outcome.REJECTED),
        ("progress", {"ok": False, "error": "primary is a pls_file"}, 1, Outcome.REFUSED),
        ("claim", {"ok": True, "job": None, "note": "fetch failed before"}, 0, Outcome.OK),
    ],
)
def test_an_outcome_is_told_by_exit_code_and_answer_together(
    command: str, answer: Any, exit_code: int, outcome: Outcome
) -> None:
    """Neither an exit code of 0 nor `ok: true` alone is a success; what is not known is none."""
    assert read(command, answer, exit_code).outcome is outcome


def test_who_had_to_be_ended_is_not_called_done() -> None:
    """A claim that hangs after its JSON is a claim; a completion that does is looked up first."""
    claim = read("claim", {"ok": True, "job": {"id": "A"}}, None, was_ended=True)
    assert (claim.outcome, claim.jobs[0].id) == (Outcome.OK, "A")
    assert read("complete", {"ok": True, "status": "completed"}, None, was_ended=True).outcome is Outcome.HUNG
    assert read("claim", "still waiting", None, was_ended=True).outcome is Outcome.SILENT


def test_a_claim_names_every_job_that_it_printed() -> None:
    """Two objects with two jobs, or a list, are two jobs; the same job twice is one."""
    one, two = {"ok": True, "job": {"id": "A"}}, {"ok": True, "job": {"id": "B"}}
    assert [job.id for job in read("claim", f"{json.dumps(one)}\n{json.dumps(two)}").jobs] == ["A", "B"]
    assert [job.id for job in read("claim", f"{json.dumps(one)}\n{json.dumps(one)}").jobs] == ["A"]
    assert [job.id for job in read("claim", {"ok": True, "jobs": [{"id": 1}, {"id": 2}]}).jobs] == ["1", "2"]
    assert read("claim", {"ok": True, "job": None}).jobs == ()


@pytest.mark.parametrize(
    ("error", "kinds"),
    [
        ({"details": {"missing_kinds": ["dashboard", "nonsense"]}}, ("dashboard",)),
        ({"message": "missing required kind: html"}, ("html_page",)),
        ({"message": "missing artifact kind 'tool'"}, ("tool",)),
        (
            {"code": "contract_rejected", "details": {"failed": [
                {"check": "missing_kind", "detail": "the contract requires a report and there is none"}
            ]}},
            ("report",),
        ),
        ({"message": "the kind is unknown"}, ()),
    ],
)  # fmt: skip
def test_missing_kinds_are_read_from_a_refusal(error: Any, kinds: tuple[str, ...]) -> None:
    """As a list, in our own gate's words, or in a sentence; only kinds that there are."""
    assert read("complete", {"ok": False, "error": error}, 1).missing_kinds == kinds


def test_success_that_is_claimed_by_a_failure_is_seen() -> None:
    """`status: completed` with `ok: false`, or with an exit code other than 0, hides a failure."""
    hidden = {"ok": False, "status": "completed"}
    assert read("complete", hidden).claims_success
    assert read("complete", {"ok": True, "status": "completed"}, 1).claims_success
    assert not read("context", hidden).claims_success
    assert not read("complete", {"ok": False, "status": "completed", "error": {"status": 500}}).claims_success


def test_other_field_names_are_mapped_by_dotted_path() -> None:
    """A helper of other words is read by the config's fields; a wrong name is refused with the one meant."""
    config = HelperConfig(
        fields={"ok": "result.success", "job_id": "data.task.uuid", "lease_expires_at": "until"}
    )
    run = HelperRun(
        "claim", 0, '{"result": {"success": true}, "data": {"task": {"uuid": "T"}}, "until": 1779600000}'
    )
    reply = HelperAnswers(config).read(run)
    assert (reply.outcome, reply.jobs[0].id) == (Outcome.OK, "T")
    assert reply.jobs[0].lease_expires_at == datetime.fromtimestamp(1779600000, UTC)
    with pytest.raises(SettingError, match="job_id"):
        HelperConfig(fields={"jobid": "x"})


def test_times_are_read_in_the_forms_that_helpers_use() -> None:
    """ISO 8601 with or without a zone, seconds and milliseconds; anything else is no time."""
    moment = datetime(2026, 5, 24, 5, 20, tzinfo=UTC)
    for form in (
        "2026-05-24T05:20:00Z",
        "2026-05-24 05:20:00",
        moment.timestamp(),
        moment.timestamp() * 1000,
    ):
        assert read_time(form) == moment
    assert [read_time(form) for form in ("soon", True, None, 1e300)] == [None] * 4


def test_a_lease_token_is_not_kept_and_is_no_exposure() -> None:
    """It is taken out wherever it stands in an answer."""
    kept = answers.without_secrets(
        {"job": {"lease_token": "3.abc", "id": "A"}, "jobs": [{"lease_token": "x"}]}
    )
    assert "3.abc" not in json.dumps(kept)
    assert kept["job"]["id"] == "A"
