"""How a checked expression is judged by facts: three-valued, with a trace of every clause."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from operator import ge, gt, le, lt
from typing import Any

WORDS = {"true": True, "false": False, "null": None, "none": None}
EQUALITIES = (ast.Eq, ast.NotEq)
ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {ast.Lt: lt, ast.LtE: le, ast.Gt: gt, ast.GtE: ge}


class Truth(StrEnum):
    """What an expression says; UNKNOWN where a fact is missing, and then nothing passes and nothing is done."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class _Missing:
    """The value of a fact that nobody gave, or that is no value: a number that is none (NaN)."""


_MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison, or one fact that stands alone, with the facts that it read; a missing one is not among them."""

    text: str
    truth: Truth
    facts: Mapping[str, Any]


def judged(node: ast.expr, facts: Mapping[str, Any], clauses: list[Clause]) -> Truth:
    """Judge a checked expression by Kleene's strong three-valued logic, and append every clause of it.

    Every part is looked at, so that the trace names all that is missing.
    """
    match node:
        case ast.BoolOp(op=op, values=values):
            truths = [judged(value, facts, clauses) for value in values]
            return _joined(truths, decisive=Truth.FALSE if isinstance(op, ast.And) else Truth.TRUE)
        case ast.UnaryOp(operand=operand):
            return _negated(judged(operand, facts, clauses))
        case _:
            clause = _clause(node, facts)
            clauses.append(clause)
            return clause.truth


def path_of(node: ast.expr) -> str | None:
    """Give the dotted name that a node is; None where it is something else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := path_of(node.value)) is not None:
        return f"{before}.{node.attr}"
    return None


def _joined(truths: list[Truth], *, decisive: Truth) -> Truth:
    if decisive in truths:
        return decisive
    return Truth.UNKNOWN if Truth.UNKNOWN in truths else _negated(decisive)


def _negated(truth: Truth) -> Truth:
    return {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE, Truth.UNKNOWN: Truth.UNKNOWN}[truth]


def _clause(node: ast.expr, facts: Mapping[str, Any]) -> Clause:
    read: dict[str, Any] = {}
    if not isinstance(node, ast.Compare):
        value = _value(node, facts, read, is_fact=True)
        return Clause(ast.unparse(node), _truth(value) if isinstance(value, bool) else Truth.UNKNOWN, read)
    values = [_value(node.left, facts, read, is_fact=True)]
    for op, right in zip(node.ops, node.comparators, strict=True):
        values.append(_value(right, facts, read, is_fact=not isinstance(op, EQUALITIES)))
    truths = [_compared(op, *pair) for op, pair in zip(node.ops, pairwise(values), strict=True)]
    return Clause(ast.unparse(node), _joined(truths, decisive=Truth.FALSE), read)


def _value(node: ast.expr, facts: Mapping[str, Any], read: dict[str, Any], *, is_fact: bool) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, facts, read, is_fact=False) for item in items]
        case ast.Name(id=name) if name.lower() in WORDS:
            return WORDS[name.lower()]
        case ast.Name(id=name) if not is_fact:
            return name
    path = path_of(node) or ""
    found: Any = facts
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return _MISSING
        found = found[name]
    read[path] = found
    return _MISSING if isinstance(found, float) and found != found else found


def _compared(op: ast.cmpop, left: Any, right: Any) -> Truth:
    if left is _MISSING or right is _MISSING:
        return Truth.UNKNOWN
    match op:
        case ast.Eq():
            return _truth(_same(left, right))
        case ast.NotEq():
            return _truth(not _same(left, right))
        case ast.In():
            is_list = isinstance(right, list | tuple)
            return _truth(any(_same(left, item) for item in right)) if is_list else Truth.UNKNOWN
    both_numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (left, right))
    if both_numbers or (isinstance(left, str) and isinstance(right, str)):
        return _truth(ORDER[type(op)](left, right))
    return Truth.UNKNOWN


def _same(left: Any, right: Any) -> bool:
    """Compare without Python's `1 == True`, in lists too: a number is not a yes."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(_same(*pair) for pair in zip(left, right, strict=True))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _truth(value: bool) -> Truth:
    return Truth.TRUE if value else Truth.FALSE
