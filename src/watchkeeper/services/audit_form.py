"""The canonical form of an audit row, version 1: the bytes that are hashed, made from raw columns.

The form is an RFC 8785 object of all columns: numbers that may be large and times are text, a column without a value
is null, and `data` is left out where it is NULL. Where `data` holds what RFC 8785 cannot say (a number that is not
the shortest form of a double, or nesting beyond any use), its text as PostgreSQL writes it stands in `data_exact`
instead: two different rows never have the same form.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
import rfc8785

from watchkeeper.domain.audit_chain import Position, Seal, SignedSeal, row_hash
from watchkeeper.storage.audit import RawRow
from watchkeeper.storage.database import Row

MOST_NESTING = 100
SAFE_INTEGER = 2**53 - 1
_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - PostgreSQL's, in UTC; the text gets its Z below

# orjson sorts by code point and RFC 8785 by UTF-16, which differ where there are characters beyond the first plane;
# and it writes numbers with a fraction in another form. Whole numbers of 15 digits are safe for both. False alarms
# cost time only.
_NOT_FOR_ORJSON = re.compile(r"[\U00010000-\U0010ffff]|(?:^|[\[ ])-?(?:[0-9]+\.|[0-9]{16})")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def canonical_row(row: RawRow) -> bytes:
    """Give the bytes that stand for a row."""
    data = row.data
    document: dict[str, Any] = {
        "timeline": row.timeline,
        "xid": str(row.xid),
        "seq": str(row.seq),
        "at": time_text(row.at),
        "project_id": row.project_id,
        "event": row.event,
        "actor": row.actor,
        "on_behalf_of": row.on_behalf_of,
        "job_seq": None if row.job_seq is None else str(row.job_seq),
        "epoch": row.epoch,
        "old_state": row.old_state,
        "new_state": row.new_state,
        "reason": row.reason,
        "output_hash": row.output_hash,
    }
    if data is not None:
        if _NOT_FOR_ORJSON.search(data) or data.count("{") + data.count("[") > MOST_NESTING:
            return rfc8785.dumps(document | _unusual(data))
        document["data"] = orjson.loads(data)
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def hash_of(row: RawRow) -> bytes:
    return row_hash(canonical_row(row))


def position_of(row: RawRow) -> Position:
    return Position(row.timeline, row.xid, row.seq)


def _unusual(text: str) -> dict[str, Any]:
    """Give `data` as a field: as JSON where RFC 8785 can say it, else as its text."""
    if _nesting(text) > MOST_NESTING:
        return {"data_exact": text}
    try:
        return {"data": json.loads(text, parse_int=_number, parse_float=_number)}
    except _NotADouble:
        return {"data_exact": text}


class _NotADouble(Exception):
    """A number that a double cannot say."""


def _number(token: str) -> int | float:
    exact = Decimal(token)
    if exact == exact.to_integral_value() and abs(exact) <= SAFE_INTEGER:
        return int(exact)
    nearest = float(token)
    if Decimal(repr(nearest)) != exact:
        raise _NotADouble
    return nearest


def _nesting(text: str) -> int:
    depth = deepest = 0
    for character in _STRING.sub("", text):
        if character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest


def time_text(microseconds: int) -> str:
    """Write a stored time, microseconds since 2000; one outside the calendar (infinity) as that number."""
    seconds, rest = divmod(microseconds, 1_000_000)
    try:
        return f"{_second(seconds)}.{rest:06d}Z"
    except OverflowError:
        return f"2000-01-01T00:00:00Z{microseconds:+d}us"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


def signed_seal(row: Row) -> SignedSeal:
    """Give a stored seal, whose columns are raw."""
    timeline = row["timeline"]
    seal = Seal(
        number=row["number"],
        rows_before=row["rows_before"],
        first=Position(timeline, row["first_xid"], row["first_seq"]),
        last=Position(timeline, row["last_xid"], row["last_seq"]),
        row_count=row["row_count"],
        row_hashes=row["row_hashes"],
        previous_hash=row["previous_hash"],
        key_id=row["key_id"],
        sealed_at=time_text(row["sealed_at"]),
        hash_version=row["hash_version"],
    )
    return SignedSeal(seal, row["hash"], row["signature"])
