"""Verification of an export or archive by itself: with the public key, without the database."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from watchkeeper.domain.audit_chain import Position, Seal, SignedSeal, row_hash
from watchkeeper.domain.audit_findings import Finding, Verification, What
from watchkeeper.domain.errors import UsageError
from watchkeeper.services.audit_chain_check import ChainCheck
from watchkeeper.services.audit_export import FILE_VERSION
from watchkeeper.services.audit_keys import TrustedKeys

ROW_START = b',"row":'


def verify_file(path: Path, keys: TrustedKeys) -> Verification:
    """Verify a file of `audit export` or `audit archive`; raise UsageError for a file that is none.

    An export must hold every row of its seals. An archive holds one month's: which rows it must hold, says the
    checkpoint that names its SHA-256.
    """
    report = Verification()
    with _opened(path) as file:
        try:
            _check(file, keys, report)
        except (ValueError, KeyError, TypeError, EOFError) as error:
            raise UsageError(f"{path} is no export of the audit trail: {type(error).__name__}") from error
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error}") from error
    return report


def _check(file: BinaryIO, keys: TrustedKeys, report: Verification) -> None:
    header = json.loads(file.readline())
    if header["version"] != FILE_VERSION:
        raise ValueError(header["version"])
    check = ChainCheck(keys, report)
    part = _Part(whole=header["watchkeeper_audit"] != "archive", report=report)
    for line in file:
        if line.startswith(b'{"seal":'):
            part.close()
            signed = _seal(json.loads(line)["seal"])
            if not report.seals:
                check.begin_before(signed.seal)
            part.open(signed.seal, genuine=check.admit(signed))
        else:
            part.take(line)
    part.close()
    report.head = None if check.hash is None or not check.number else check.hash.hex()


class _Part:
    """The rows of one seal as they come."""

    def __init__(self, *, whole: bool, report: Verification) -> None:
        self._whole = whole
        self._report = report
        self._seal: Seal | None = None
        self._wanted: list[bytes] = []
        self._seen: set[int] = set()

    def open(self, seal: Seal, *, genuine: bool) -> None:
        self._seal = seal if genuine else None
        self._wanted, self._seen = list(seal.hashes()), set()

    def take(self, line: bytes) -> None:
        start, mark, rest = line.partition(ROW_START)
        if not mark or not rest.endswith(b"}\n"):
            raise ValueError("not a row")
        place, canonical = json.loads(start + b"}")["place"], rest[:-2]
        self._report.rows += 1
        if self._seal is None:
            return
        index = -1 if place is None else int(place) - self._seal.rows_before
        if not 0 <= index < len(self._wanted) or index in self._seen:
            self._find(What.INSERTED, "no seal covers this row", None, canonical)
            return
        self._seen.add(index)
        if row_hash(canonical) != self._wanted[index]:
            self._find(What.EDITED, "this row is not what was sealed", index + 1, canonical)

    def close(self) -> None:
        if self._seal is None or not self._whole:
            return
        for index in sorted(set(range(len(self._wanted))) - self._seen):
            detail = f"row {index + 1} of {len(self._wanted)} is not in the file"
            self._report.add(Finding(What.MISSING, detail, self._seal.number, index + 1))

    def _find(self, what: What, detail: str, number: int | None, canonical: bytes) -> None:
        row = json.loads(canonical)
        place = Position(int(row["timeline"]), int(row["xid"]), int(row["seq"]))
        number_of_seal = None if self._seal is None else self._seal.number
        self._report.add(Finding(what, detail, number_of_seal, number, place))


def _seal(document: dict[str, Any]) -> SignedSeal:
    seal = Seal(
        number=int(document["number"]),
        rows_before=int(document["rows_before"]),
        first=Position(*map(int, document["first"])),
        last=Position(*map(int, document["last"])),
        row_count=int(document["row_count"]),
        row_hashes=base64.b64decode(document["row_hashes"], validate=True),
        previous_hash=bytes.fromhex(document["previous_hash"]),
        key_id=str(document["key_id"]),
        sealed_at=str(document["sealed_at"]),
        hash_version=int(document["hash_version"]),
    )
    return SignedSeal(seal, bytes.fromhex(document["hash"]), bytes.fromhex(document["signature"]))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as plain:
            if path.suffix != ".gz":
                yield plain
                return
            with gzip.open(plain) as unpacked:
                yield cast("BinaryIO", unpacked)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}") from error
