"""Redaction: secrets are taken out of every text before it is stored, shown or sent.

Known are the shapes of domain/secret_shapes.py, and given values in every form of domain/known_forms.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.known_forms import LONGEST_WRITING, KnownForms
from watchkeeper.domain.secret_assignments import Span, is_name_of_a_secret, names_a_secret
from watchkeeper.domain.secret_shapes import SHAPES, found_in

MAX_DEPTH = 64

MAX_KEPT_CHARS = 20_000
"""How much of a text of an attempt is kept, once its secrets are out."""

TAKEN_OUT = "taken_out"
"""The field of a supervisor's progress payload that names the kinds of secrets it took out of a session's output."""

KIND = re.compile(r"[a-z0-9_-]{1,40}")
"""How a kind of secret is named."""

_QUOTE = re.compile(r"(?:[A-Za-z]{1,12}[ :=]{1,2})?\[redacted:" + KIND.pattern + r"\]")
"""The value of a field whose secret somebody took out before, a scheme's name before it or none."""

_RANKS = {kind: rank for rank, kind in reversed([*enumerate(["known", *(shape.kind for shape in SHAPES)])])}


MAX_LEARNT = 1_000
"""Values learnt later that are held at least; after twice as many the older half is forgotten."""


MOST_PLAIN_KEYS, PLAIN_KEY_CHARS = 2_000, 64
"""So many keys, and no longer ones, are remembered to hold no secret: rows come by thousands under the same few."""


class SecretInName(UsageError):
    """A name looks as if it held a secret, and names are kept and shown as they are."""

    hint = (
        "Choose another; a secret belongs into no id, key or name, for these are kept and shown as they are."
    )


class Redactor:
    """Takes secrets out of text. Holds its known values in memory; make one per process or per job."""

    def __init__(self, known_values: Iterable[str] = ()) -> None:
        self._known = KnownForms(known_values)
        self._learnt, self._learnt_before = KnownForms(), KnownForms()
        self._plain_keys: set[str] = set()

    def learn(self, value: str) -> None:
        """Know one more value from now on, such as the token that came with a request."""
        if value in self._known or value in self._learnt:
            return
        if len(self._learnt) >= MAX_LEARNT:
            self._learnt, self._learnt_before = KnownForms(), self._learnt
        self._learnt.add(value)
        self._plain_keys = set()

    @property
    def longest_known(self) -> int:
        """Give the length of the longest form of a known value, however it is written."""
        return max(forms.longest for forms in self._all_forms) * LONGEST_WRITING

    @property
    def longest_known_block(self) -> int:
        """The same of those forms that have several lines of their own."""
        return max(forms.longest_block for forms in self._all_forms)

    def unfinished(self, text: str) -> int:
        """Give where at a text's end a known value may have begun that the next line goes on with."""
        return min(forms.unfinished(text) for forms in self._all_forms)

    def redact(self, text: str, taken: set[str] | None = None) -> str:
        """Give the text with each secret replaced by `[redacted:<kind>]`; `taken` collects the kinds.

        Only so is it known that a secret stood there: a mark alone may be the quote of one.
        """
        spans = self.spans(text)
        if taken is not None:
            taken.update(kind for _begin, _end, kind in spans)
        return replace_spans(text, spans, 0, len(text))

    def kept(self, text: str, most: int = MAX_KEPT_CHARS, taken: set[str] | None = None) -> str:
        """Give what is kept of a text: its first `most` characters, once its secrets are out."""
        return self.redact(text, taken)[:most]

    def kept_if_any(self, text: str | None, most: int = MAX_KEPT_CHARS) -> str | None:
        return None if text is None else self.kept(text, most)

    def suspects(self, text: str) -> bool:
        """Say whether the text seems to hold a secret."""
        return next(self._found(text), None) is not None

    def refuse_in_name(self, what: str, text: str | None) -> None:
        """Raise SecretInName where a name, which cannot be changed without a word, seems to hold a secret."""
        if text and (found := next(self._found(text), None)) is not None:
            raise SecretInName(f"{what} looks as if it held a secret ({found[1]})")

    def redact_data(self, data: Any, taken: set[str] | None = None, depth: int = 0) -> Any:
        """Give parsed JSON with its texts redacted, and with each text under a key such as `password`."""
        if isinstance(data, str):
            return self.redact(data, taken)
        if depth >= MAX_DEPTH and isinstance(data, dict | list | tuple):
            return "[redacted:too_deep]"
        if isinstance(data, dict):
            return {
                self._key(key, taken): self._under(key, value, taken, depth) for key, value in data.items()
            }
        if isinstance(data, list | tuple):
            return [self.redact_data(item, taken, depth + 1) for item in data]
        return data

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Give where secrets stand, as (begin, end, kind): in order, none overlapping another."""
        return merged(self.ranked(text))

    def _key(self, key: Any, taken: set[str] | None) -> Any:
        # What is learnt meanwhile makes another set: a key that was clean before it is put into the old one.
        plain = self._plain_keys
        if not isinstance(key, str) or key in plain:
            return key
        redacted = self.redact(key, taken)
        if redacted == key and len(key) <= PLAIN_KEY_CHARS and len(plain) < MOST_PLAIN_KEYS:
            plain.add(key)
        return redacted

    def _under(self, key: Any, value: Any, taken: set[str] | None, depth: int) -> Any:
        if isinstance(value, str) and value and isinstance(key, str) and names_a_secret(key):
            if _QUOTE.fullmatch(value) or is_name_of_a_secret(value):
                return value
            if taken is not None:
                taken.add("secret")
            return "[redacted:secret]"
        return self.redact_data(value, taken, depth + 1)

    def ranked(self, text: str) -> Iterator[tuple[int, int, int, str]]:
        """Give every finding as (begin, end, rank of its kind, kind), overlapping ones too."""
        for (begin, end), kind in self._found(text):
            yield begin, end, _RANKS[kind], kind

    @property
    def _all_forms(self) -> tuple[KnownForms, KnownForms, KnownForms]:
        return self._known, self._learnt, self._learnt_before

    def _found(self, text: str) -> Iterator[tuple[Span, str]]:
        for forms in self._all_forms:
            for span in forms.find(text):
                yield span, "known"
        yield from found_in(text)


def merged(spans: Iterable[tuple[int, int, int, str]]) -> list[tuple[int, int, str]]:
    """Join findings that overlap; the first names the whole, among equal ones that of the least rank."""
    joined: list[tuple[int, int, str]] = []
    for begin, end, _rank, kind in sorted(spans):
        if joined and begin < joined[-1][1]:
            first = joined[-1]
            joined[-1] = (first[0], max(first[1], end), first[2])
        else:
            joined.append((begin, end, kind))
    return joined


def replace_spans(text: str, spans: Iterable[tuple[int, int, str]], begin: int, end: int) -> str:
    """Give `text[begin:end]` with each span replaced; no span may cross either border."""
    pieces = []
    position = begin
    for span_begin, span_end, kind in spans:
        pieces += [text[position:span_begin], f"[redacted:{kind}]"]
        position = span_end
    pieces.append(text[position:end])
    return "".join(pieces)
