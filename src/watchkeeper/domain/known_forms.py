"""Finds given values in a text, in every form in which they may turn up, at a cost that their number hardly changes.

Of many, a text is looked at every few characters: a piece that stands there begins no known form, which one look
into a table says, or names the few lengths to compare.
"""

from __future__ import annotations

import base64
import html
import json
import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

Span = tuple[int, int]

MIN_KNOWN = 8
"""Shorter values are not learnt: "1", "true" or "admin" taken out everywhere would destroy texts for nothing."""

MAX_KNOWN = 16_384
"""Longer ones are whole documents; what is secret in them has a shape, or stands beside a word that names it."""

TOO_COMMON = frozenset(
    (
        *("password", "passwords", "changeme", "changeit", "12345678", "123456789", "1234567890"),
        *("watchkeeper", "postgres", "postgresql", "localhost", "administrator", "anonymous"),
        *("disabled", "required", "optional", "undefined", "production", "development"),
    )
)
"""Words that people set as passwords and that any text may hold: as a secret they are lost already."""

FEWEST_CHARACTERS = 3
"""Different ones in a value: a row of dashes is no secret."""

WRAPPED_RUN = 16
"""Unbroken characters before a line's end from which on the next line may go on with them, as wrapped base64 does."""

_FEW = 400
"""Up to so many forms, searching for each takes less time than looking at every few characters."""

_PIECE = 4
_STRIDE = MIN_KNOWN - _PIECE + 1
_RUN = rf"(?<=[^\s\\]{{{WRAPPED_RUN}}}"
_BREAK = re.compile(
    rf"(?:\n{_RUN}\n)|\r\n{_RUN}\r\n)|\\(?:n{_RUN}\\n)|r\\n{_RUN}\\r\\n)))[ \t]{{0,64}}(?=[^\s\\])"
)
"""A line's end, written out or not, after an unbroken run. The run stands behind the literals, which are found fast."""

_LAST_BREAK = re.compile(r"(?<=[^\s\\]{16})(?:\r?\n|\\r\\n|\\n)[ \t]{0,64}\Z")
_LAST_RUNS = 4096

_COLOUR = re.compile(r"(?:\x1b|\\u001[bB]|\\x1[bB]|\\033|\\e)\[[0-9;:?]{0,32}[A-Za-z]")
_UNICODE = re.compile(r"\\u[0-9A-Fa-f]{4}")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);")
_VIEWS: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("[", _COLOUR, lambda _: ""),
    ("\\u", _UNICODE, lambda found: bytes.fromhex(found[2:]).decode("utf-16-be", "replace")),
    ("&", _ENTITY, html.unescape),
)
"""Ways of writing in which any character of a form may be hidden: what must occur, what is replaced, and by what."""

LONGEST_WRITING = 3
"""No view makes a form longer than so many times the longest, in which each byte takes three characters."""


def is_worth_knowing(value: str) -> bool:
    """Say whether a value may be taken out wherever it stands: it is long enough and not an everyday word."""
    return (
        MIN_KNOWN <= len(value) <= MAX_KNOWN
        and value.lower() not in TOO_COMMON
        and len(set(value)) >= FEWEST_CHARACTERS
    )


