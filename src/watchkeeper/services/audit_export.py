"""Exports of the audit trail: JSON lines that anyone can verify with the public key, without the database.

The first line says what the file is. A `seal` line is followed by the lines of its rows; a row's line ends with its
canonical form, byte for byte as it was hashed, and tells its place in the chain (null where no seal covers it).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Any

from watchkeeper.domain.audit_chain import BEFORE_ALL, Seal, SignedSeal, row_hash
from watchkeeper.domain.errors import NotFound
from watchkeeper.services.audit_form import canonical_row, signed_seal, time_text
from watchkeeper.services.audit_row_check import RowReader
from watchkeeper.storage import audit as store
from watchkeeper.storage.audit import NO_HORIZON, RawRow
from watchkeeper.storage.database import Database

FILE_VERSION = 1
MOST_ROWS_A_SEAL = 1_000_000
CLOUDEVENTS_PREFIX = "dev.watchkeeper.audit"

Write = Callable[[bytes], object]


def header_line(kind: str) -> bytes:
    return _line({"watchkeeper_audit": kind, "version": FILE_VERSION})


def seal_line(signed: SignedSeal) -> bytes:
    seal = signed.seal
    return _line(
        {
            "seal": {
                "number": seal.number,
                "rows_before": seal.rows_before,
                "first": list(seal.first),
                "last": list(seal.last),
                "row_count": seal.row_count,
                "row_hashes": base64.b64encode(seal.row_hashes).decode(),
                "previous_hash": seal.previous_hash.hex(),
                "key_id": seal.key_id,
                "sealed_at": seal.sealed_at,
                "hash_version": seal.hash_version,
                "hash": signed.hash.hex(),
                "signature": signed.signature.hex(),
            }
        }
    )


def row_lines(seal: Seal, rows: list[RawRow]) -> Iterator[tuple[int | None, bytes, RawRow, bytes]]:
    """Give each row's place, line, and canonical form."""
    places = {digest: seal.rows_before + n for n, digest in enumerate(seal.hashes())}
    for row in rows:
        canonical = canonical_row(row)
        place = places.get(row_hash(canonical))
        yield place, b'{"place":%s,"row":%s}\n' % (json.dumps(place).encode(), canonical), row, canonical


def cloud_event(row: RawRow, place: int | None, canonical: bytes) -> bytes:
    """Wrap a row in a CloudEvents 1.0 envelope; `place` is an extension attribute."""
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{row.timeline}-{row.xid}-{row.seq}",
        "source": f"urn:watchkeeper:project:{row.project_id}",
        "type": f"{CLOUDEVENTS_PREFIX}.{row.event}.v1",
        "time": time_text(row.at),
        "datacontenttype": "application/json",
    }
    if row.job_seq is not None:
        envelope["subject"] = f"job/{row.job_seq}"
    if place is not None:
        envelope["place"] = str(place)
    return json.dumps(envelope, separators=(",", ":")).encode()[:-1] + b',"data":' + canonical + b"}\n"


async def export(
    database: Database, write: Write, *, first: int = 1, last: int = NO_HORIZON, cloudevents: bool = False
) -> int:
    """Write the rows of a range of seals, with the seals; give how many rows. Raise NotFound where there is no seal."""
    rows = 0
    async with store.one_moment(database) as connection:
        before = BEFORE_ALL
        async for row in store.all_seals(connection, first - 1, first - 1):
            before = signed_seal(row).seal.last
        if not cloudevents:
            write(header_line("export"))
        seals = 0
        behind = store.all_rows(connection) if first <= 1 else store.rows_behind(connection, before)
        async with aclosing(behind) as chunks, aclosing(store.all_seals(connection, first, last)) as found:
            reader = RowReader(chunks)
            async for row in found:
                signed = signed_seal(row)
                seals += 1
                if not cloudevents:
                    write(seal_line(signed))
                own, _ = await reader.up_to(signed.seal.last, MOST_ROWS_A_SEAL)
                for place, line, raw, canonical in row_lines(signed.seal, own):
                    write(cloud_event(raw, place, canonical) if cloudevents else line)
                rows += len(own)
    if not seals:
        raise NotFound(
            "there is no seal in that range", hint="'watchkeeper audit verify' tells how many there are."
        )
    return rows


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
