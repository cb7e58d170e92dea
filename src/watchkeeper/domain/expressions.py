"""The expressions of a config document: what may be written, with the place of what may not; nothing in it could act.

The grammar is a small part of Python's: `and or not == != < <= > >= in`, names with dots, literals and lists. A bare
word in a list, or on the right of `==` or `!=`, is a text (`status == running`); every other name is a fact.
"""

from __future__ import annotations

import ast
import hashlib
import io
import math
import tokenize
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.domain.truth import EQUALITIES, ORDER, WORDS, Clause, Truth, judged, path_of

MAX_CHARS = 2_000
MAX_DEPTH = 20
GRAMMAR = 1
"""Raised when the same text begins to mean something else; it is part of every digest."""

_COMPARISONS: tuple[type[ast.cmpop], ...] = (*EQUALITIES, ast.In, *ORDER)


class ExpressionError(ValueError):
    """An expression that is refused; `column` counts characters from 1."""

    def __init__(self, message: str, column: int = 1) -> None:
        super().__init__(message)
        self.column = column


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
        """Check a text; raise ExpressionError with the column of what is wrong. A line's end counts as a blank."""
        line = "".join(" " if letter in "\t\r\n" else letter for letter in text).rstrip()
        begin = len(line) - len(line.lstrip())
        try:
            check = _Check(line[begin:])
        except ExpressionError as error:
            error.column += begin
            raise
        facts = {name: column + begin for name, column in check.facts.items()}
        return cls(line[begin:], facts, check.body)

    @property
    def digest(self) -> str:
        """Give the SHA-256 of the text and the grammar that it was checked by."""
        return hashlib.sha256(f"{GRAMMAR}\n{self.text}".encode()).hexdigest()

    def evaluate(self, facts: Mapping[str, Any]) -> Verdict:
        """Judge by facts: nested mappings that dotted names lead into."""
        clauses: list[Clause] = []
        truth = judged(self._body, facts, clauses)
        return Verdict(truth, tuple(clauses))


class _Check:
    """One look over a text: its tree, and the facts that it reads."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._check_size()
        self.facts: dict[str, int] = {}
        self.body = self._parsed()
        self._check_depth()
        self._condition(self.body)

    def _check_size(self) -> None:
        text = self._text
        if len(text) > MAX_CHARS:
            raise ExpressionError(
                f"an expression has at most {MAX_CHARS:,} characters, this has {len(text):,}"
            )
        if not text:
            raise ExpressionError("the expression is empty")
        if "\\" in text:
            raise ExpressionError("an expression has no backslashes", text.index("\\") + 1)

    def _parsed(self) -> ast.expr:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what Python finds odd and we allow is no news to anybody
                body = ast.parse(self._text, mode="eval").body
                tokens = list(tokenize.generate_tokens(io.StringIO(self._text).readline))
        except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
            # Where the text ends too early Python names place 0.
            column = getattr(error, "offset", 1) or len(self._text) + 1
            raise ExpressionError(f"this is no expression: {getattr(error, 'msg', error)}", column) from error
        for token in tokens:
            if token.type == tokenize.COMMENT:
                raise ExpressionError("what follows a # would not count", token.start[1] + 1)
        return body

    def _check_depth(self) -> None:
        level: list[ast.AST] = [self.body]
        for _ in range(MAX_DEPTH):
            level = [child for node in level for child in ast.iter_child_nodes(node)]
        if level:
            raise ExpressionError(f"an expression is at most {MAX_DEPTH} parts deep")

    def _condition(self, node: ast.expr) -> None:
        match node:
            case ast.BoolOp(values=values):
                for value in values:
                    self._condition(value)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._condition(operand)
            case ast.Compare(left=left, ops=ops, comparators=rights):
                for op in ops:
                    if not isinstance(op, _COMPARISONS):
                        raise self._refused(node, "comparisons are == != < <= > >= and in")
                self._operand(left, is_fact=True)
                for op, right in zip(ops, rights, strict=True):
                    self._operand(right, is_fact=not isinstance(op, EQUALITIES))
            case ast.Name() | ast.Attribute():
                self._operand(node, is_fact=True)
            case ast.Constant(value=bool()):
                pass
            case _:
                raise self._refused(node, f"this is no condition: {_shown(node)}")

    def _operand(self, node: ast.expr, *, is_fact: bool) -> None:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value) as inner):
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise self._refused(node, f"{_shown(node)} is no number")
                self._operand(inner, is_fact=is_fact)
            case ast.Constant(value=float() as number) if not math.isfinite(number):
                raise self._refused(node, "the number is too large")
            case ast.Constant(value=bool() | int() | float() | str() | None):
                pass
            case ast.List(elts=items) | ast.Tuple(elts=items):
                for item in items:
                    if isinstance(item, ast.List | ast.Tuple | ast.Attribute):
                        raise self._refused(item, "a list holds literals and bare words only")
                    self._operand(item, is_fact=False)
            case ast.Name(id=name):
                if is_fact and name.lower() not in WORDS:
                    self.facts.setdefault(name, self._column(node))
            case ast.Attribute():
                if (path := path_of(node)) is None:
                    raise self._refused(node, "dots follow names only")
                self.facts.setdefault(path, self._column(node))
            case _:
                raise self._refused(node, f"{_shown(node)} is neither a fact nor a literal")

    def _refused(self, node: ast.expr, message: str) -> ExpressionError:
        return ExpressionError(message, self._column(node))

    def _column(self, node: ast.expr) -> int:
        """Count characters where the tree counts the bytes of UTF-8."""
        return len(self._text.encode()[: node.col_offset].decode(errors="ignore")) + 1


def _shown(node: ast.expr) -> str:
    return ast.unparse(node)[:60]
