"""Redaction: secrets are taken out of every text before it is stored, shown or sent.

Known are the shapes of domain/secret_shapes.py, and given values, these also in base64, URL-encoded and
JSON-escaped form.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from watchkeeper.domain.secret_assignments import Span, names_a_secret
from watchkeeper.domain.secret_shapes import SHAPES

MIN_KNOWN = 6
"""Shorter given values are left: taking out "1" or "true" everywhere would destroy the text for nothing."""

MAX_DEPTH = 64

MAX_KEPT_CHARS = 20_000
"""How much of a text of an attempt is kept, once its secrets are out."""

_RANKS = {kind: rank for rank, kind in reversed([*enumerate(["known", *(shape.kind for shape in SHAPES)])])}


class Redactor:
    """Takes secrets out of text. Holds its known values in memory; make one per process or per job."""

    def __init__(self, known_values: Iterable[str] = ()) -> None:
        values = {value.strip() for value in known_values}
        forms = {form for value in values if len(value) >= MIN_KNOWN for form in encoded_forms(value)}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self.longest_known = max((len(form) for form in self._forms), default=0)
        self.longest_known_block = max((len(form) for form in self._forms if "\n" in form), default=0)

    def redact(self, text: str) -> str:
        """Give the text with each secret replaced by `[redacted:<kind>]`."""
        return replace_spans(text, self.spans(text), 0, len(text))

    def suspects(self, text: str) -> bool:
        """Say whether the text seems to hold a secret."""
        return next(self._found(text), None) is not None

    def redact_data(self, data: Any, depth: int = 0) -> Any:
        """Give parsed JSON with its texts redacted, and with each text under a key such as `password`."""
        if isinstance(data, str):
            return self.redact(data)
        if depth >= MAX_DEPTH and isinstance(data, dict | list | tuple):
            return "[redacted:too_deep]"
        if isinstance(data, dict):
            return {self._key(key): self._under(key, value, depth) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.redact_data(item, depth + 1) for item in data]
        return data

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Give where secrets stand, as (begin, end, kind): in order, none overlapping another."""
        return merged(self.ranked(text))

    def _key(self, key: Any) -> Any:
        return self.redact(key) if isinstance(key, str) else key

    def _under(self, key: Any, value: Any, depth: int) -> Any:
        if isinstance(value, str) and value and isinstance(key, str) and names_a_secret(key):
            return value if value.startswith("[redacted:") else "[redacted:secret]"
        return self.redact_data(value, depth + 1)

    def ranked(self, text: str) -> Iterator[tuple[int, int, int, str]]:
        """Give every finding as (begin, end, rank of its kind, kind), overlapping ones too."""
        for (begin, end), kind in self._found(text):
            yield begin, end, _RANKS[kind], kind

    def _found(self, text: str) -> Iterator[tuple[Span, str]]:
        for form in self._forms:
            begin = text.find(form)
            while begin >= 0:
                yield (begin, begin + len(form)), "known"
                begin = text.find(form, begin + len(form))
        for shape in SHAPES:
            for span in shape.spans(text):
                yield span, shape.kind


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


def encoded_forms(value: str) -> set[str]:
    """Give the forms in which a known secret may turn up: as it is, URL-encoded, JSON-escaped, in base64."""
    escaped = {quote(value, safe=safe) for safe in ("", "/", "!'()*-._~", "/:@")} | {quote_plus(value)}
    lower = {_lower_escapes(form) for form in escaped}
    in_json = {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    forms = {value} | escaped | lower | in_json | {form.replace("/", "\\/") for form in in_json}
    return {form for form in forms | _base64_forms(value.encode()) if len(form) >= MIN_KNOWN}


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
