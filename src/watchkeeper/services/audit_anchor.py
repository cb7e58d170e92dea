"""The anchor: heads of the audit chain in a file outside the database, so that a cut or an old dump is seen.

One JSON object a line, appended and flushed to the disk. `head` names a seal by number and hash; `checkpoint` an
archived month; `timeline` says, signed, that the database was restored on purpose: heads above the one that it came
back with, anchored until then, are abandoned.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchkeeper.domain.audit_chain import TIMELINE_TAG, statement_hash
from watchkeeper.domain.errors import SettingError
from watchkeeper.services.audit_keys import SigningKey, TrustedKeys, append_line


@dataclass(frozen=True, slots=True)
class Head:
    """A seal's number, hash and timeline."""

    number: int
    hash: bytes
    timeline: int


@dataclass(slots=True)
class Anchored:
    """What an anchor file demands of the database. `bad_lines` are those that say nothing that can be read."""

    heads: dict[int, Head] = field(default_factory=dict)
    checkpoints: dict[int, bytes] = field(default_factory=dict)
    timeline: int = 0
    abandoned_above: int = 0
    forged_marks: list[int] = field(default_factory=list)
    bad_lines: list[int] = field(default_factory=list)

    @property
    def newest(self) -> Head | None:
        return self.heads[max(self.heads)] if self.heads else None


class Anchor:
    """One anchor file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add_head(self, head: Head, at: str) -> None:
        line = {"type": "head", "number": head.number, "timeline": head.timeline, "hash": head.hash.hex()}
        self._append(line | {"at": at})

    def add_checkpoint(self, number: int, digest: bytes, at: str, file_sha256: str) -> None:
        line = {"type": "checkpoint", "number": number, "hash": digest.hex(), "at": at}
        self._append(line | {"file_sha256": file_sha256})

    def add_timeline(self, mark: dict[str, Any], key: SigningKey) -> None:
        """Say, signed, that heads above `mark["abandoned_above"]` are abandoned."""
        digest = statement_hash(TIMELINE_TAG, mark)
        signed = {"key_id": key.id, "signature": key.sign(TIMELINE_TAG, digest).hex()}
        self._append({"type": "timeline", **mark, **signed})

    def read(self, keys: TrustedKeys) -> Anchored:
        """Give what the file demands; an absent file demands nothing. Raise SettingError for one that is unreadable."""
        found = Anchored()
        for number, line in self._lines():
            try:
                _take(found, number, json.loads(line), keys)
            except (ValueError, KeyError, TypeError):
                found.bad_lines.append(number)
        return found

    def _append(self, line: dict[str, Any]) -> None:
        try:
            append_line(self.path, json.dumps(line, separators=(",", ":")).encode() + b"\n")
        except OSError as error:
            raise SettingError(f"the anchor {self.path} cannot be written: {error.strerror}") from error

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        try:
            with self.path.open("rb") as file:
                yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())
        except FileNotFoundError:
            return
        except OSError as error:
            raise SettingError(f"the anchor {self.path} cannot be read: {error.strerror}") from error


def _take(found: Anchored, line_number: int, line: dict[str, Any], keys: TrustedKeys) -> None:
    match line["type"]:
        case "head":
            head = Head(int(line["number"]), bytes.fromhex(line["hash"]), int(line["timeline"]))
            # A sealer may have anchored the former database's head a moment after the restore.
            if head.timeline >= found.timeline or head.number <= found.abandoned_above:
                found.heads[head.number] = head
        case "checkpoint":
            found.checkpoints[int(line["number"])] = bytes.fromhex(line["hash"])
        case "timeline":
            unsigned = ("type", "key_id", "signature")
            mark = {name: value for name, value in line.items() if name not in unsigned}
            digest = statement_hash(TIMELINE_TAG, mark)
            if not keys.signed(line["key_id"], bytes.fromhex(line["signature"]), TIMELINE_TAG, digest):
                found.forged_marks.append(line_number)
                return
            found.timeline, found.abandoned_above = int(mark["timeline"]), int(mark["abandoned_above"])
            kept = int(mark["checkpoints_abandoned_above"])
            found.heads = {n: head for n, head in found.heads.items() if n <= found.abandoned_above}
            found.checkpoints = {n: hash_ for n, hash_ in found.checkpoints.items() if n <= kept}
        case _:
            raise ValueError(line["type"])
