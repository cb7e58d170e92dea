"""What a document says with the place where it says so, and what is wrong with it, every error at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import SettingError

MOST_TOLD = 50
"""Of a document that is wrong from top to bottom as many errors are told."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line and a column of a text; both count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A value of a document: a scalar, a list of Placed, or a dict of Placed.

    `key` is where its key stands, if it has one. `inner` is where the first character of a text stands that was
    written in one piece; None where what was written is not what is meant, letter by letter.
    """

    value: Any
    place: Place
    key: Place | None = None
    inner: Place | None = None

    def plain(self) -> Any:
        """Give the value without places."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, with which key, what was found, and what was probably meant."""

    place: Place
    path: str
    message: str
    suggestion: str = ""

    def told(self) -> str:
        """Give the line that a person reads."""
        key = f"{self.path}: " if self.path else ""
        meant = f"; {self.suggestion}" if self.suggestion else ""
        return f"line {self.place.line}, column {self.place.column}: {key}{self.message}{meant}"

    def to_json(self) -> dict[str, Any]:
        return {
            "line": self.place.line,
            "column": self.place.column,
            "key": self.path,
            "message": self.message,
            "suggestion": self.suggestion,
        }


class DocumentRefused(SettingError):
    """The config document is not valid."""

    hint = "Mend what is named, then run 'watchkeeper config check FILE'; see docs/config.md."

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        """Tell all problems of the document `name`, in the order of its text."""
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.place, problem.path)))
        count = len(self.problems)
        told = self.problems[:MOST_TOLD]
        failed = [problem.told() for problem in told]
        if count > len(told):
            failed.append(f"and {count - len(told)} more")
        super().__init__(
            f"{name} has {count} error{'s' if count > 1 else ''}",
            failed=failed,
            problems=[problem.to_json() for problem in told],
        )
