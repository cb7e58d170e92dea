"""How a placed document is read: every value is asked for by its key, what is wrong is noted, and reading goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self, TypeVar

from watchkeeper.domain.config.units import nearest_key, without_unit
from watchkeeper.domain.expressions import Expression, ExpressionError
from watchkeeper.domain.placed import Place, Placed, Problem
from watchkeeper.domain.suggestions import did_you_mean, shown

Word = TypeVar("Word", bound=StrEnum)
Read = TypeVar("Read")

MAX_TEXT_CHARS = 2_000


@dataclass
class Reading:
    """One reading of a document: its errors, and where each value that was taken stands."""

    problems: list[Problem] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def note(self, path: str, place: Place, message: str, suggestion: str = "") -> None:
        self.problems.append(Problem(place, path, message, suggestion))


@dataclass(frozen=True)
class Field:
    """One value of the document. Its readers give None where they noted that the value is none of theirs."""

    reading: Reading
    placed: Placed
    path: str

    @property
    def place(self) -> Place:
        return self.placed.place

    def refuse(self, message: str, suggestion: str = "", *, at: Place | None = None) -> None:
        """Note what is wrong with this value."""
        self.reading.note(self.path, at or self.place, message, suggestion)

    def text(self, what: str = "a text") -> str | None:
        value = self.placed.value
        if not isinstance(value, str):
            hint = "put it in quotes" if isinstance(value, bool | int | float) else ""
            self.refuse(f"{what} is asked for, not {self.shown()}", hint)
            return None
        if not value.strip() or len(value) > MAX_TEXT_CHARS or not value.isprintable():
            self.refuse(f"{what} is one line of 1 to {MAX_TEXT_CHARS} characters, not {self.shown()}")
            return None
        return value.strip()

    def boolean(self) -> bool | None:
        value = self.placed.value
        if isinstance(value, bool):
            return value
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(str(value).lower())
        self.refuse(f"true or false is asked for, not {self.shown()}", f"write {meant}" if meant else "")
        return None

    def whole(self, least: int, most: int) -> int | None:
        value = self.placed.value
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        message = f"a whole number from {least:,} to {most:,} is asked for, not {self.shown()}"
        self.refuse(message, without_unit(self.path, value, most))
        return None

    def number(self, above: float, most: float) -> float | None:
        """Read a number above `above` and at most `most`, in the unit that the key names."""
        value = self.placed.value
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and math.isfinite(value) and above < value <= most:
            return float(value)
        message = f"a number above {above:g}, at most {most:g}, is asked for, not {self.shown()}"
        self.refuse(message, without_unit(self.path, value, most))
        return None

    def one_of(self, words: type[Word]) -> Word | None:
        value = self.placed.value
        if isinstance(value, str) and value in {word.value for word in words}:
            return words(value)
        # YAML 1.2 reads `off` as a text, TOML and JSON have no such word: false is what others make of it.
        hint = "put it in quotes" if value is False and "off" in {*words} else self._meant([*words])
        self.refuse(f"{self.shown()} is not among its words", hint)
        return None

    def among(self, known: Collection[str], what: str) -> str | None:
        """Read a text that is one of those known."""
        text = self.text(what)
        if text is None or text in known:
            return text
        self.refuse(f"{self.shown()} is no {what}", self._meant(known))
        return None

    def expression(self) -> Expression | None:
        """Read an expression; the place of an error is that of the letter."""
        value = self.placed.value
        if not isinstance(value, str):
            self.refuse(f"an expression is asked for, not {self.shown()}", "such as: ok == true")
            return None
        try:
            return Expression.parse(value)
        except ExpressionError as error:
            inner = self.placed.inner
            at = inner and Place(inner.line, inner.column + error.column - 1)
            behind = "" if at else f" (character {error.column})"
            self.refuse(f"{error}{behind}", "known are and or not == != < <= > >= in", at=at)
            return None

    def items(self) -> Iterator[Field]:
        """Give the values of a list; one value alone counts as a list of it."""
        value = self.placed.value
        for number, item in enumerate(value if isinstance(value, list) else [self.placed], 1):
            yield Field(
                self.reading, item, f"{self.path}[{number}]" if isinstance(value, list) else self.path
            )

    def texts(self) -> tuple[str, ...]:
        return tuple(text for item in self.items() if (text := item.text()) is not None)

    def section(self) -> Section | None:
        if isinstance(self.placed.value, dict):
            return Section(self.reading, self.placed, self.path)
        self.refuse(f"a section with keys is asked for, not {self.shown()}")
        return None

    def shown(self) -> str:
        """Show the value as a message may: short, without secrets."""
        value = self.placed.value
        kinds = {dict: "a section", list: "a list", type(None): "nothing", bool: str(value).lower()}
        return kinds.get(type(value)) or shown(value)

    def _meant(self, known: Collection[str]) -> str:
        return did_you_mean(str(self.placed.value)[:100], known)


class Section:
    """A part of the document with keys. What nobody took by the end of the block is an unknown key."""

    def __init__(self, reading: Reading, placed: Placed, path: str = "") -> None:
        self.reading = reading
        self.place = placed.place
        self.path = path
        self._entries: dict[str, Placed] = placed.value
        self._known: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for key, placed in self._entries.items():
            if key not in self._known:
                path = self._below(key)
                self.reading.note(
                    path[:200],
                    placed.key or placed.place,
                    "this key is unknown",
                    nearest_key(key, self._known),
                )

    def take(self, key: str, read: Callable[[Field], Read | None]) -> Read | None:
        """Read the value of a key; None where it is not there, or is refused. A key that says nothing is refused."""
        if key not in self._known:
            self._known.append(key)
        placed = self._entries.get(key)
        if placed is None:
            return None
        found = Field(self.reading, placed, self._below(key))
        if placed.value is None:
            found.refuse("the key says nothing", "give it a value, or leave it away")
            return None
        self.reading.places[found.path] = placed.key or placed.place
        return read(found)

    def has(self, key: str) -> bool:
        return key in self._entries

    def fields(self) -> Iterator[tuple[str, Field]]:
        """Give every key with its value, for a section whose keys are names that the document gives."""
        for key in self._entries:
            found = self.take(key, lambda one: one)
            if found is not None:
                yield key, found

    def key_place(self, key: str) -> Place:
        placed = self._entries[key]
        return placed.key or placed.place

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def field_of(read: Callable[..., Any], *arguments: Any) -> Callable[[Field], Any]:
    """Give a reader with its bounds filled in: `field_of(Field.number, 0, 60)`."""
    return lambda one: read(one, *arguments)
