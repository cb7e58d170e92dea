"""Archiving: a whole month of the audit trail goes into a file, a signed checkpoint says so, its partition is dropped.

Seals stay. A row may be missing only where a checkpoint covers its place in the chain, so that verification still names
every other row that is gone; the file's own rows are proven by the seals that stand in it.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from watchkeeper.domain.audit_chain import CHAIN_START, CHECKPOINT_TAG, HASH_VERSION, Position
from watchkeeper.domain.audit_findings import Verification
from watchkeeper.domain.audit_places import PlaceCollector
from watchkeeper.domain.errors import Conflict, NotFound, SettingError
from watchkeeper.services.audit_anchor import Anchor
from watchkeeper.services.audit_chain_check import ChainCheck
from watchkeeper.services.audit_checkpoints import checkpoint_arguments, checkpoint_hash, sha256_of
from watchkeeper.services.audit_export import MOST_ROWS_A_SEAL, header_line, row_lines, seal_line
from watchkeeper.services.audit_form import position_of, signed_seal, time_text
from watchkeeper.services.audit_keys import AuditFiles, SigningKey, read_key, trusted_keys
from watchkeeper.services.audit_row_check import RowReader
from watchkeeper.services.private_files import new_private_file, sync_folder
from watchkeeper.storage import audit as store
from watchkeeper.storage.audit import RawRow, Tip
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_row

VERIFY_FIRST = "Run 'watchkeeper audit verify'."


@dataclass(frozen=True, slots=True)
class Archived:
    """What was archived, and where to."""

    partition: str
    rows: int
    file: Path
    file_sha256: str
    checkpoint: int


class AuditArchive:
    """Moves months of the trail into files."""

    def __init__(self, database: Database, files: AuditFiles) -> None:
        self._database = database
        self._files = files

    async def look(self, month: date) -> str:
        """Give the partition of a month that may be archived; raise NotFound or Conflict where it may not."""
        async with self._database.transaction() as connection:
            return str((await self._may(connection, month))["partition"])

    async def archive(self, month: date, *, actor: str, reason: str) -> Archived:
        """Archive a month and drop its partition; writers of other months are held up for a moment at the end.

        Raises NotFound where the month has no partition of its own, and Conflict where it is not over, is not sealed
        to its end, or holds a row that is not what was sealed. The file is whole and on the disk before the drop.
        """
        async with self._database.transaction() as connection:
            found = await self._may(connection, month)
            await store.lock_partition(connection, found["partition"])
            found = await self._may(connection, month)
            tip = await store.read_tip(connection)
            key = self._key(tip)
            path = self._files.archive / f"watchkeeper-audit-{month:%Y-%m}.jsonl.gz"
            places, rows = await self._write(connection, month, found, path)
            newest = await fetch_row(connection, "newest_audit_checkpoint")
            checkpoint = {
                "number": newest["number"] + 1,
                "partition": found["partition"],
                "row_count": rows,
                "ranges": [list(each) for each in places.ranges],
                "file": path.name,
                "file_sha256": sha256_of(path),
                "file_bytes": path.stat().st_size,
                "hash_version": HASH_VERSION,
                "previous_hash": newest["hash"] or CHAIN_START,
                "key_id": key.id,
                "created_at": found["now"],
            }
            checkpoint["hash"] = checkpoint_hash(checkpoint)
            checkpoint["signature"] = key.sign(CHECKPOINT_TAG, checkpoint["hash"])
            record = checkpoint_arguments(checkpoint) | {"actor": actor, "reason": reason}
            await fetch(connection, "add_audit_checkpoint", record)
            await store.drop_partition(connection, found["partition"])
        digest, number = checkpoint["hash"], checkpoint["number"]
        Anchor(self._files.anchor).add_checkpoint(
            number, digest, time_text(found["now"]), checkpoint["file_sha256"]
        )
        return Archived(found["partition"], rows, path, checkpoint["file_sha256"], number)

    async def _may(self, connection: Connection, month: date) -> Row:
        found = await store.month_of(connection, month)
        if not found["present"]:
            raise NotFound(f"the audit trail has no partition of its own for {month:%Y-%m}")
        if not found["over"]:
            raise Conflict(f"{month:%Y-%m} is not over")
        if found["last_seq"] is not None:
            last = Position(found["last_timeline"], found["last_xid"], found["last_seq"])
            if (await store.read_tip(connection)).last < last:
                raise Conflict(
                    f"{month:%Y-%m} holds rows that are not sealed yet", hint="Let 'watch' seal them first."
                )
        return found

    def _key(self, tip: Tip) -> SigningKey:
        key = read_key(self._files.key)
        if key is None or (tip.key_id is not None and key.id != tip.key_id):
            raise SettingError(f"the chain's key is not at {self._files.key}")
        return key

    async def _write(
        self, connection: Connection, month: date, found: Row, path: Path
    ) -> tuple[PlaceCollector, int]:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(path.name + ".part")
        part.unlink(missing_ok=True)
        with new_private_file(part) as file:
            # No name and no time in the file's head: the same rows make the same bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as lines:
                lines.write(header_line("archive"))
                written = await self._write_rows(connection, month, found, lines.write)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
        return written

    async def _write_rows(
        self, connection: Connection, month: date, found: Row, write: Callable[[bytes], Any]
    ) -> tuple[PlaceCollector, int]:
        places, rows = PlaceCollector(), 0
        if found["first_seq"] is None:
            return places, rows
        bounds = {name: found[name] for name in found if name.startswith(("first_", "last_"))}
        bounds |= {name: str(bounds[name]) for name in ("first_xid", "last_xid")}
        around = await fetch_row(connection, "audit_seals_around", bounds)
        report = Verification()
        check = ChainCheck(trusted_keys(self._files), report)
        chunks = store.rows_of_month(connection, month)
        seals = store.all_seals(connection, around["first"], around["last"])
        async with aclosing(chunks), aclosing(seals):
            reader = RowReader(chunks)
            async for row in seals:
                signed = signed_seal(row)
                if not rows and not report.seals:
                    check.begin_before(signed.seal)
                check.admit(signed)
                write(seal_line(signed))
                own, _ = await reader.up_to(signed.seal.last, MOST_ROWS_A_SEAL)
                for place, line, raw, _ in row_lines(signed.seal, own):
                    _add(places, place, raw)
                    write(line)
                rows += len(own)
        if not report.ok:
            raise Conflict(
                f"the seals of the month are not in order: {report.findings[0].detail}", hint=VERIFY_FIRST
            )
        return places, rows


def _add(places: PlaceCollector, place: int | None, row: RawRow) -> None:
    """Add a row's place; raise Conflict for a row that was not sealed so, or stands twice."""
    if place is None:
        raise _not_as_sealed(row)
    try:
        places.add(place)
    except ValueError as error:
        raise _not_as_sealed(row) from error


def _not_as_sealed(row: RawRow) -> Conflict:
    return Conflict(f"the row at {position_of(row)} is not what was sealed", hint=VERIFY_FIRST)
