"""What a config document's expressions mean, and that none of them can do harm."""

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.expressions import MAX_CHARS, Expression, ExpressionError, Truth

DOCTOR = "ok == true and token_present == true and touch.ok == true"


def truth(text: str, **facts: Any) -> str:
    return Expression.parse(text).evaluate(facts).truth.value


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"ok": True, "token_present": True, "touch": {"ok": True}}, "true"),
        ({"ok": True, "token_present": True, "touch": {"ok": False}}, "false"),
        ({"ok": True, "token_present": True}, "unknown"),
        ({"ok": False}, "false"),
        ({"ok": True, "token_present": True, "touch": True}, "unknown"),
        ({"ok": 1, "token_present": True, "touch": {"ok": True}}, "false"),
        ({"ok": "true", "token_present": True, "touch": {"ok": True}}, "false"),
        ({}, "unknown"),
    ],
)
def test_the_doctor_check_passes_on_facts_alone(facts: dict[str, Any], expected: str) -> None:
    """A missing fact never passes, a false one fails though others are missing, and a 1 is no yes."""
    assert truth(DOCTOR, **facts) == expected


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("status == running", {"status": "running"}, "true"),
        ("status == running", {"status": "stuck"}, "false"),
        ("status == running", {"running": "x"}, "unknown"),
        ("code in [200, 302]", {"code": 302}, "true"),
        ("code in [200, 302]", {"code": 404}, "false"),
        ("code in (ok, fine)", {"code": "fine"}, "true"),
        ("code in [1]", {"code": True}, "false"),
        ("remaining < 5", {"remaining": 4.9}, "true"),
        ("remaining < 5", {"remaining": "4"}, "unknown"),
        ("remaining < 5", {"remaining": None}, "unknown"),
        ("remaining < 5", {"remaining": True}, "unknown"),
        ("1 < n <= 3", {"n": 3}, "true"),
        ("n >= -2", {"n": -2}, "true"),
        ("url != null", {"url": None}, "false"),
        ("url == null", {}, "unknown"),
        ("not ok", {"ok": False}, "true"),
        ("not ok", {}, "unknown"),
        ("ok", {"ok": "yes"}, "unknown"),
        ("a or b", {"b": True}, "true"),
        ("a or b", {"b": False}, "unknown"),
        ("TRUE", {}, "true"),
        ("a.b.c == 'd e'", {"a": {"b": {"c": "d e"}}}, "true"),
        ("'x' in tags", {"tags": ["x"]}, "true"),
        ("'x' in tags", {"tags": "xyz"}, "unknown"),
        ("kind in page.kinds", {"kind": "html", "page": {"kinds": ["html"]}}, "true"),
    ],
)
def test_three_values(text: str, facts: dict[str, Any], expected: str) -> None:
    """Each operator tells true, false and unknown apart, without Python's truthiness."""
    assert truth(text, **facts) == expected


def test_every_clause_is_traced() -> None:
    """The trace names each clause with what it read, those behind a false one too."""
    verdict = Expression.parse(DOCTOR).evaluate({"ok": False, "touch": {"ok": True}})
    assert [(clause.text, clause.truth.value, dict(clause.facts)) for clause in verdict.clauses] == [
        ("ok == true", "false", {"ok": False}),
        ("token_present == true", "unknown", {}),
        ("touch.ok == true", "true", {"touch.ok": True}),
    ]


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "empty"),
        ("ok ==", 6, "no expression"),
        ("__import__('os')", 1, "no condition"),
        ("ok == f()", 7, "neither a fact nor a literal"),
        ("a and b()", 7, "no condition"),
        ("a[0] == 1", 1, "neither a fact nor a literal"),
        ("a + 1 == 2", 1, "neither a fact nor a literal"),
        ("x == 1 if y else 2", 1, "no condition"),
        ("a is b", 1, "comparisons are"),
        ("a not in [1]", 1, "comparisons are"),
        ("'a'.b == 1", 1, "dots follow names"),
        ("f'{a}' == 1", 1, "neither a fact nor a literal"),
        ("(x := 1)", 2, "no condition"),
        ("lambda: 1", 1, "no condition"),
        ("a == b'x'", 6, "neither a fact nor a literal"),
        ("a in [b.c]", 7, "literals and bare words"),
        ("a == '\\x41'", 7, "no backslashes"),
        ("a == 'x\0'", 1, "no expression"),
        ("not " * 30 + "a", 1, "parts deep"),
        (".".join("a" * 900), 1, "parts deep"),
        ("a == " + "1" * MAX_CHARS, 1, "at most"),
        ("(" * 500 + "a" + ")" * 500, 1, "no expression"),
        ("running", None, None),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(
    text: str, column: int | None, says: str | None
) -> None:
    """Calls, arithmetic, subscripts and what only looks like Python are refused, with the column."""
    if says is None:
        assert Expression.parse(text).facts == {"running": 1}
        return
    with pytest.raises(ExpressionError, match=says) as refused:
        Expression.parse(text)
    if says != "no expression":
        assert refused.value.column == column


def test_the_facts_of_an_expression_are_known_before_it_runs() -> None:
    """A document's check can name every fact that an expression reads, with its column, and no bare word."""
    assert dict(Expression.parse("status == running and touch.ok").facts) == {"status": 1, "touch.ok": 23}


@given(st.text(alphabet="abo. ()[]'\"=!<>,-1tnrde\n:{}*", max_size=60))
def test_whatever_is_typed_is_refused_or_judged(text: str) -> None:
    """No text crashes the parser or the evaluator, and without facts nothing that reads one is true."""
    try:
        expression = Expression.parse(text)
    except ExpressionError:
        return
    verdict = expression.evaluate({})
    assert verdict.truth in Truth
    assert all(clause.truth is Truth.UNKNOWN for clause in verdict.clauses if _reads_one(clause.text))


def _reads_one(clause: str) -> bool:
    return bool(Expression.parse(clause).facts)


TRUTHS = {Truth.TRUE: True, Truth.FALSE: False}


@given(
    st.recursive(
        st.sampled_from(["a", "b", "c", "true", "false"]),
        lambda inner: st.one_of(
            inner.map("not ({})".format),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
                lambda t: f"({t[0]}) {t[1]} ({t[2]})"
            ),
        ),
        max_leaves=8,
    ),
    st.dictionaries(st.sampled_from("abc"), st.booleans()),
)
def test_a_known_answer_holds_whatever_the_missing_facts_are(text: str, facts: dict[str, bool]) -> None:
    """Where the answer is not unknown, every way to fill in the missing facts gives the same answer."""
    expression = Expression.parse(text)
    answer = expression.evaluate(facts).truth
    for number in range(8):
        filled = {name: bool(number >> place & 1) for place, name in enumerate("abc")} | facts
        full = expression.evaluate(filled).truth
        plain = eval(
            compile(
                ast.parse(text.replace("true", "True").replace("false", "False"), mode="eval"), "", "eval"
            ),
            {},
            dict(filled),
        )
        assert full is (Truth.TRUE if plain else Truth.FALSE)
        assert answer in (full, Truth.UNKNOWN)
