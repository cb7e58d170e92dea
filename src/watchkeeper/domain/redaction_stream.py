"""Redaction of text that arrives in chunks, with bounded memory and the same result as for the whole text."""

from __future__ import annotations

import codecs

from watchkeeper.domain.redaction import Redactor, merged, replace_spans
from watchkeeper.domain.secret_shapes import MAX_MATCH

CONTEXT = 512
"""Characters kept of what was passed on: what announces a secret is no longer than this."""


PIECES = 4
"""So much of a text, in buffers' lengths, is looked through at once: what waits is looked through again."""


class RedactingStream:
    """Redacts chunk by chunk: give each to `feed`, keep what it returns, and what `close` returns in the end.

    Whole lines are passed on at once; a line's beginning waits for its end, an unfinished key block for its
    own. Of a very long line all is passed on but its last part, in which a secret may have begun. Bytes are
    read as UTF-8, wrong ones shown as U+FFFD.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._hold = max(MAX_MATCH, redactor.longest_known)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting = ""
        self._before = ""
        self._inside: tuple[int, str] | None = None
        self._look_again_at = 0
        self.found: dict[str, int] = {}

    @property
    def held(self) -> int:
        """Count the characters that wait: never more than three times the longest secret."""
        return len(self._waiting)

    def feed(self, chunk: str | bytes) -> str:
        """Take a chunk and give what may be passed on."""
        text = self._decoder.decode(chunk) if isinstance(chunk, bytes) else chunk
        passed = []
        for begin in range(0, len(text), PIECES * self._hold):
            piece = text[begin : begin + PIECES * self._hold]
            self._waiting += piece
            ends_line = "\n" in piece and (len(self._waiting) >= self._look_again_at or "-----" in piece)
            if ends_line or len(self._waiting) >= 2 * self._hold:
                passed.append(self._pass_on(self._cut(), is_end=False))
        return "".join(passed)

    def close(self) -> str:
        """Give the rest."""
        self._waiting += self._decoder.decode(b"", final=True)
        return self._pass_on(len(self._waiting), is_end=True)

    def _cut(self) -> int:
        # A known secret of several lines may have begun before the last line's end.
        length = len(self._waiting)
        whole_lines = self._waiting.rfind("\n", 0, max(length - self._redactor.longest_known_block, 0)) + 1
        # So may one that is wrapped, as base64 is.
        unfinished = self._redactor.unfinished(self._before + self._waiting[:whole_lines]) - len(self._before)
        return max(min(whole_lines, max(unfinished, 0)), length - self._hold)

    def _pass_on(self, cut: int, *, is_end: bool) -> str:
        text, context = self._before + self._waiting, len(self._before)
        cut += context
        end, inside = cut, None
        passed = []
        for begin, span_end, kind in self._spans(text, context):
            if begin >= cut:
                break
            crosses = span_end >= cut and not is_end
            if crosses and (begin > context or len(self._waiting) < 2 * self._hold):
                end = begin
                break
            if crosses:
                # A chain of overlapping secrets, longer than the buffer: its beginning goes, its end is kept.
                inside, span_end = (span_end - cut, kind), cut
            passed.append((begin, span_end, kind))
            self.found[kind] = self.found.get(kind, 0) + 1
        out = replace_spans(text, passed, context, end)
        self._before, self._waiting = text[max(end - CONTEXT, 0) : end], text[end:]
        self._inside = inside if inside and inside[0] > 0 else self._inside if end == context else None
        self._look_again_at = 2 * len(self._waiting) if end < cut else 0
        return out

    def _spans(self, text: str, context: int) -> list[tuple[int, int, str]]:
        found = [
            (max(begin, context), end, rank, kind)
            for begin, end, rank, kind in self._redactor.ranked(text)
            if end > context
        ]
        if self._inside:
            length, kind = self._inside
            found.append((context, context + length, -1, kind))
        return merged(found)