class KnownForms:
    """The forms of some values. What is added counts from the next search on."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        self._forms: set[str] = set()
        self._sorted: list[str] = []
        self._places: dict[str, set[tuple[int, int]]] = {}
        self.longest = 0
        self.longest_block = 0
        for value in values:
            self.add(value)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, value: str) -> bool:
        return value in self._values

    def add(self, value: str) -> None:
        """Add a value, unless it is too short or too common to be taken out of every text."""
        value = value.strip()
        if value in self._values or not is_worth_knowing(value):
            return
        self._values.add(value)
        for form in encoded_forms(value) - self._forms:
            self._forms.add(form)
            insort(self._sorted, form)
            for offset in range(_STRIDE):
                place = self._places.setdefault(form[offset : offset + _PIECE], set())
                # A new set each time: a search in another thread may be reading the old one.
                self._places[form[offset : offset + _PIECE]] = place | {(offset, len(form))}
            self.longest = max(self.longest, len(form))
            if "\n" in form:
                self.longest_block = max(self.longest_block, len(form))

    def find(self, text: str) -> Iterator[Span]:
        """Find every form, overlapping ones too, also where lines were wrapped within it."""
        if not self._forms:
            return
        yield from self._found(text)
        if "\n" in text or "\\n" in text:
            yield from self._found_in(text, _joined(text))
        for hint, pattern, character in _VIEWS:
            if hint in text:
                yield from self._found_in(text, _read_as(text, pattern, character))

    def unfinished(self, text: str) -> int:
        """Give where at a text's end a form may have begun that the next line goes on with; its length if nowhere."""
        if not self._forms or not _LAST_BREAK.search(text, max(0, len(text) - 200)):
            return len(text)
        begin = max(0, len(text) - _LAST_RUNS)
        joined, shifts = _joined(text[begin:] + ".")
        joined = joined.removesuffix(".")
        for at in range(max(0, len(joined) - self.longest), len(joined)):
            rest = joined[at:]
            near = bisect_left(self._sorted, rest)
            if near < len(self._sorted) and self._sorted[near].startswith(rest):
                return begin + _original(at, shifts)
        return len(text)

    def _found(self, text: str) -> Iterator[Span]:
        return self._found_one_by_one(text) if len(self._forms) <= _FEW else self._found_by_pieces(text)

    def _found_one_by_one(self, text: str) -> Iterator[Span]:
        for form in self._sorted:
            begin = text.find(form)
            while begin >= 0:
                yield begin, begin + len(form)
                begin = text.find(form, begin + 1)

    def _found_by_pieces(self, text: str) -> Iterator[Span]:
        places, forms = self._places, self._forms
        for at in range(0, len(text) - _PIECE + 1, _STRIDE):
            lengths = places.get(text[at : at + _PIECE])
            if lengths is None:
                continue
            for offset, length in lengths:
                begin = at - offset
                if begin >= 0 and text[begin : begin + length] in forms:
                    yield begin, begin + length

    def _found_in(self, text: str, view: tuple[str, list[tuple[int, int]]]) -> Iterator[Span]:
        seen, shifts = view
        if not shifts:
            return
        for begin, end in self._found(seen):
            # The last character may be written in several; a colour or a line's end after it is none of them.
            first, last = _original(begin, shifts), _original(end - 1, shifts) + 1
            if text[last - 1] != seen[end - 1] or text[last - 1] in "&\\":
                last = _original(end, shifts)
            if last - first > end - begin:
                yield first, last


def _read_as(
    text: str, pattern: re.Pattern[str], character: Callable[[str], str]
) -> tuple[str, list[tuple[int, int]]]:
    """Give the text with what is found replaced, and (position in it, characters left out before it)."""
    pieces, shifts, position, out = [], [], 0, 0
    for found in pattern.finditer(text):
        written = character(found[0])
        piece = text[position : found.start()] + written
        pieces.append(piece)
        out += len(piece)
        position = found.end()
        shifts.append((out, position - out))
    pieces.append(text[position:])
    return "".join(pieces), shifts


def _joined(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The same without the breaks of wrapped lines."""
    return _read_as(text, _BREAK, lambda _: "")


def _original(position: int, shifts: list[tuple[int, int]]) -> int:
    at = bisect_right(shifts, position, key=lambda shift: shift[0])
    return position + (shifts[at - 1][1] if at else 0)


def encoded_forms(value: str) -> set[str]:
    """Give the forms in which a known value may turn up: as it is, in URLs (twice, too), JSON, hex, base64."""
    data = value.encode("utf-8", "replace")
    percent = "".join(f"%{byte:02X}" for byte in data)
    escaped = {quote(data, safe=safe) for safe in ("", "/", "!'()*-._~", "/:@")} | {quote_plus(data), percent}
    in_base64 = _base64_forms(data)
    escaped |= {quote(form, safe="") for form in in_base64}
    escaped |= {_lower_escapes(form) for form in escaped}
    escaped |= {form.replace("%", "%25") for form in escaped}
    once = {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    in_json = once | {json.dumps(form, ensure_ascii=False)[1:-1] for form in once}
    in_json |= {form.replace("/", "\\/") for form in in_json}
    forms = {value, data.hex(), data.hex().upper()} | escaped | in_json | in_base64
    return {form for form in forms if len(form) >= MIN_KNOWN}


def _lower_escapes(text: str) -> str:
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def _base64_forms(value: bytes) -> set[str]:
    # Within a longer text ("user:secret") the value may begin at any of three places in a group of four
    # characters; of each form those characters are kept that depend on the value alone.
    forms = set()
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * shift + value).decode().rstrip("=")
            determined = (shift + len(value)) * 8 // 6
            forms.add(encoded[(0, 2, 3)[shift] : determined])
    return forms
