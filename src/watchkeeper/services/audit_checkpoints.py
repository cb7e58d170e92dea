"""Checkpoints: which rows of the chain were archived and dropped, signed, so that only those may be missing."""

from __future__ import annotations

import asyncio
import json
from hashlib import file_digest
from pathlib import Path
from typing import Any

from watchkeeper.domain.audit_chain import CHAIN_START, CHECKPOINT_TAG, HASH_VERSION, statement_hash
from watchkeeper.domain.audit_findings import Finding, Note, Verification, What
from watchkeeper.domain.audit_places import Places, Range
from watchkeeper.services.audit_anchor import Anchored
from watchkeeper.services.audit_form import time_text
from watchkeeper.services.audit_keys import AuditFiles, TrustedKeys
from watchkeeper.storage import audit as store
from watchkeeper.storage.database import Connection, Row


def checkpoint_hash(row: Row) -> bytes:
    """Give the hash that is signed; `created_at` is raw, `ranges` are pairs of places."""
    return statement_hash(
        CHECKPOINT_TAG,
        {
            "hash_version": row["hash_version"],
            "number": str(row["number"]),
            "partition": row["partition"],
            "row_count": str(row["row_count"]),
            "ranges": [[str(begin), str(end)] for begin, end in row["ranges"]],
            "file": row["file"],
            "file_sha256": row["file_sha256"],
            "file_bytes": str(row["file_bytes"]),
            "previous_hash": row["previous_hash"].hex(),
            "key_id": row["key_id"],
            "created_at": time_text(row["created_at"]),
        },
    )


async def read_checkpoints(
    connection: Connection, files: AuditFiles, keys: TrustedKeys, anchored: Anchored, report: Verification
) -> Places:
    """Check all checkpoints and the archives that are still at hand; give the places that the genuine ones cover."""
    ranges: list[Range] = []
    previous, number = CHAIN_START, 0
    for row in await store.checkpoints(connection):
        number += 1
        row["ranges"] = json.loads(row["ranges"])
        problem = _problem(row, number, previous, keys, anchored.checkpoints.get(row["number"]))
        previous = row["hash"]
        if problem is not None:
            report.add(Finding(What.CHECKPOINT_BAD, f"checkpoint {row['number']}: {problem}"))
            continue
        ranges += [(int(begin), int(end)) for begin, end in row["ranges"]]
        await _check_file(files.archive / row["file"], row, report)
    if (newest := max(anchored.checkpoints, default=0)) > number:
        detail = f"checkpoint {newest} was anchored, and {number} are there"
        report.add(Finding(What.CHECKPOINT_BAD, detail))
    return Places(ranges)


def _problem(row: Row, number: int, previous: bytes, keys: TrustedKeys, anchored: bytes | None) -> str | None:
    try:
        digest = checkpoint_hash(row)
        counted = len(Places(row["ranges"]))
    except (TypeError, ValueError):
        return "its ranges are not ranges"
    if row["number"] != number or row["previous_hash"] != previous:
        return "it does not follow the one before"
    if not keys.signed(row["key_id"], row["signature"], CHECKPOINT_TAG, digest):
        return f"no trusted key has signed what it says (its key is {row['key_id']})"
    if digest != row["hash"] or row["hash_version"] != HASH_VERSION or counted != row["row_count"]:
        return "its hash or count was changed"
    if anchored is not None and anchored != digest:
        return "the anchor names another checkpoint of this number"
    return None


async def _check_file(path: Path, row: Row, report: Verification) -> None:
    try:
        found = await asyncio.to_thread(sha256_of, path)
    except FileNotFoundError:
        detail = f"{path} of checkpoint {row['number']} is not there; its SHA-256 is {row['file_sha256']}"
        report.note(Note.ARCHIVE_ELSEWHERE, detail)
        return
    if found != row["file_sha256"]:
        detail = f"{path} is not the file that checkpoint {row['number']} names"
        report.add(Finding(What.ARCHIVE_CHANGED, detail))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def checkpoint_arguments(row: Row) -> dict[str, Any]:
    """Give what `add_audit_checkpoint` binds."""
    return {**row, "ranges": json.dumps(row["ranges"]), "created_at": time_text(row["created_at"])}
