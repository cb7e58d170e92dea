"""The audit trail as the sealer and the verifier read it: raw columns in the total order, and the seals over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg.types.numeric import Int8BinaryLoader

from watchkeeper.domain.audit_chain import CHAIN_START, Position, SignedSeal
from watchkeeper.storage.database import Connection, fetch_one
from watchkeeper.storage.queries import query

NO_HORIZON = 2**63 - 1
"""Above every transaction: for timelines that nobody writes to any more."""


class RawRow(NamedTuple):
    """The columns of an audit row: `at` in microseconds since 2000 in UTC, `data` as PostgreSQL writes it."""

    timeline: int
    xid: int
    seq: int
    at: int
    project_id: str
    event: str
    actor: str
    on_behalf_of: str | None
    job_seq: int | None
    epoch: int | None
    old_state: str | None
    new_state: str | None
    reason: str | None
    data: str | None
    output_hash: str | None


class Tip(NamedTuple):
    """Where the chain ends, where the cluster's oldest writer stands, and which timeline new rows are of.

    Every row of the present timeline whose xid is below `horizon` is final: its transaction has ended. `number` is 0
    where nothing is sealed. `witness` is the hash of the seal that was asked about, None where there is none. `now`
    is in microseconds since 2000.
    """

    number: int
    last: Position
    rows_sealed: int
    hash: bytes
    key_id: str | None
    timeline: int
    horizon: int
    now: int
    witness: bytes | None


async def read_tip(connection: Connection, witness: int = 0) -> Tip:
    """Look at the chain's end, and at the hash of the seal numbered `witness`."""
    cursor = with_raw_numbers(connection.cursor(binary=True))
    await cursor.execute(query("audit_tip"), {"witness": witness})
    [row] = await cursor.fetchall()
    return Tip(
        row["number"],
        Position(row["last_timeline"], row["last_xid"], row["last_seq"]),
        row["rows_sealed"],
        row["hash"] or CHAIN_START,
        row["key_id"],
        row["timeline"],
        row["horizon"],
        row["now"],
        row["witness"],
    )


async def rows_after(
    connection: Connection, last: Position, timeline: int, horizon: int, limit: int
) -> list[RawRow]:
    """Give the next rows of a timeline behind a place, in the total order, of transactions below the horizon."""
    cursor = with_raw_numbers(connection.cursor(binary=True, row_factory=raw_rows))
    arguments = {"timeline": last.timeline, "xid": str(last.xid), "seq": last.seq}
    arguments |= {"of_timeline": timeline, "horizon": str(horizon), "limit": limit}
    await cursor.execute(query("audit_rows_after"), arguments)
    rows: list[RawRow] = await cursor.fetchall()
    return rows


async def add_seal(connection: Connection, signed: SignedSeal) -> bool:
    """Add a seal; false where another sealer has taken its number."""
    seal = signed.seal
    arguments = {
        "number": seal.number,
        "rows_before": seal.rows_before,
        "timeline": seal.last.timeline,
        "first_xid": str(seal.first.xid),
        "first_seq": seal.first.seq,
        "last_xid": str(seal.last.xid),
        "last_seq": seal.last.seq,
        "row_count": seal.row_count,
        "row_hashes": seal.row_hashes,
        "hash_version": seal.hash_version,
        "previous_hash": seal.previous_hash,
        "hash": signed.hash,
        "key_id": seal.key_id,
        "signature": signed.signature,
        "sealed_at": seal.sealed_at,
    }
    return await fetch_one(connection, "add_audit_seal", arguments) is not None


def with_raw_numbers(cursor: Any) -> Any:
    """Make a binary cursor give times and transaction ids as the numbers that they are stored as."""
    for name in ("timestamptz", "xid8"):
        cursor.adapters.register_loader(name, Int8BinaryLoader)
    return cursor


def raw_rows(_: Any) -> Any:
    """The row factory of queries that select the columns of `RawRow`."""

    def make(values: Sequence[Any]) -> RawRow:
        return RawRow._make(values)

    return make
