"""Snapshots: what a completion was verified by at foreign addresses, kept in the own store as its artifacts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.domain.evidence import FileFindings, GateVerdict
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.artifact_store import ArtifactStore, StoredBlob
from watchkeeper.services.foreign_evidence import OpenedAddresses
from watchkeeper.services.secret_scan import holds_secret
from watchkeeper.storage.database import Connection, fetch


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One fetched file, whose bytes stand in the store already; without a row they are swept after a day."""

    file: FileFindings
    blob: StoredBlob
    media_type: str | None
    is_primary: bool
    title: str | None
    secret_suspected: bool


class Snapshots:
    """Takes snapshots while the fetched bytes are there, and names them when the completion is written."""

    def __init__(self, store: ArtifactStore, redactor: Redactor) -> None:
        self._store = store
        self._redactor = redactor

    async def take(
        self, project_id: str, verdict: GateVerdict, opened: OpenedAddresses
    ) -> tuple[Snapshot, ...]:
        """Put what the verdict rests on into the store; raise ContractRejected (`too_large`), or the store's errors."""
        return tuple(
            [
                await asyncio.to_thread(self._take, project_id, file, verdict, opened)
                for file in verdict.files
                if file.url is not None
            ]
        )

    def _take(
        self, project_id: str, file: FileFindings, verdict: GateVerdict, opened: OpenedAddresses
    ) -> Snapshot:
        fetched = opened.fetched[file.key]
        blob = self._store.put_file(project_id, fetched.body)
        if blob.sha256 != file.sha256:
            raise WatchkeeperError("a fetched file changed on this machine's disk while it was checked")
        is_primary = verdict.primary_file is not None and verdict.primary_file.key == file.key
        return Snapshot(
            file,
            blob,
            fetched.media_type,
            is_primary,
            verdict.primary.title if is_primary and verdict.primary else None,
            holds_secret(self._store, self._redactor, project_id, blob.sha256),
        )

    async def keep(
        self, connection: Connection, where: dict[str, Any], snapshots: Sequence[Snapshot]
    ) -> None:
        """Name snapshots as artifacts, under the addresses that they were fetched from."""
        for snapshot in snapshots:
            await fetch(connection, "add_snapshot", {**where, **self._row(snapshot)})

    def _row(self, snapshot: Snapshot) -> dict[str, Any]:
        clean = self._redactor.redact
        return {
            "kind": snapshot.file.kind.value,
            "name": clean(snapshot.file.name),
            "title": clean(snapshot.title) if snapshot.title else None,
            "url": clean(snapshot.file.url or ""),
            "sha256": snapshot.blob.sha256,
            "bytes": snapshot.blob.bytes,
            "media_type": snapshot.media_type,
            "is_primary": snapshot.is_primary,
            "secret_suspected": snapshot.secret_suspected,
        }
