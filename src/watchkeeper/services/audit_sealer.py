"""The duty that seals the audit trail: rows of ended transactions, hashed in the total order, signed, anchored.

A row's place is (timeline, xid, seq). Below the oldest transaction that still writes anywhere in the cluster nothing
can appear any more, so that neither the order of commits nor that of `seq` or `at` matters: an open writer delays the
chain and cannot put a row behind it. Two sealers at once are safe without a lock: a seal's number is given once.
"""

from __future__ import annotations

import asyncio

from watchkeeper.domain.audit_chain import SEAL_TAG, Seal, SignedSeal
from watchkeeper.domain.errors import SettingError
from watchkeeper.logs import log
from watchkeeper.services.audit_anchor import Anchor, Anchored, Head
from watchkeeper.services.audit_form import hash_of, position_of, time_text
from watchkeeper.services.audit_keys import AuditFiles, SigningKey, read_key, read_or_make_key, trusted_keys
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.storage import audit as store
from watchkeeper.storage.audit import NO_HORIZON, RawRow, Tip
from watchkeeper.storage.database import Connection, Database

INTERVAL_SECONDS = 0.5
BATCH = 1000
ANCHOR_SECONDS = 1.0

LEAST_SHARE = 0.05
"""The share of its time that a sealer works while rows come faster than it seals; the rest is the writers'."""

FULL_SPEED_SECONDS = 60.0
"""The share grows with the lag, to the whole where the chain is so far behind."""


class AuditSealer:
    """Seals a batch at a time; without the chain's key it leaves that to who has it, and says so once."""

    def __init__(
        self,
        database: Database,
        files: AuditFiles,
        *,
        batch: int = BATCH,
        anchor_seconds: float = ANCHOR_SECONDS,
    ) -> None:
        self._database = database
        self._files = files
        self._batch = batch
        self._anchor_seconds = anchor_seconds
        self._anchor = Anchor(files.anchor)
        self._key: SigningKey | None = None
        self._began: Anchored | None = None
        self._known: Head | None = None
        self._tried_at = float("-inf")
        self._said: dict[str, str | None] = {}
        self.anchored: Head | None = None

    def duty(self) -> Duty:
        return Duty("audit_sealer", self.run_once, INTERVAL_SECONDS, when_still=True)

    async def run_once(self) -> Ran:
        """Seal one batch, and anchor the head once a second; ask to go on soon where more waits."""
        try:
            ran = await self._seal()
        except SettingError as error:
            self._say("files", error.message)
            return Ran({})
        self._say("files", None)
        return ran

    async def _seal(self) -> Ran:
        clock = asyncio.get_running_loop().time
        began = clock()
        if self._began is None:
            self._began = self._read_anchor()
            self._known = self.anchored = self._began.newest
        async with self._database.statement() as connection:
            tip = await store.read_tip(connection, 0 if self._known is None else self._known.number)
            obstacle, key = self._may_seal(tip)
            self._say("chain", obstacle)
            if key is None:
                return Ran({})
            signed, rows = await seal_next(connection, tip, key, batch=self._batch)
        head = (
            _head(tip) if signed is None else Head(signed.seal.number, signed.hash, signed.seal.last.timeline)
        )
        self._known = head
        await self._anchor_head(head, tip, clock())
        if len(rows) < self._batch:
            return Ran({})
        share = min(1.0, max(LEAST_SHARE, (tip.now - rows[0].at) / 1e6 / FULL_SPEED_SECONDS))
        return Ran({}, (clock() - began) * (1 / share - 1))

    def _may_seal(self, tip: Tip) -> tuple[str | None, SigningKey | None]:
        """Give the key to seal with, or what stands in the way."""
        if self._known is not None and tip.witness != self._known.hash and not self._began_anew():
            return f"the database lacks seal {self._known.number}, which was made and anchored", None
        if tip.number and tip.timeline == tip.last.timeline and tip.horizon <= tip.last.xid:
            return "the database came from another cluster without a new timeline", None
        if self._key is None:
            self._key = read_key(self._files.key) if tip.number else read_or_make_key(self._files)
        if self._key is None:
            return f"there is no audit key at {self._files.key}", None
        if tip.number and tip.key_id != self._key.id:
            return f"the chain is sealed with key {tip.key_id}, the key here is {self._key.id}", None
        return None, self._key

    def _began_anew(self) -> bool:
        """Take what the anchor demands since a restore on purpose; false where there was none."""
        fresh = self._read_anchor()
        if self._began is None or fresh.timeline <= self._began.timeline:
            return False
        self._began, self._key = fresh, None
        self._known = self.anchored = fresh.newest
        return True

    def _read_anchor(self) -> Anchored:
        return self._anchor.read(trusted_keys(self._files))

    async def _anchor_head(self, head: Head | None, tip: Tip, now: float) -> None:
        if head is None or head == self.anchored or now - self._tried_at < self._anchor_seconds:
            return
        self._tried_at = now
        try:
            await asyncio.to_thread(self._anchor.add_head, head, time_text(tip.now))
        except SettingError as error:
            self._say("anchor", error.message)
        else:
            self._say("anchor", None)
            self.anchored = head

    def _say(self, about: str, obstacle: str | None) -> None:
        """Log what is in the way when it begins to be."""
        if obstacle is not None and obstacle != self._said.get(about):
            log("audit_not_sealed", detail=obstacle)
        self._said[about] = obstacle


def _head(tip: Tip) -> Head | None:
    return Head(tip.number, tip.hash, tip.last.timeline) if tip.number else None


async def seal_next(
    connection: Connection, tip: Tip, key: SigningKey, *, batch: int = BATCH, all_final: bool = False
) -> tuple[SignedSeal | None, list[RawRow]]:
    """Seal the next batch behind the tip and give it; no seal where nothing waits, or another sealer was faster.

    `all_final` says that nobody else can write rows, so that none needs to be waited for.
    """
    older = tip.last.timeline < tip.timeline
    horizon = NO_HORIZON if older or all_final else tip.horizon
    rows = await store.rows_after(connection, tip.last, tip.last.timeline, horizon, batch)
    if not rows and older:
        horizon = NO_HORIZON if all_final else tip.horizon
        rows = await store.rows_after(connection, tip.last, tip.timeline, horizon, batch)
    if not rows:
        return None, rows
    signed = sign(
        Seal(
            number=tip.number + 1,
            rows_before=tip.rows_sealed,
            first=position_of(rows[0]),
            last=position_of(rows[-1]),
            row_count=len(rows),
            row_hashes=b"".join(map(hash_of, rows)),
            previous_hash=tip.hash,
            key_id=key.id,
            sealed_at=time_text(tip.now),
        ),
        key,
    )
    return (signed if await store.add_seal(connection, signed) else None), rows


def sign(seal: Seal, key: SigningKey) -> SignedSeal:
    digest = seal.hash()
    return SignedSeal(seal, digest, key.sign(SEAL_TAG, digest))
