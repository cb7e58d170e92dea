"""The canonical form of audit rows: RFC 8785 by the fast way and the slow, and never the same for two rows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.services.audit_form import SAFE_INTEGER, canonical_row
from watchkeeper.storage.audit import RawRow

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
PLAIN = st.none() | st.booleans() | TEXT | st.integers(-SAFE_INTEGER, SAFE_INTEGER)
TREES = st.recursive(
    PLAIN | st.floats(allow_nan=False, allow_infinity=False),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4),
    max_leaves=12,
)


def row(data: str | None, **columns: Any) -> RawRow:
    plain = RawRow(
        1, 700, 1, 830_000_000_123_456, "p", "job_claimed", "t", None, 7, 1, "a", "b", None, data, None
    )
    return plain._replace(**columns)


def as_postgresql(value: Any) -> str:
    """Write JSON as jsonb does: numbers without an exponent, as many digits as were given."""
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_postgresql, value))}]"
    if isinstance(value, dict):
        members = (f"{as_postgresql(name)}: {as_postgresql(each)}" for name, each in value.items())
        return f"{{{', '.join(members)}}}"
    return json.dumps(value, ensure_ascii=False)


def normal(value: Any) -> Any:
    """Make whole floats whole numbers, as JSON does not tell them apart."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= SAFE_INTEGER:
        return int(value)
    if isinstance(value, list):
        return list(map(normal, value))
    return {name: normal(each) for name, each in value.items()} if isinstance(value, dict) else value


@settings(max_examples=80)
@given(TREES, TEXT)
def test_the_form_is_rfc_8785_whichever_way_it_is_made(data: Any, reason: str) -> None:
    """A row's bytes are those that any implementation of RFC 8785 makes of its columns."""
    found = canonical_row(row(as_postgresql(data), reason=reason))
    document = json.loads(found)
    assert document["reason"] == reason
    assert found == rfc8785.dumps(document | {"data": normal(data)})


@settings(max_examples=50)
@given(TREES, TREES)
def test_rows_with_other_data_have_another_form(one: Any, other: Any) -> None:
    """No two different values of `data` are hashed alike."""
    same = as_postgresql(normal(one)) == as_postgresql(normal(other))
    if not same and normal(one) != normal(other):
        assert canonical_row(row(as_postgresql(one))) != canonical_row(row(as_postgresql(other)))


NUMBERS = [
    "9007199254740993",
    "9007199254740992",
    "0.1",
    "0.1000000000000000055",
    "1" + "0" * 400,
    "100000000000000000000",
    "-0.000000000000000000000000000000001",
    "123456789012345678901234567890.5",
    "4.35",
]


def test_numbers_beyond_doubles_are_kept_apart() -> None:
    """Numbers that a double cannot say are kept as text, so that an edit of the last digit is seen."""
    forms = {canonical_row(row(f'{{"n": {number}}}')) for number in NUMBERS}
    forms |= {canonical_row(row(f'{{"n": "{number}"}}')) for number in NUMBERS}
    assert len(forms) == 2 * len(NUMBERS)
    assert json.loads(canonical_row(row("[9007199254740993]")))["data_exact"] == "[9007199254740993]"
    assert json.loads(canonical_row(row("[0.5]")))["data"] == [0.5]


@pytest.mark.parametrize("depth", [50, 100, 101, 5000])
def test_deep_nesting_is_no_obstacle(depth: int) -> None:
    """Data that is nested beyond what parsers take is still hashed, as its text from a fixed depth on."""
    text = "[" * depth + "]" * depth
    document = json.loads(canonical_row(row(text))) if depth < 200 else None
    if document is not None:
        assert ("data" in document) is (depth <= 100)
    else:
        assert text.encode() in canonical_row(row(text))


def test_none_null_and_empty_are_three_things() -> None:
    """A column without a value, JSON's null and an empty text are never taken for each other."""
    forms = {canonical_row(row(data)) for data in (None, "null", '""', "{}", "[]", "0", "false")}
    forms |= {canonical_row(row(None, reason=reason)) for reason in ("", "null")}
    assert len(forms) == 9


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_every_time_has_a_text_of_its_own(one: int, other: int) -> None:
    """Times are told apart to the microsecond, also where no calendar goes."""
    forms = canonical_row(row(None, at=one)), canonical_row(row(None, at=other))
    assert (forms[0] == forms[1]) is (one == other)


def test_times_are_utc_with_microseconds() -> None:
    """A time is written as ISO 8601 in UTC with six digits."""
    assert json.loads(canonical_row(row(None, at=0)))["at"] == "2000-01-01T00:00:00.000000Z"
    assert json.loads(canonical_row(row(None, at=830_000_000_123_456)))["at"] == "2026-04-20T11:33:20.123456Z"
