"""Expressions beside a reference of a few lines, and under whatever somebody types."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchkeeper.domain.expressions import Expression, ExpressionError, Truth

NAMES = ("ok", "status", "n", "touch.ok", "page.kinds")
BARE = ("running", "completed")
ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

literals = st.one_of(
    st.sampled_from([("true", True), ("false", False), ("null", None)]),
    st.integers(-3, 3).map(lambda n: (str(n), n)),
    st.sampled_from(["running", "x y"]).map(lambda text: (repr(text), text)),
)
items = st.one_of(literals, st.sampled_from([(word, word) for word in BARE]))
lists = st.lists(items, max_size=3).map(
    lambda found: (f"[{', '.join(text for text, _ in found)}]", [value for _, value in found])
)
compared = st.one_of(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["==", "!="]), items),
    st.tuples(st.sampled_from(NAMES), st.sampled_from([*ORDER]), literals),
    st.tuples(st.sampled_from(NAMES), st.just("in"), lists),
    st.tuples(st.sampled_from(NAMES), st.just("is true"), st.none()),
)
trees: st.SearchStrategy[Any] = st.recursive(
    compared,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner), st.tuples(inner, st.sampled_from(["and", "or"]), inner)
    ),
    max_leaves=6,
)
values = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([*BARE, "x y"]))
answers = st.dictionaries(
    st.sampled_from(["ok", "status", "n", "touch", "page"]),
    st.one_of(
        values,
        st.fixed_dictionaries({}, optional={"ok": values, "kinds": st.lists(values, max_size=2)}),
    ),
)


def written(tree: Any) -> str:
    match tree:
        case (name, "is true", None):
            return str(name)
        case (str() as name, str() as op, (text, _)):
            return f"{name} {op} {text}"
        case ("not", inner):
            return f"not ({written(inner)})"
    left, word, right = tree
    return f"({written(left)}) {word} ({written(right)})"


def reference(tree: Any, facts: dict[str, Any]) -> bool | None:
    match tree:
        case ("not", inner):
            found = reference(inner, facts)
            return None if found is None else not found
        case (str() as name, str() as op, right):
            return compare(fact(name, facts), op, right)
    left, word, right = tree
    both = [reference(left, facts), reference(right, facts)]
    decisive = word == "or"
    if decisive in both:
        return decisive
    return None if None in both else not decisive


GONE = object()


def fact(name: str, facts: Any) -> Any:
    for part in name.split("."):
        facts = facts[part] if isinstance(facts, dict) and part in facts else GONE
    return facts


def compare(left: Any, op: str, right: Any) -> bool | None:
    if op == "is true":
        return left if isinstance(left, bool) else None
    other = right[1]
    if left is GONE:
        return None
    if op in ORDER:
        same_sort = type(left) is type(other) and isinstance(left, int | str) and not isinstance(left, bool)
        return ORDER[op](left, other) if same_sort else None
    choices = other if op == "in" else [other]
    found = any(type(left) is type(choice) and left == choice for choice in choices)
    return found != (op == "!=")


@given(trees, answers)
def test_the_evaluator_agrees_with_a_small_reference(tree: Any, facts: dict[str, Any]) -> None:
    """Whatever stands in a document and whatever was recorded, the answer is that of the written-out meaning."""
    says = {True: Truth.TRUE, False: Truth.FALSE, None: Truth.UNKNOWN}[reference(tree, facts)]
    assert Expression.parse(written(tree)).evaluate(facts).truth is says


ACTING: list[str] = []
WATCHED = False


def note_what_acts(event: str, _arguments: tuple[Any, ...]) -> None:
    if WATCHED and (
        event in {"exec", "import", "open"} or event.startswith(("os.", "subprocess.", "socket."))
    ):
        ACTING.append(event)


sys.addaudithook(note_what_acts)


@contextmanager
def nothing_happens() -> Iterator[None]:
    global WATCHED
    WATCHED = True
    try:
        yield
    finally:
        WATCHED = False
    assert ACTING == []


pieces = st.sampled_from(
    [
        "ok",
        ".",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "in",
        "and",
        "or",
        "not",
        "(",
        ")",
        "[",
        "]",
        ",",
        "1",
        "1e999",
        "0x1F",
        "1_0",
        "'a'",
        '"b"',
        "true",
        "None",
        "-1",
        "-true",
        "...",
        "is",
        "if",
        "else",
        "lambda\n",
        "",
        "",
        "",
        ":",
        ":=",
        "**",
        "+",
        "%",
        "~",
        "@",
        "await",
        "yield",
        "for",
        "__import__('os').system('x')",
        "open('f')",
        "f'{a}'",
        "b'x'",
        "1j",
        "#",
        "\\",
        "ä",
        "ｏｋ",
        "�",
        "\x00",
        "{1:2}",
        ";",
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(pieces, max_size=12).map(" ".join)), answers)
@example("ok == true # and token_present == true", {})
@example("not " * 400 + "ok", {})
@example("-" * 1900 + "1 == ok", {})
@example("(" * 900 + "ok" + ")" * 900, {})
@example("a" + ".a" * 900, {})
def test_whatever_is_typed_does_nothing_but_be_refused_or_judged(text: str, facts: dict[str, Any]) -> None:
    """No text runs, imports or opens anything; it is judged, or refused with a column inside of it."""
    column, truth = 0, None
    with nothing_happens():
        try:
            truth = Expression.parse(text).evaluate(facts).truth
        except ExpressionError as refused:
            column = refused.column
    assert (truth is None) == (column >= 1)


@pytest.mark.parametrize(
    ("text", "column"), [("  ok == f()", 9), ("name == 'ää' and b()", 18), ("a ==\n f()", 7)]
)
def test_the_column_counts_characters_from_the_beginning_of_the_text(text: str, column: int) -> None:
    """An editor's cursor finds it, behind blanks and behind letters that take several bytes."""
    with pytest.raises(ExpressionError) as refused:
        Expression.parse(text)
    assert refused.value.column == column


def test_a_number_that_is_none_is_a_missing_fact() -> None:
    """What could not be measured (NaN) decides nothing, whichever way it is asked."""
    for text in ("n < 5", "not n < 5", "n == 5", "n != 5"):
        assert Expression.parse(text).evaluate({"n": float("nan")}).truth is Truth.UNKNOWN
