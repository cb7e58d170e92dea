"""Removes from the store in a bucket what no row names: a small object beside the file carries the time of its mark."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from watchkeeper.services.artifact_store import GRACE, Settled, Shard, checked_project, is_project
from watchkeeper.services.artifact_store_s3 import TOMBSTONE, S3ArtifactStore, key_of

_MARK_BYTES = 64


class S3ArtifactSweep:
    """Goes through the bucket, whose keys tell without another question which files are marked.

    A bucket has no lock. The mark is read again right before a file is removed, and a writer that finds one takes it
    away and puts the file again: only a removal that was sent before and arrives after that takes a file too many.
    """

    def __init__(self, store: S3ArtifactStore) -> None:
        self._bucket = store.bucket

    def projects(self) -> list[str]:
        return [name for name in self._bucket.folders() if is_project(name)]

    def shards(self, project: str) -> Iterator[Shard]:
        for page in self._bucket.pages(f"{checked_project(project)}/"):
            names = [key.rsplit("/", 1)[-1] for key in page]
            marked = frozenset(name.removesuffix(TOMBSTONE) for name in names if name.endswith(TOMBSTONE))
            if hashes := sorted(marked.union(name for name in names if len(name) == 64)):
                yield Shard(tuple(hashes), marked)

    def settle(
        self,
        project: str,
        shard: Shard,
        named: Collection[str],
        now: datetime,
        grace: timedelta = GRACE,
    ) -> Settled:
        marked = removed = revived = 0
        for sha256 in shard.hashes:
            key = key_of(project, sha256)
            if sha256 in named:
                if sha256 in shard.marked:
                    self._bucket.delete(key + TOMBSTONE)
                    revived += 1
            elif sha256 not in shard.marked:
                marked += self._bucket.write_once(key + TOMBSTONE, now.isoformat().encode())
            elif (marked_at := self._marked_at(key)) is not None and now - marked_at >= grace:
                self._bucket.delete(key)
                self._bucket.delete(key + TOMBSTONE)
                removed += 1
        return Settled(marked, removed, revived)

    def sweep_incoming(self) -> int:
        """Nothing: a broken upload shows nowhere; its parts end by the bucket's own rule for them."""
        return 0

    def _marked_at(self, key: str) -> datetime | None:
        text = self._bucket.read(key + TOMBSTONE, 0, _MARK_BYTES)
        return None if text is None else datetime.fromisoformat(text.decode())
