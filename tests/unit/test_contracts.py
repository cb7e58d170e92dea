"""Contracts and kinds are read strictly: a mistyped word is an error that says what was meant."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.artifacts import OPENABLE, ArtifactKind
from watchkeeper.domain.contracts import Publish, ResultContract
from watchkeeper.domain.errors import InvalidContract, UsageError
from watchkeeper.domain.jobs import OnLost
from watchkeeper.domain.kinds import KindDeclaration


def test_the_default_is_an_openable_primary() -> None:
    """A kind that asks for artifacts and says no more wants something that a person can open."""
    assert ResultContract.parse({}) == ResultContract()
    assert ResultContract().primary_kinds == OPENABLE
    assert ResultContract().asks_for_openable


def test_a_contract_is_read() -> None:
    """Kinds, size, files and place are kept, aliases are understood."""
    contract = ResultContract.parse(
        {
            "required_kinds": ["html", "md", "html_page"],
            "primary": {"kinds": ["dashboard", "gist"], "min_bytes": 100},
            "expected_files": ["*.html", "data.csv"],
            "publish": "store",
        }
    )
    assert contract.required_kinds == (ArtifactKind.HTML_PAGE, ArtifactKind.MARKDOWN)
    assert contract.primary_kinds == {ArtifactKind.DASHBOARD, ArtifactKind.SHARED_CLOUD}
    assert contract.min_bytes == 100
    assert contract.expected_files == ("*.html", "data.csv")
    assert contract.publish is Publish.STORE
    assert ResultContract.parse({"expected_files": 13}).expected_files == 13
    assert ResultContract.parse({"primary": "any"}).takes_any_primary


kinds = st.sampled_from([kind.value for kind in ArtifactKind if kind is not ArtifactKind.PLS_FILE])
contracts = st.fixed_dictionaries(
    {},
    optional={
        "required_kinds": st.lists(kinds, max_size=4),
        "primary": st.just("any")
        | st.fixed_dictionaries(
            {}, optional={"kinds": st.lists(kinds, min_size=1), "min_bytes": st.integers(1, 99)}
        ),
        "expected_files": st.integers(1, 20) | st.lists(st.sampled_from(["*.html", "a"]), min_size=1),
        "publish": st.sampled_from(["store", "external", "any"]),
    },
)


@given(contracts)
def test_a_contract_survives_its_record(given: dict[str, object]) -> None:
    """What is stored with a job reads as the same contract."""
    contract = ResultContract.parse(given)
    assert ResultContract.parse(contract.to_json()) == contract


@pytest.mark.parametrize(
    ("given", "key", "message"),
    [
        ({"required_kind": []}, "required_kind", "did you mean 'required_kinds'"),
        ({"Primary": "any"}, "Primary", "did you mean 'primary'"),
        ({"primary": {"kind": []}}, "kind", "did you mean 'kinds'"),
        ({"primary": "anything"}, "primary", "any"),
        ({"primary": 3}, None, "object"),
        ({"primary": {"kinds": []}}, "primary.kinds", "empty"),
        ({"primary": {"kinds": ["pls_file"]}}, "primary.kinds", "never primary"),
        ({"primary": {"min_bytes": 0}}, "primary.min_bytes", "from 1"),
        ({"primary": {"min_bytes": True}}, "primary.min_bytes", "whole number"),
        ({"required_kinds": "html"}, "required_kinds", "list"),
        ({"required_kinds": ["dashbord"]}, "required_kinds", "did you mean 'dashboard'"),
        ({"expected_files": 0}, "expected_files", "from 1"),
        ({"expected_files": True}, "expected_files", "whole number"),
        ({"expected_files": []}, "expected_files", "count or a list"),
        ({"expected_files": "*.html"}, "expected_files", "count or a list"),
        ({"expected_files": [""]}, "expected_files", "glob"),
        ({"expected_files": ["x" * 301]}, "expected_files", "glob"),
        ({"expected_files": 1.5}, "expected_files", "count"),
        ({"publish": "shop"}, "publish", "store, external, any"),
        ([], None, "object"),
        (None, None, "object"),
        ("any", None, "object"),
    ],
)
def test_a_wrong_contract_is_refused_by_the_key(given: object, key: str | None, message: str) -> None:
    """The error names the key that is wrong and what was meant."""
    with pytest.raises(InvalidContract, match=message) as caught:
        ResultContract.parse(given)
    assert caught.value.details.get("key") == key
    assert len(str(caught.value)) < 500


def test_a_declared_kind_has_safe_defaults() -> None:
    """A declared kind is requeued when its lease is lost and tries three times."""
    kind = KindDeclaration.parse({"name": "report.daily"})
    assert (kind.on_lost, kind.max_attempts, kind.max_lost_leases, kind.contract) == (
        OnLost.REQUEUE,
        3,
        3,
        None,
    )
    assert (kind.secrets, kind.priority, kind.concurrency) == ("flag", 0, None)


def test_a_kind_survives_its_record() -> None:
    """All fields are read, and written as they can be read again."""
    declared = {
        "name": "k",
        "contract": {"expected_files": 2},
        "lease": "runtime",
        "lease_seconds": 30,
        "on_lost": "hold",
        "max_attempts": 5,
        "max_lost_leases": 1,
        "progress_deadline_minutes": 0.5,
        "hard_cap_minutes": 60,
        "tool_limit_minutes": 5,
        "concurrency": 2,
        "priority": -3,
        "tokens_limit": 1000,
        "cost_limit": 2.5,
        "persona": "analyst",
        "secrets": "refuse",
    }
    kind = KindDeclaration.parse(declared)
    assert set(declared) == set(kind.to_json())
    assert kind.cost_limit == Decimal("2.5")
    assert kind.contract == ResultContract(expected_files=2)
    assert KindDeclaration.parse(kind.to_json()) == kind


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "-a"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": 3}, "name"),
        ({"name": "k", "onlost": "fail"}, "did you mean 'on_lost'"),
        ({"name": "k", "on_lost": "retry"}, "requeue, hold, fail"),
        ({"name": "k", "lease": "long"}, "session, runtime"),
        ({"name": "k", "lease_seconds": 1}, "from 2"),
        ({"name": "k", "max_attempts": 0}, "from 1"),
        ({"name": "k", "max_attempts": 2.0}, "whole number"),
        ({"name": "k", "hard_cap_minutes": float("nan")}, "minutes"),
        ({"name": "k", "hard_cap_minutes": float("inf")}, "minutes"),
        ({"name": "k", "hard_cap_minutes": True}, "minutes"),
        ({"name": "k", "tool_limit_minutes": -1}, "minutes"),
        ({"name": "k", "priority": 40_000}, "priority"),
        ({"name": "k", "cost_limit": "much"}, "money"),
        ({"name": "k", "cost_limit": float("inf")}, "money"),
        ({"name": "k", "cost_limit": 0}, "money"),
        ({"name": "k", "persona": "two\nlines"}, "one line"),
        ({"name": "k", "secrets": "show"}, "flag, refuse"),
        ([], "object"),
    ],
)
def test_a_wrong_kind_is_refused_by_the_key(given: object, message: str) -> None:
    """A declaration with a mistake is refused at load, not at the first job."""
    with pytest.raises(UsageError, match=message):
        KindDeclaration.parse(given)


def test_a_wrong_contract_of_a_kind_is_an_invalid_contract() -> None:
    """The contract within a kind is held to the same rules."""
    with pytest.raises(InvalidContract, match="primary"):
        KindDeclaration.parse({"name": "k", "contract": {"primry": "any"}})
