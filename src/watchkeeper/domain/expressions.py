"""The expressions of a config document: three-valued, with a trace of every clause, and nothing that could act.

The grammar is a small part of Python's: `and or not == != < <= > >= in`, names with dots, literals and lists. A bare
word in a list, or on the right of `==` or `!=`, is a text (`status == running`); every other name is a fact.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import ge, gt, le, lt
from typing import Any

MAX_CHARS = 2_000
MAX_DEPTH = 20
GRAMMAR = 1
"""Raised when the same text begins to mean something else; it is part of every digest."""

_WORDS = {"true": True, "false": False, "null": None, "none": None}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {ast.Lt: lt, ast.LtE: le, ast.Gt: gt, ast.GtE: ge}
_EQUALITIES = (ast.Eq, ast.NotEq)
_COMPARISONS: tuple[type[ast.cmpop], ...] = (*_EQUALITIES, ast.In, *_ORDER)


class Truth(StrEnum):
    """What an expression says; UNKNOWN where a fact is missing, and then nothing passes and nothing is done."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class ExpressionError(ValueError):
    """An expression that is refused; `column` counts from 1."""

    def __init__(self, message: str, column: int = 1) -> None:
        super().__init__(message)
        self.column = column


class _Missing:
    """The value of a fact that nobody gave."""


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison, or one fact that stands alone, with the facts that it read; a missing one is not among them."""

    text: str
    truth: Truth
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The truth of an expression and all of its clauses, in the order of the text; none is skipped."""

    truth: Truth
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression. `facts` are the dotted names that it reads, each with its column."""

    text: str
    facts: Mapping[str, int]
    _body: ast.expr = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Check a text; raise ExpressionError with the column of what is wrong."""
        _check_size(text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # of what Python would find odd, the check below refuses what matters
                body = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            column = getattr(error, "offset", None) or 1
            raise ExpressionError(f"this is no expression: {getattr(error, 'msg', error)}", column) from error
        _check_depth(body)
        facts: dict[str, int] = {}
        _check_condition(body, facts)
        return cls(text.strip(), facts, body)

    @property
    def digest(self) -> str:
        """Give the SHA-256 of the text and the grammar that it was checked by."""
        return hashlib.sha256(f"{GRAMMAR}\n{self.text}".encode()).hexdigest()

    def evaluate(self, facts: Mapping[str, Any]) -> Verdict:
        """Judge by facts: nested mappings that dotted names lead into."""
        clauses: list[Clause] = []
        truth = _condition(self._body, facts, clauses)
        return Verdict(truth, tuple(clauses))


def _check_size(text: str) -> None:
    if len(text) > MAX_CHARS:
        raise ExpressionError(f"an expression has at most {MAX_CHARS:,} characters, this has {len(text):,}")
    if not text.strip():
        raise ExpressionError("the expression is empty")
    if "\\" in text:
        raise ExpressionError("an expression has no backslashes", text.index("\\") + 1)


def _check_depth(body: ast.expr) -> None:
    level: list[ast.AST] = [body]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise ExpressionError(f"an expression is at most {MAX_DEPTH} parts deep")


def _check_condition(node: ast.expr, facts: dict[str, int]) -> None:
    match node:
        case ast.BoolOp(values=values):
            for value in values:
                _check_condition(value, facts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _check_condition(operand, facts)
        case ast.Compare(left=left, ops=ops, comparators=rights):
            for op in ops:
                if not isinstance(op, _COMPARISONS):
                    raise ExpressionError("comparisons are == != < <= > >= and in", node.col_offset + 1)
            _check_operand(left, facts, is_fact=True)
            for op, right in zip(ops, rights, strict=True):
                _check_operand(right, facts, is_fact=not isinstance(op, _EQUALITIES))
        case ast.Name() | ast.Attribute():
            _check_operand(node, facts, is_fact=True)
        case ast.Constant(value=bool()):
            pass
        case _:
            raise ExpressionError(f"this is no condition: {_shown(node)}", node.col_offset + 1)


def _check_operand(node: ast.expr, facts: dict[str, int], *, is_fact: bool) -> None:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None):
            pass
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            pass
        case ast.List(elts=items) | ast.Tuple(elts=items):
            for item in items:
                if isinstance(item, ast.List | ast.Tuple | ast.Attribute):
                    raise ExpressionError("a list holds literals and bare words only", item.col_offset + 1)
                _check_operand(item, facts, is_fact=False)
        case ast.Name(id=name):
            if is_fact and name.lower() not in _WORDS:
                facts.setdefault(name, node.col_offset + 1)
        case ast.Attribute():
            facts.setdefault(_path(node), node.col_offset + 1)
        case _:
            raise ExpressionError(f"{_shown(node)} is neither a fact nor a literal", node.col_offset + 1)


def _path(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_path(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise ExpressionError(f"dots follow names only, not {_shown(node)}", node.col_offset + 1)


def _shown(node: ast.expr) -> str:
    return ast.unparse(node)[:60]


def _condition(node: ast.expr, facts: Mapping[str, Any], clauses: list[Clause]) -> Truth:
    """Kleene's strong three-valued logic; every part is looked at, so that the trace names all that is missing."""
    match node:
        case ast.BoolOp(op=op, values=values):
            truths = [_condition(value, facts, clauses) for value in values]
            decisive = Truth.FALSE if isinstance(op, ast.And) else Truth.TRUE
            if decisive in truths:
                return decisive
            return Truth.UNKNOWN if Truth.UNKNOWN in truths else _negated(decisive)
        case ast.UnaryOp(operand=operand):
            return _negated(_condition(operand, facts, clauses))
        case _:
            clause = _clause(node, facts)
            clauses.append(clause)
            return clause.truth


def _negated(truth: Truth) -> Truth:
    return {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE, Truth.UNKNOWN: Truth.UNKNOWN}[truth]


def _clause(node: ast.expr, facts: Mapping[str, Any]) -> Clause:
    read: dict[str, Any] = {}
    if not isinstance(node, ast.Compare):
        value = _value(node, facts, read, is_fact=True)
        truth = _truth(value) if isinstance(value, bool) else Truth.UNKNOWN
        return Clause(ast.unparse(node), truth, read)
    values = [_value(node.left, facts, read, is_fact=True)]
    for op, right in zip(node.ops, node.comparators, strict=True):
        values.append(_value(right, facts, read, is_fact=not isinstance(op, _EQUALITIES)))
    truths = [
        _compared(op, left, right) for op, left, right in zip(node.ops, values, values[1:], strict=False)
    ]
    truth = Truth.TRUE
    if Truth.FALSE in truths:
        truth = Truth.FALSE
    elif Truth.UNKNOWN in truths:
        truth = Truth.UNKNOWN
    return Clause(ast.unparse(node), truth, read)


def _value(node: ast.expr, facts: Mapping[str, Any], read: dict[str, Any], *, is_fact: bool) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, facts, read, is_fact=False) for item in items]
        case ast.Name(id=name) if name.lower() in _WORDS:
            return _WORDS[name.lower()]
        case ast.Name(id=name) if not is_fact:
            return name
    path = _path(node)
    found: Any = facts
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return MISSING
        found = found[name]
    read[path] = found
    return found


def _compared(op: ast.cmpop, left: Any, right: Any) -> Truth:
    if left is MISSING or right is MISSING:
        return Truth.UNKNOWN
    match op:
        case ast.Eq():
            return _truth(_same(left, right))
        case ast.NotEq():
            return _truth(not _same(left, right))
        case ast.In():
            if not isinstance(right, list | tuple):
                return Truth.UNKNOWN
            return _truth(any(_same(left, item) for item in right))
    both_numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (left, right))
    if both_numbers or (isinstance(left, str) and isinstance(right, str)):
        return _truth(_ORDER[type(op)](left, right))
    return Truth.UNKNOWN


def _same(left: Any, right: Any) -> bool:
    """Compare without Python's `1 == True`: a number is not a yes."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _truth(value: bool) -> Truth:
    return Truth.TRUE if value else Truth.FALSE
