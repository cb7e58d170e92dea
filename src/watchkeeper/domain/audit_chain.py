"""The audit trail's chain: the order of its rows, what a seal says, and how both are hashed.

A seal covers a run of rows in the total order and names the seal before it by its hash, so that a signed head speaks
for all that came before it. Row hashes are of canonical bytes that are made elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

HASH_VERSION = 1
DIGEST_BYTES = 32

CHAIN_START = bytes(DIGEST_BYTES)
"""The previous hash of the first seal, and of the first checkpoint."""

# A tag for each purpose: no hash or signature of one can be taken for one of another.
ROW_TAG = b"watchkeeper audit row 1\n"
SEAL_TAG = b"watchkeeper audit seal 1\n"
CHECKPOINT_TAG = b"watchkeeper audit checkpoint 1\n"
TIMELINE_TAG = b"watchkeeper audit timeline 1\n"


class Position(NamedTuple):
    """A place in the total order. A timeline is one life of a database between two restores."""

    timeline: int
    xid: int
    seq: int

    def __str__(self) -> str:
        return f"timeline {self.timeline}, xid {self.xid}, seq {self.seq}"


BEFORE_ALL = Position(1, 0, 0)


@dataclass(frozen=True, slots=True)
class Seal:
    """One link. `row_hashes` are those of its rows in order; with no rows it marks the begin of a timeline."""

    number: int
    rows_before: int
    first: Position
    last: Position
    row_count: int
    row_hashes: bytes
    previous_hash: bytes
    key_id: str
    sealed_at: str
    hash_version: int = HASH_VERSION

    def hash(self) -> bytes:
        """Give the hash that the next seal names, and that is signed."""
        return statement_hash(
            SEAL_TAG,
            {
                "hash_version": self.hash_version,
                "number": str(self.number),
                "rows_before": str(self.rows_before),
                "timeline": self.last.timeline,
                "first": [str(self.first.xid), str(self.first.seq)],
                "last": [str(self.last.xid), str(self.last.seq)],
                "row_count": self.row_count,
                "rows": sha256(self.row_hashes).hexdigest(),
                "previous_hash": self.previous_hash.hex(),
                "key_id": self.key_id,
                "sealed_at": self.sealed_at,
            },
        )

    def hashes(self) -> Iterator[bytes]:
        for start in range(0, len(self.row_hashes), DIGEST_BYTES):
            yield self.row_hashes[start : start + DIGEST_BYTES]


@dataclass(frozen=True, slots=True)
class SignedSeal:
    """A seal as it is stored, with the hash and signature that it claims."""

    seal: Seal
    hash: bytes
    signature: bytes


def row_hash(canonical: bytes) -> bytes:
    return sha256(ROW_TAG + canonical).digest()


def statement_hash(tag: bytes, document: dict[str, Any]) -> bytes:
    """Hash a document of ASCII texts, small whole numbers and lists of them, for which this is RFC 8785's form."""
    return sha256(tag + canonical_statement(document)).digest()


def canonical_statement(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
