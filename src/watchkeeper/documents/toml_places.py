"""Where each value of a TOML text stands. The text is known to be valid, so that this only needs to find its parts."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

from watchkeeper.domain.placed import Place

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Stands:
    """Where a value stands, its key, and the first character of a text in one line without escapes."""

    place: Place
    key: Place | None = None
    inner: Place | None = None


Places = dict[Path, Stands]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_ATOM = re.compile(r"[^,\]}#\n]*")
_TEXT = re.compile(
    r'"""(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"""("{0,2})'
    r"|'''(?:[^']|'{1,2}(?!'))*'''('{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)


def places_of(text: str) -> Places:
    """Find the places of all values of a valid TOML text, by their paths; the document's own is ()."""
    scan = _Scan(text.replace("\r\n", "\n"))
    scan.document()
    return scan.places


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._line_begin, self._counted = 1, 0, 0
        self._lengths: dict[Path, int] = {}
        self.places: Places = {(): Stands(Place(1, 1))}

    def document(self) -> None:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> Path:
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        self._blanks()
        path: Path = ()
        names = self._names()
        for number, (name, place) in enumerate(names, 1):
            path = (*path, name)
            self.places.setdefault(path, Stands(place, place))
            if path in self._lengths and not (is_array and number == len(names)):
                path = (*path, self._lengths[path] - 1)
        if is_array:
            self._lengths[path] = self._lengths.get(path, 0) + 1
            path = (*path, self._lengths[path] - 1)
        self.places[path] = Stands(names[-1][1], names[-1][1])
        self._blanks()
        self._at += 2 if is_array else 1
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for name, place in self._names():
            path = (*path, name)
            self.places.setdefault(path, Stands(place, place))
        self._blanks()
        self._at += 1  # the equals sign
        self._blanks()
        self._value(path, self.places[path].key)

    def _value(self, path: Path, key: Place | None) -> None:
        place = self._place()
        first = self._text[self._at]
        inner = None
        if first == "[":
            self._list(path)
        elif first == "{":
            self._inline_table(path)
        elif first in "\"'":
            raw = self._skip(_TEXT)
            is_one_piece = not raw.startswith(('"""', "'''")) and (first == "'" or "\\" not in raw)
            inner = Place(place.line, place.column + 1) if is_one_piece else None
        else:
            self._skip(_ATOM)
        self.places[path] = Stands(place, key, inner)

    def _list(self, path: Path) -> None:
        self._at += 1
        number = 0
        self._skip(_BLANK)
        while self._text[self._at] != "]":
            self._value((*path, number), None)
            number += 1
            self._skip(_BLANK)
            self._comma()
            self._skip(_BLANK)
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        self._skip(_BLANK)
        while self._text[self._at] != "}":
            self._pair(path)
            self._skip(_BLANK)
            self._comma()
            self._skip(_BLANK)
        self._at += 1

    def _comma(self) -> None:
        if self._text[self._at] == ",":
            self._at += 1

    def _names(self) -> list[tuple[str, Place]]:
        """Go over a key, dotted perhaps; give its names, each with its place."""
        names = [self._name()]
        while _DOT.match(self._text, self._at):
            self._skip(_DOT)
            names.append(self._name())
        return names

    def _name(self) -> tuple[str, Place]:
        place = self._place()
        raw = self._skip(_KEY)
        return str(tomllib.loads(f"it = {raw}")["it"]) if raw[0] in "\"'" else raw, place

    def _blanks(self) -> None:
        while self._text[self._at] in " \t":
            self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError("this is no TOML that can be followed")
        self._at = found.end()
        return found[0]

    def _place(self) -> Place:
        """Count lines up to here; asked for in the order of the text."""
        if newlines := self._text.count("\n", self._counted, self._at):
            self._line += newlines
            self._line_begin = self._text.rindex("\n", 0, self._at) + 1
        self._counted = self._at
        return Place(self._line, self._at - self._line_begin + 1)
