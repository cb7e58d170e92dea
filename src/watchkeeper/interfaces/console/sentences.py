"""Sentences of fixed forms: the program writes them down in English, and each reader is told them in his language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from watchkeeper.interfaces.console.i18n import Language

Said = Callable[[str, Language], str]
Part = Callable[[str, Language], str | None]
"""Says what stands at a place of a sentence; None where it cannot stand there, so that another form is meant."""

_PLACE = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class _Form:
    """A form between whose literal pieces each name has its place."""

    text: str
    pieces: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> _Form:
        split = _PLACE.split(text)
        return cls(text, tuple(piece.replace("%%", "%") for piece in split[::2]), tuple(split[1::2]))

    def readings(self, sentence: str) -> Iterator[dict[str, str]]:
        """Give what may stand at the places: each piece taken where it stands first, and where it stands last.

        No pattern goes back and forth in it, however long a name is that somebody gave.
        """
        begin, *between = self.pieces
        if not between:
            if sentence == begin:
                yield {}
            return
        end = between.pop()
        is_framed = len(sentence) >= len(begin) + len(end)
        if not (is_framed and sentence.startswith(begin) and sentence.endswith(end)):
            return
        rest = sentence[len(begin) : len(sentence) - len(end)]
        for cut in (_cut_early, _cut_late):
            parts = cut(rest, between)
            if len(parts) == len(self.names) and all(parts):
                yield dict(zip(self.names, parts, strict=True))


def _cut_early(text: str, pieces: list[str]) -> list[str]:
    parts: list[str] = []
    for piece in pieces:
        part, found, text = text.partition(piece)
        if not found:
            return []
        parts.append(part)
    return [*parts, text]


def _cut_late(text: str, pieces: list[str]) -> list[str]:
    parts: list[str] = []
    for piece in reversed(pieces):
        text, found, part = text.rpartition(piece)
        if not found:
            return []
        parts.insert(0, part)
    return [text, *parts]


def by_catalogue(form: str, language: Language) -> str:
    return language.translations.gettext(form)


class Sentences:
    """The forms as their writers fill them in, `%(name)s` at each place; what stands there is told by `parts`."""

    def __init__(self, forms: Iterable[str], parts: Mapping[str, Part], said: Said = by_catalogue) -> None:
        # The longest words first: what is said by a whole sentence is never taken for a name within a shorter one.
        self._forms = sorted(map(_Form.of, forms), key=lambda form: -sum(map(len, form.pieces)))
        self._parts = parts
        self._said = said

    def say(self, sentence: str, language: Language) -> str | None:
        """Say a sentence in the reader's language; None where it has no form that is known."""
        for form in self._forms:
            for reading in form.readings(sentence):
                told = {name: self._part(name, text, language) for name, text in reading.items()}
                if None not in told.values():
                    return self._said(form.text, language) % told
        return None

    def _part(self, name: str, text: str, language: Language) -> str | None:
        part = self._parts.get(name)
        return text if part is None else part(text, language)
