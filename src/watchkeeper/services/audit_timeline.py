"""Timelines: how the audit chain goes on after the database came back from elsewhere, or with a new key.

Transaction numbers order the rows of one life of a database. A restored one counts anew, or lives a time twice: its
rows begin a timeline, and the heads that were anchored after what it came back with are abandoned, signed and on
purpose.
"""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.audit_chain import Position, Seal
from watchkeeper.domain.errors import Conflict
from watchkeeper.services.audit_anchor import Anchor
from watchkeeper.services.audit_form import time_text
from watchkeeper.services.audit_keys import AuditFiles, SigningKey, read_or_make_key, trusted_keys
from watchkeeper.services.audit_sealer import seal_next, sign
from watchkeeper.storage import audit as store
from watchkeeper.storage.database import Connection, fetch, fetch_row

ACTOR = "system:restore"


async def begin_timeline(
    connection: Connection, restored_from: str, *, files: AuditFiles, actor: str = ACTOR
) -> int:
    """Begin the next timeline inside the caller's transaction, and give its number.

    Seals what came back unsealed, with this home's key, which is made where there is none; writes the audit row
    `timeline_began`, and the mark in the anchor. Waits for all writers of audit rows. The mark stands before the
    transaction has ended: should it not commit, the anchor demands less than it could until the next head is anchored.
    `restored_from` says where the data came from, in words. Raises Conflict when a sealer works at the same time.
    """
    key = read_or_make_key(files)
    await fetch(connection, "lock_audit_rows")
    anchored = Anchor(files.anchor).read(trusted_keys(files))
    restored = tip = await store.read_tip(connection)
    while True:
        signed, rows = await seal_next(connection, tip, key, all_final=True)
        if signed is None and rows:
            raise Conflict("another sealer works on the chain", hint="Stop 'watchkeeper watch' first.")
        if signed is None:
            break
        tip = await store.read_tip(connection)
    timeline = await _free_timeline(connection, max(tip.timeline, tip.last.timeline, anchored.timeline))
    await fetch(connection, "set_audit_timeline", {"timeline": timeline})
    await _mark_in_chain(connection, tip, timeline, key)
    record = {"timeline": timeline, "restored_from": restored_from, "abandoned_above": restored.number}
    await fetch(connection, "record_timeline", {**record, "actor": actor})
    checkpoints = await fetch_row(connection, "newest_audit_checkpoint")
    mark: dict[str, Any] = {
        "timeline": timeline,
        "abandoned_above": restored.number,
        "checkpoints_abandoned_above": checkpoints["number"],
        "head": restored.hash.hex(),
        "restored_from": restored_from,
        "at": time_text(restored.now),
    }
    Anchor(files.anchor).add_timeline(mark, key)
    return timeline


async def _free_timeline(connection: Connection, above: int) -> int:
    """Give the next timeline; rows that were inserted with one that never began stay outside of it, to be found."""
    timeline: int | None = (await fetch_row(connection, "free_audit_timeline", {"above": above}))["timeline"]
    if timeline is None:
        raise Conflict(
            f"no timeline above {above} is free: rows were inserted into the audit trail",
            hint="Run 'watchkeeper audit verify' and see docs/audit.md, 'When something is found'.",
        )
    return timeline


async def _mark_in_chain(connection: Connection, tip: store.Tip, timeline: int, key: SigningKey) -> None:
    """Add a seal of no rows: nothing of an older timeline is ever sealed behind it, and it tells the chain's key."""
    begin = Position(timeline, 0, 0)
    seal = Seal(
        number=tip.number + 1,
        rows_before=tip.rows_sealed,
        first=begin,
        last=begin,
        row_count=0,
        row_hashes=b"",
        previous_hash=tip.hash,
        key_id=key.id,
        sealed_at=time_text(tip.now),
    )
    if not await store.add_seal(connection, sign(seal, key)):
        raise Conflict("another sealer works on the chain", hint="Stop 'watchkeeper watch' first.")
