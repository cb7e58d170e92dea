"""What a config document may say, how its errors are told, and that no text does harm."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.documents import read_file, read_text
from watchkeeper.domain.config_document import Document, read_document
from watchkeeper.domain.placed import DocumentRefused
from watchkeeper.domain.policies import Contact, Policy, PolicyMode
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.settings import FIELDS

EXAMPLES = Path(__file__).parents[2] / "examples"
REFUSED = tomllib.loads((Path(__file__).parent / "config_errors.toml").read_text(encoding="utf-8"))["refused"]
DOCUMENTS = sorted(EXAMPLES.glob("*.yaml")) + sorted(EXAMPLES.glob("*.toml"))


def load(text: str, name: str = "it.yaml") -> Document:
    return read_document(read_text(text.encode(errors="surrogatepass"), name), name, FIELDS)


def refusal_or_document(text: str, name: str) -> Document | DocumentRefused:
    try:
        return load(text, name)
    except DocumentRefused as refused:
        return refused


def errors(text: str, name: str = "it.yaml") -> list[str]:
    with pytest.raises(DocumentRefused) as refused:
        load(text, name)
    found: list[str] = refused.value.details["failed"]
    return found


def test_yaml_and_toml_say_the_same() -> None:
    """The shipped example gives one policy, with one digest, in either form."""
    yaml, toml = (
        read_document(read_file(EXAMPLES / f"watchkeeper.{end}"), end, FIELDS) for end in ("yaml", "toml")
    )
    assert yaml.policy == toml.policy
    assert (yaml.kinds, yaml.channels, yaml.helper) == (toml.kinds, toml.channels, toml.helper)
    assert (yaml.retention, yaml.shared_daemons) == (toml.retention, toml.shared_daemons)
    assert {*yaml.places} == {*toml.places}


def test_the_example_means_what_it_says() -> None:
    """Each section of it reaches the policy."""
    document = read_document(read_file(EXAMPLES / "watchkeeper.yaml"), "it", FIELDS)
    policy = document.policy
    assert policy.thresholds.queue_stuck_seconds == 900
    assert policy.rules[RuleName.CLAIM_LOOP_IDLE].mode is PolicyMode.OBSERVE
    assert policy.contact("night_shift") == Contact("bo", ("ops",))
    assert [(one.project_id, one.kind.name) for one in document.kinds] == [("site", "build_page")]
    assert document.retention == {"job_retention_days": 60, "output_retention_days": 35}
    assert document.helper is not None
    assert document.helper.paths("lease_expires_at") == ("job.lease.ends_at",)
    assert policy.queue_stuck_alert == ("console",)
    assert document.shared_daemons == ("/usr/bin/dockerd",)


def test_an_empty_document_changes_nothing() -> None:
    """Without a word the defaults hold, under a digest of its own."""
    empty = load("").policy
    assert Policy(version=empty.version, digest=empty.digest) == empty


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["told"].split(": ")[1])
def test_an_error_is_told_with_its_place_and_what_was_meant(case: dict[str, str]) -> None:
    """A person finds line, column, key, what was found and what to write."""
    assert errors(case["document"]) == [" ".join(case["told"].split())]


def test_a_toml_document_has_the_same_places() -> None:
    """Keys in headers, dotted and inline are found where they stand."""
    text = (
        '[thresholds]\nqueue_stuck_seconds = "10 min"\n[rules]\nx = {mode = "auto"}\n'
        '[checks.doctor]\npass = "ok == f()"\n'
    )
    found = errors(text, "it.toml")
    assert [told.split(": ")[0] for told in found] == [
        "line 2, column 23",
        "line 4, column 1",
        "line 6, column 15",
    ]
    assert "write 600" in found[0]


def test_all_errors_are_told_at_once() -> None:
    """Nobody mends a document error by error; they come in the order of the text."""
    found = errors("ownr: ana\npolicy: {reclaim: maybe}\nrules: {lease_expird: auto}\nkinds: []\n")
    assert [told.split(",")[0] for told in found] == ["line 1", "line 2", "line 3", "line 4"]


def test_a_secret_in_a_wrong_value_is_not_told() -> None:
    """What looks like a token is taken out of the message."""
    token = "ghp_" + "a1B2" * 10
    assert not any(token in told for told in errors(f"policy: {{reclaim: {token}}}"))


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5000), st.floats(), st.text(max_size=12)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
LETTERS = "abz019:-'\"[]{}#&*!|>%@`, \n\t\\.ä\0"
mutations = st.one_of(
    st.tuples(
        st.just("insert"),
        st.integers(0, 3000),
        st.text(alphabet="abz019:-'\"[]{}#&*!|>%@`, \n\t\\.ä\0", max_size=6),
    ),
    st.tuples(st.just("cut"), st.integers(0, 3000), st.integers(1, 40)),
    st.tuples(st.just("line"), st.integers(0, 100), st.integers(0, 100)),
)


def mutated(text: str, change: tuple[str, int, Any]) -> str:
    what, at, more = change
    if what == "insert":
        return text[:at] + more + text[at:]
    if what == "cut":
        return text[:at] + text[at + more :]
    lines = text.splitlines(keepends=True)
    line = lines.pop(at % len(lines))
    lines.insert(more % (len(lines) + 1), line)
    return "".join(lines)


@settings(deadline=None)
@given(st.sampled_from(DOCUMENTS), st.lists(mutations, min_size=1, max_size=4))
def test_a_changed_document_is_read_as_it_says_or_refused_with_a_place(
    file: Path, changes: list[tuple[str, int, Any]]
) -> None:
    """Whatever an editor leaves behind, it is refused inside of its text, or means what its values say."""
    text = file.read_text(encoding="utf-8")
    for change in changes:
        text = mutated(text, change)
    document = refusal_or_document(text, file.name)
    if isinstance(document, DocumentRefused):
        lines = text.count("\n") + 1
        assert document.problems
        assert all(1 <= one.place.line <= lines and one.place.column >= 1 for one in document.problems)
        return
    again = read_text(text.encode(), file.name).plain()
    assert load(json.dumps(again)).policy == document.policy


@settings(deadline=None)
@given(st.sampled_from(DOCUMENTS), plain, st.randoms(use_true_random=False))
def test_a_foreign_value_anywhere_is_refused_or_read(file: Path, value: Any, random: Any) -> None:
    """A wrong type at any place of a document is an error with a place, never a traceback."""
    data = read_text(file.read_bytes(), file.name).plain()
    at = data
    while isinstance(at[key := random.choice(sorted(at))], dict) and at[key] and random.random() < 0.8:
        at = at[key]
    at[key] = value
    found = refusal_or_document(json.dumps(data), "it.yaml")
    assert isinstance(found, Document) or found.problems
