"""The audit trail as the sealer and the verifier read it: raw columns in the total order, and the seals over them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, NamedTuple

from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier
from psycopg.types.numeric import Int8BinaryLoader

from watchkeeper.domain.audit_chain import CHAIN_START, Position, SignedSeal
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one
from watchkeeper.storage.driver_errors import driver_errors
from watchkeeper.storage.queries import query

ROWS_A_CHUNK = 2000
SEALS_A_CHUNK = 50

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


class Moment(NamedTuple):
    """The database's time in microseconds since 2000, the timeline of new rows, and where its transactions stand.

    Those below `horizon` have all ended; none of `ceiling` or above has begun.
    """

    now: int
    timeline: int
    horizon: int
    ceiling: int


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


@asynccontextmanager
async def one_moment(database: Database) -> AsyncIterator[Connection]:
    """Lend a connection whose reads all see the same moment, for as long as the block takes."""
    async with database.connection() as connection:
        with driver_errors():
            async with connection.transaction():
                await fetch(connection, "read_steadily")
                yield connection


async def all_rows(connection: Connection) -> AsyncGenerator[list[RawRow], None]:
    """Stream all rows in the total order, a chunk at a time."""
    async for chunk in _stream(connection, "audit_rows_in_order", ROWS_A_CHUNK, raw_rows):
        yield chunk


async def rows_behind(connection: Connection, place: Position) -> AsyncGenerator[list[RawRow], None]:
    """Stream the rows behind a place in the total order."""
    bound = {"timeline": place.timeline, "xid": str(place.xid), "seq": place.seq}
    async for chunk in _stream(connection, "audit_rows_behind", ROWS_A_CHUNK, raw_rows, bound):
        yield chunk


async def rows_of_month(connection: Connection, month: date) -> AsyncGenerator[list[RawRow], None]:
    """Stream a month's rows in the total order."""
    async for chunk in _stream(connection, "audit_rows_of_month", ROWS_A_CHUNK, raw_rows, {"month": month}):
        yield chunk


async def all_seals(
    connection: Connection, first: int = 1, last: int = NO_HORIZON
) -> AsyncGenerator[Row, None]:
    """Stream seals in order: the columns of the table, times and transaction ids as numbers."""
    bounds = {"first": first, "last": last}
    async for chunk in _stream(connection, "audit_seals_in_order", SEALS_A_CHUNK, dict_row, bounds):
        for row in chunk:
            yield row


async def month_of(connection: Connection, month: date) -> Row:
    """Say whether a month has a partition and is over, and where its rows begin and end; raw numbers."""
    cursor = with_raw_numbers(connection.cursor(binary=True))
    await cursor.execute(query("audit_month"), {"month": month})
    [row] = await cursor.fetchall()
    return dict(row)


async def lock_partition(connection: Connection, partition: str) -> None:
    """Let nobody write to a partition before the end of the transaction; reading goes on."""
    await _on_partition(connection, "lock_audit_partition", partition)


async def drop_partition(connection: Connection, partition: str) -> None:
    """Drop a partition, or give up at once where somebody reads the trail: all writers would wait behind us."""
    await fetch(connection, "bound_lock_wait")
    await _on_partition(connection, "drop_audit_partition", partition)


async def _on_partition(connection: Connection, name: str, partition: str) -> None:
    await connection.execute(SQL(query(name)).format(partition=Identifier("watchkeeper", partition)))


async def checkpoints(connection: Connection) -> list[Row]:
    """Give all checkpoints in order: the columns of the table, times as numbers."""
    cursor = with_raw_numbers(connection.cursor(binary=True))
    await cursor.execute(query("audit_checkpoints_in_order"))
    rows: list[Row] = await cursor.fetchall()
    return rows


async def read_moment(connection: Connection) -> Moment:
    """Say what can stand in the trail as the connection's snapshot shows it."""
    cursor = with_raw_numbers(connection.cursor(binary=True))
    await cursor.execute(query("audit_moment"))
    [row] = await cursor.fetchall()
    return Moment(row["now"], row["timeline"], row["horizon"], row["ceiling"])


async def _stream(
    connection: Connection, name: str, size: int, rows: Any, arguments: Mapping[str, Any] | None = None
) -> AsyncIterator[list[Any]]:
    async with connection.cursor(name, row_factory=rows) as cursor:
        with_raw_numbers(cursor)
        await cursor.execute(query(name), arguments, binary=True)
        while chunk := await cursor.fetchmany(size):
            yield chunk


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
