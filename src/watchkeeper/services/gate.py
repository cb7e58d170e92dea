"""The gate at work: files go into the own store, and their evidence is read back before a job is called completed.

What is judged, and how, is in domain/gate.py; this reads the bytes, asks it, and keeps what it found.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.domain.artifacts import ArtifactKind, ClaimedArtifact, guess_kind, normalise_kind
from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.errors import ContractRejected, GateFailed, StaleLease, WatchkeeperError
from watchkeeper.domain.evidence import GateVerdict, StoredFile
from watchkeeper.domain.file_names import checked_name
from watchkeeper.domain.gate import claims_of, judge
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.redaction_stream import RedactingStream
from watchkeeper.services.artifact_store import CHUNK_BYTES, ArtifactStore, StoredBlob
from watchkeeper.services.stored_evidence import read_evidence
from watchkeeper.storage.database import Database, Row, fetch
from watchkeeper.storage.jobs import HeldLease

READING_SECONDS = 60.0
"""How long all files of one check may take to be read; the lease of a session outlasts it."""


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """What the gate found; `verified` is `artifact` for evidence that passed, `none` without a contract."""

    verified: str
    rejected: bool
    failed: list[dict[str, str]]
    output_hash: str
    http_status: int | None = None
    files: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give what `verify` answers."""
        return {
            "http_status": self.http_status,
            "file_count": len(self.files),
            "files": list(self.files),
            "output_hash": self.output_hash,
            "failed": self.failed,
        }

    def demand(self) -> None:
        """Raise ContractRejected or GateFailed, with every failed check, unless all passed."""
        if self.rejected:
            raise ContractRejected(failed=self.failed)
        if self.failed:
            raise GateFailed(failed=self.failed)


class Gate:
    """Stores what attempts produce and checks it against their contracts."""

    def __init__(self, database: Database, store: ArtifactStore, redactor: Redactor) -> None:
        self._database = database
        self._store = store
        self._redactor = redactor

    async def store_bytes(
        self, project_id: str, lease: HeldLease, name: str, content: bytes, kind: str | None = None
    ) -> Row:
        """Store bytes as an artifact of the attempt that holds the lease; raise StaleLease where it is lost."""
        blob = await asyncio.to_thread(self._store.put, project_id, [content])
        return await self._add(project_id, lease, name, kind, blob)

    async def store_file(
        self, project_id: str, lease: HeldLease, name: str, path: Path, kind: str | None = None
    ) -> Row:
        """The same for a file, which is read as a stream."""
        blob = await asyncio.to_thread(self._store.put_file, project_id, path)
        return await self._add(project_id, lease, name, kind, blob)

    async def _add(
        self, project_id: str, lease: HeldLease, name: str, kind: str | None, blob: StoredBlob
    ) -> Row:
        name = checked_name(name)
        self._redactor.refuse_in_name("the file name", name)
        media_type = mimetypes.guess_type(name)[0]
        suspected = await asyncio.to_thread(self._holds_secret, project_id, blob.sha256)
        row = await self._database.fetch_one(
            "add_artifact",
            {
                "project_id": project_id,
                "seq": lease.seq,
                "epoch": lease.epoch,
                "token_hash": lease.token_hash,
                "kind": (normalise_kind(kind) if kind else guess_kind(name, media_type)).value,
                "name": name,
                "title": None,
                "sha256": blob.sha256,
                "bytes": blob.bytes,
                "media_type": media_type,
                "secret_suspected": suspected,
            },
        )
        if row is None:
            raise StaleLease
        return row

    async def check(
        self,
        project_id: str,
        lease: HeldLease,
        contract: Any,
        claimed: Sequence[ClaimedArtifact],
        *,
        command: str,
    ) -> GateOutcome:
        """Judge an attempt's evidence against its contract, and keep what was found.

        Without a contract nothing is demanded and nothing is verified. Nothing claimed means all that was stored.
        """
        where = {"project_id": project_id, "seq": lease.seq, "epoch": lease.epoch}
        rows = await self._database.fetch("job_artifacts", where)
        deadline = time.monotonic() + READING_SECONDS
        manifest = [await asyncio.to_thread(self._read, project_id, row, deadline) for row in rows]
        verdict = judge(
            ResultContract.parse(contract if contract is not None else {"primary": "any"}),
            list(claimed) or claims_of(manifest),
            manifest,
        )
        if contract is None and command == "complete":
            return GateOutcome("none", rejected=False, failed=[], output_hash=verdict.output_hash)
        await self._keep(where, verdict, command)
        return GateOutcome(
            "artifact" if contract is not None else "none",
            bool(verdict.rejected),
            self._redactor.redact_data(verdict.failed_json()),
            verdict.output_hash,
            verdict.http_status,
            tuple(verdict.files_json()),
        )

    async def _keep(self, where: dict[str, Any], verdict: GateVerdict, command: str) -> None:
        primary = verdict.primary_file
        async with self._database.transaction() as connection:
            kept = await fetch(
                connection,
                "add_artifact_check",
                {
                    **where,
                    "command": command,
                    "primary_url": None if primary is None else f"artifact:{primary.artifact_id}",
                    "http_status": verdict.http_status,
                    "file_count": len(verdict.files),
                    "files": json.dumps(verdict.files_json()),
                    "failed": json.dumps(self._redactor.redact_data(verdict.failed_json())),
                    "passed": verdict.passed,
                    "output_hash": verdict.output_hash,
                },
            )
            if not kept:
                raise WatchkeeperError("what the gate found could not be kept")
            if command == "complete" and verdict.passed and primary is not None:
                await fetch(connection, "mark_primary", {**where, "id": primary.artifact_id})

    def _read(self, project_id: str, row: Row, deadline: float) -> StoredFile:
        return read_evidence(
            self._store,
            project_id,
            artifact_id=str(row["id"]),
            name=row["name"],
            kind=ArtifactKind(row["kind"]),
            size=row["bytes"],
            sha256=row["sha256"],
            media_type=row["media_type"],
            is_late=lambda: time.monotonic() > deadline,
        )

    def _holds_secret(self, project_id: str, sha256: str) -> bool:
        """Search a whole stored file for secrets, as a stream. Blocks."""
        stream = RedactingStream(self._redactor)
        with self._store.open(project_id, sha256) as file:
            while not stream.found and (chunk := file.read(CHUNK_BYTES)):
                stream.feed(chunk)
        if not stream.found:
            stream.close()
        return bool(stream.found)
