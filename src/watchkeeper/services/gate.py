"""The gate at work: files go into the own store, and evidence is read back before a job is called completed.

What is judged, and how, is in domain/gate.py; this reads the stored bytes, has foreign addresses opened, asks it, and
keeps what it found.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from watchkeeper.domain.artifacts import ArtifactKind, ClaimedArtifact, guess_kind, hash_of, normalise_kind
from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.errors import ContractRejected, GateFailed, StaleLease, WatchkeeperError
from watchkeeper.domain.evidence import PENDING_MARKERS, FileFindings, GateVerdict
from watchkeeper.domain.file_names import checked_name
from watchkeeper.domain.gate import claims_of, judge, wanted_addresses
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.artifact_store import ArtifactStore, StoredBlob
from watchkeeper.services.fetch import Fetcher
from watchkeeper.services.foreign_evidence import ForeignEvidence, OpenedAddresses
from watchkeeper.services.secret_scan import holds_secret
from watchkeeper.services.snapshots import Snapshot, Snapshots
from watchkeeper.services.stored_evidence import read_evidence
from watchkeeper.storage.database import Connection, Database, Row, fetch
from watchkeeper.storage.jobs import HeldLease

CHECK_SECONDS = 60.0
"""How long all files of one check may take to be read and fetched together; the fetcher counts as many."""


@dataclass(frozen=True, slots=True)
class GateRules:
    """What an installation may set: the statuses that count as opened, and the words of what is not published."""

    http_statuses: tuple[int, ...] = (200,)
    markers: tuple[str, ...] = PENDING_MARKERS


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """What the gate found; `verified` is `artifact` for evidence that passed, `none` without a contract.

    `snapshots` are to be named in the transaction that completes the job.
    """

    verified: str
    rejected: bool
    failed: list[dict[str, str]]
    output_hash: str
    http_status: int | None = None
    files: tuple[dict[str, Any], ...] = ()
    snapshots: tuple[Snapshot, ...] = ()

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

    def __init__(
        self,
        database: Database,
        store: ArtifactStore,
        redactor: Redactor,
        fetcher: Fetcher,
        rules: Callable[[], GateRules] = GateRules,
    ) -> None:
        self._database = database
        self._store = store
        self._redactor = redactor
        self._fetcher = fetcher
        self._rules = rules
        self._snapshots = Snapshots(store, redactor)

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
        # Clients write a quote in a name as %22, behind which a shape with quotes would not be seen.
        for text in (name, unquote(name)):
            self._redactor.refuse_in_name("the file name", text)
        media_type = mimetypes.guess_type(name)[0]
        suspected = await asyncio.to_thread(
            holds_secret, self._store, self._redactor, project_id, blob.sha256
        )
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
        is_asked = contract is not None or command == "verify"
        rules = ResultContract.parse(contract if contract is not None else {"primary": "any"})
        wanted = wanted_addresses(rules, claimed) if is_asked else []
        deadline = time.monotonic() + CHECK_SECONDS
        async with AsyncExitStack() as stack:
            evidence = None
            if wanted:
                fetching = await stack.enter_async_context(self._fetcher.begin(project_id))
                given = self._rules()
                evidence = ForeignEvidence(fetching, given.http_statuses, given.markers)
            rows = await self._database.fetch("job_artifacts", where)
            manifest = [await asyncio.to_thread(self._read, project_id, row, deadline) for row in rows]
            opened = OpenedAddresses() if evidence is None else await evidence.open(wanted)
            verified = await self._verified_before(where, opened) if command == "complete" else {}
            named = list(claimed) or claims_of(manifest)
            verdict = judge(rules, named, manifest, opened.findings, verified)
            if not is_asked:
                return GateOutcome("none", rejected=False, failed=[], output_hash=verdict.output_hash)
            await self._keep({**where, "claimed_hash": hash_of(claimed)}, verdict, opened, command)
            is_kept = command == "complete" and verdict.passed and wanted
            snapshots = await self._snapshots.take(project_id, verdict, opened) if is_kept else ()
        return self._outcome("none" if contract is None else "artifact", verdict, snapshots)

    def _outcome(self, verified: str, verdict: GateVerdict, snapshots: tuple[Snapshot, ...]) -> GateOutcome:
        return GateOutcome(
            verified,
            bool(verdict.rejected),
            self._redactor.redact_data(verdict.failed_json()),
            verdict.output_hash,
            verdict.http_status,
            tuple(self._redactor.redact_data(verdict.files_json())),
            snapshots,
        )

    async def keep_snapshots(
        self, connection: Connection, project_id: str, lease: HeldLease, outcome: GateOutcome
    ) -> None:
        """Name what the completion rests on; in the transaction that completes the job."""
        where = {"project_id": project_id, "seq": lease.seq, "epoch": lease.epoch}
        await self._snapshots.keep(connection, where, outcome.snapshots)

    async def _verified_before(self, where: dict[str, Any], opened: OpenedAddresses) -> dict[str, str]:
        """Give the hashes, by address, that passed the last `verify` of each of these addresses, under this epoch."""
        if not opened.findings:
            return {}
        shown = self._redactor.redact
        urls = [shown(artifact.url or "") for artifact in opened.findings]
        rows = await self._database.fetch("last_verified", {**where, "urls": urls})
        # Addresses are kept without their secrets.
        known = {shown(file.url or ""): file for found in opened.findings.values() for file in found.files}
        return {
            known[file["url"]].url or "" if file["url"] in known else file["url"]: file["sha256"]
            for row in rows
            if row["passed"]
            for file in row["files"]
            if "url" in file
        }

    async def _keep(
        self, where: dict[str, Any], verdict: GateVerdict, opened: OpenedAddresses, command: str
    ) -> None:
        primary, file = verdict.primary, verdict.primary_file
        found = opened.findings.get(primary) if primary is not None else None
        url = primary.url if found and primary else None
        if url is None and file is not None:
            url = f"artifact:{file.artifact_id}"
        clean = self._redactor.redact_data
        async with self._database.transaction() as connection:
            kept = await fetch(
                connection,
                "add_artifact_check",
                {
                    **where,
                    "command": command,
                    "primary_url": clean(url),
                    "http_status": verdict.http_status,
                    "file_count": len(verdict.files),
                    "files": json.dumps(clean(verdict.files_json())),
                    "failed": json.dumps(clean(verdict.failed_json())),
                    "redirects": json.dumps(clean(list(found.redirects) if found else [])),
                    "passed": verdict.passed,
                    "output_hash": verdict.output_hash,
                },
            )
            if not kept:
                raise WatchkeeperError("what the gate found could not be kept")
            if command == "complete" and verdict.passed and file is not None and file.artifact_id:
                await fetch(connection, "mark_primary", {**where, "id": file.artifact_id})

    def _read(self, project_id: str, row: Row, deadline: float) -> FileFindings:
        return read_evidence(
            self._store,
            project_id,
            artifact_id=str(row["id"]),
            name=row["name"],
            kind=ArtifactKind(row["kind"]),
            size=row["bytes"],
            sha256=row["sha256"],
            media_type=row["media_type"],
            markers=self._rules().markers,
            is_late=lambda: time.monotonic() > deadline,
        )
