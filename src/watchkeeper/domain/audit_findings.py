"""What can be wrong with an audit trail, and how rows are told from what a seal says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from watchkeeper.domain.audit_chain import Position

MOST_FINDINGS = 100
"""Findings that are kept, the first ones; all are counted."""


class What(StrEnum):
    """The closed list of findings."""

    EDITED = "edited"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    SEAL_EDITED = "seal_edited"
    SEAL_MISSING = "seal_missing"
    SEAL_UNSIGNED = "seal_unsigned"
    CHAIN_CUT = "chain_cut"
    CHAIN_FORKED = "chain_forked"
    CHECKPOINT_BAD = "checkpoint_bad"
    ARCHIVE_CHANGED = "archive_changed"
    MARK_FORGED = "mark_forged"
    UNSEALED_TAIL = "unsealed_tail"


class Note(StrEnum):
    """What is no fault in itself, and weakens what the chain proves."""

    UNANCHORED = "unanchored"
    UNSEALED_TAIL = "unsealed_tail"
    ARCHIVE_ELSEWHERE = "archive_elsewhere"
    ANCHOR_UNREADABLE = "anchor_unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `row` counts within the seal, from 1; `place` is the row's own, where it is known."""

    what: What
    detail: str
    seal: int | None = None
    row: int | None = None
    place: Position | None = None

    def to_json(self) -> dict[str, Any]:
        known: dict[str, Any] = {"what": self.what, "seal": self.seal, "row": self.row}
        if self.place is not None:
            known |= self.place._asdict()
        return {name: value for name, value in known.items() if value is not None} | {"detail": self.detail}


@dataclass(slots=True)
class Verification:
    """What a verification saw, in the order in which it looked: the first finding names the first bad row."""

    seals: int = 0
    rows: int = 0
    archived_rows: int = 0
    unsealed_rows: int = 0
    unsealed_seconds: float = 0.0
    head: str | None = None
    anchored_to: int | None = None
    found: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[tuple[Note, str]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.found == 0

    def add(self, finding: Finding) -> None:
        self.found += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    def note(self, note: Note, detail: str) -> None:
        self.notes.append((note, detail))

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "seals": self.seals,
            "rows": self.rows,
            "archived_rows": self.archived_rows,
            "unsealed_rows": self.unsealed_rows,
            "unsealed_seconds": round(self.unsealed_seconds, 3),
            "head": self.head,
            "anchored_to": self.anchored_to,
            "found": self.found,
            "findings": [finding.to_json() for finding in self.findings],
            "notes": [{"note": note, "detail": detail} for note, detail in self.notes],
        }


class Difference(NamedTuple):
    """A row that differs: its index among those expected, among those found, or both where it was edited."""

    expected: int | None
    found: int | None


def differences(expected: Sequence[bytes], found: Sequence[bytes]) -> list[Difference]:
    """Tell which hashes of a seal have no row and which rows no hash, in order.

    Between two rows that are right, what is too much and what is lacking are taken for one edited row as long as there
    is one of each. Hashes cover the rows' places, so that right rows stand in the right order.
    """
    have, wanted = set(found), set(expected)
    result: list[Difference] = []
    i = j = 0
    while i < len(expected) or j < len(found):
        gap = i
        while i < len(expected) and expected[i] not in have:
            i += 1
        lacking = list(range(gap, i))
        gap = j
        while j < len(found) and found[j] not in wanted:
            j += 1
        extra = list(range(gap, j))
        both = min(len(lacking), len(extra))
        result += [Difference(a, b) for a, b in zip(lacking, extra, strict=False)]
        result += [Difference(a, None) for a in lacking[both:]] + [Difference(None, b) for b in extra[both:]]
        if i < len(expected) and j < len(found) and expected[i] == found[j]:
            i, j = i + 1, j + 1
        elif j < len(found):  # a copy of a row that stood before
            result.append(Difference(None, j))
            j += 1
        elif i < len(expected):  # its row stood before, twice expected
            result.append(Difference(i, None))
            i += 1
    return result
