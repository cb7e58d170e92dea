"""Verification of the audit trail: raw rows against seals, seals against keys, the chain against its anchor.

Nothing that the database computes is trusted: rows are hashed here, from raw columns. What is read is one moment, in
the total order, in bounded memory. The anchor is read before that moment, so that all it demands was there by then.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from watchkeeper.domain.audit_findings import Finding, Note, Verification, What
from watchkeeper.domain.errors import SettingError
from watchkeeper.services.audit_anchor import Anchor, Anchored
from watchkeeper.services.audit_chain_check import ChainCheck
from watchkeeper.services.audit_checkpoints import read_checkpoints
from watchkeeper.services.audit_form import signed_seal
from watchkeeper.services.audit_keys import AuditFiles, trusted_keys
from watchkeeper.services.audit_row_check import RowCheck, RowReader
from watchkeeper.services.audit_tail_check import TailCheck
from watchkeeper.storage import audit as store
from watchkeeper.storage.database import Connection, Database

UNANCHORED_SECONDS = 60.0
"""Seals that are younger may well not be anchored yet."""


class AuditVerifier:
    """Reads a whole trail and says what is wrong with it; changes nothing."""

    def __init__(self, database: Database, files: AuditFiles) -> None:
        self._database = database
        self._files = files

    async def verify(self) -> Verification:
        """Verify the database; raise SettingError where there are seals and no public key is known."""
        keys = await asyncio.to_thread(trusted_keys, self._files)
        anchored = await asyncio.to_thread(Anchor(self._files.anchor).read, keys)
        report = Verification()
        async with store.one_moment(self._database) as connection:
            moment = await store.read_moment(connection)
            if not keys and (await store.read_tip(connection)).number:
                raise SettingError(
                    f"there is no key to verify with: neither {self._files.key} nor {self._files.trusted}",
                    hint="Copy audit-keys.pub from the machine that seals.",
                )
            archived = await read_checkpoints(connection, self._files, keys, anchored, report)
            check = ChainCheck(keys, report)
            unanchored_since = await self._check_chain(
                connection, check, RowCheck(archived, report), TailCheck(moment, report), anchored
            )
        _judge_anchor(report, check, anchored, unanchored_since, moment.now)
        return report

    async def _check_chain(
        self,
        connection: Connection,
        check: ChainCheck,
        rows: RowCheck,
        tail: TailCheck,
        anchored: Anchored,
    ) -> int | None:
        """Walk seals and rows; give when the oldest seal above the anchor was made."""
        newest = anchored.newest
        since: int | None = None
        async with (
            aclosing(store.all_rows(connection)) as chunks,
            aclosing(store.all_seals(connection)) as seals,
        ):
            reader = RowReader(chunks)
            async for row in seals:
                signed = signed_seal(row)
                genuine = check.admit(signed)
                head = anchored.heads.get(signed.seal.number)
                if head is not None and head.hash != (check.hash or signed.hash):
                    detail = "the anchor names another seal of this number"
                    check.find(What.CHAIN_FORKED, signed.seal.number, detail)
                if newest is None or signed.seal.number > newest.number:
                    since = row["sealed_at"] if since is None else since
                if genuine:
                    await rows.check(signed.seal, reader, certain=check.certain)
                    check.passed(signed.seal)
                else:
                    await reader.pass_over(signed.seal.last)
            await tail.check(reader.rest())
        return since


def _judge_anchor(
    report: Verification, check: ChainCheck, anchored: Anchored, unanchored_since: int | None, now: int
) -> None:
    report.head = None if check.hash is None or not check.number else check.hash.hex()
    newest = anchored.newest
    report.anchored_to = None if newest is None else newest.number
    for line in anchored.forged_marks:
        report.add(Finding(What.MARK_FORGED, f"the timeline mark in line {line} of the anchor is not signed"))
    if anchored.bad_lines:
        detail = f"{len(anchored.bad_lines)} lines of the anchor cannot be read, the first is {anchored.bad_lines[0]}"
        report.note(Note.ANCHOR_UNREADABLE, detail)
    if newest is not None and newest.number > check.number:
        detail = (
            f"the chain ends at seal {check.number}, and seal {newest.number} was anchored: its end was cut, "
        )
        report.add(Finding(What.CHAIN_CUT, detail + "or an old dump was restored", seal=check.number + 1))
    if newest is None:
        report.note(Note.UNANCHORED, "no head is anchored: a cut end or an old dump would not be seen")
    elif unanchored_since is not None and (now - unanchored_since) / 1e6 > UNANCHORED_SECONDS:
        report.note(Note.UNANCHORED, f"the seals behind {newest.number} are not anchored")
