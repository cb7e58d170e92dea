"""Brings a backup into an empty database and a store, and leaves it standing still until a person says go.

Until the last step has committed, the schema `watchkeeper_restore` stands in the database: whatever process meets it
refuses to use the database, so that a restore that dies half-way is seen, and is started again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.domain.backups import EPOCH_JUMP, BackupUnusable, Manifest
from watchkeeper.domain.errors import Conflict, SettingError
from watchkeeper.services.artifact_store import ArtifactStore
from watchkeeper.services.backup_files import StoredFile, WrittenBackup
from watchkeeper.storage import pg_programs
from watchkeeper.storage.database import Connection, Database, fetch, fetch_row
from watchkeeper.storage.migrate import known_migrations, migrate
from watchkeeper.storage.pg_programs import APPLICATION, Program

RESTORE_JOBS = 2
ACTOR = "system:restore"

SEAL_TRIES = 40
SEAL_PAUSE_SECONDS = 0.25
"""Another transaction may be in the way of the last seal for a moment; what is left then, `watch` seals."""

UNFINISHED = (
    "The database here is half restored, and every process refuses it. Give 'db restore' a whole backup: it begins "
    "anew, into the same place. Or remove the home, or the database, that was made for it."
)

Say = Callable[[str], None]
Seal = Callable[[], Awaitable[object]]
"""Seals what the audit trail has, as far as it can be sealed now."""

BeginTimeline = Callable[[Connection, str], Awaitable[int]]
"""Begins the audit trail's next timeline and gives its number; the text says where the data came from."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. `jobs_paused` ran when the backup was taken."""

    manifest: Manifest
    timeline: int
    jobs_paused: int
    job_tokens_revoked: int
    migrations: int

    def to_json(self) -> dict[str, Any]:
        return {
            "taken_at": self.manifest.taken_at,
            "timeline": self.timeline,
            "jobs": self.manifest.tables.get("job_specs", 0),
            "files": self.manifest.files,
            "files_lost": self.manifest.lost,
            "jobs_paused": self.jobs_paused,
            "job_tokens_revoked": self.job_tokens_revoked,
            "migrations": self.migrations,
        }


class Restoration:
    """Restores into one database and one machine's store of artifacts."""

    def __init__(
        self,
        database: Database,
        store: ArtifactStore,
        begin_timeline: BeginTimeline,
        seal: Seal,
        programs: Path | None = None,
    ) -> None:
        self._database = database
        self._store = store
        self._begin_timeline = begin_timeline
        self._seal = seal
        self._programs = programs

    async def check(self, path: Path) -> Manifest:
        """Say what a backup holds and that it is whole, as far as it can be said before it is restored.

        Raises BackupUnusable; SettingError for a database that is not empty.
        """
        manifest = await read_backup(path)
        async with self._database.connection() as connection:
            await self._demand_empty(connection, manifest)
        return manifest

    async def restore(
        self, path: Path, say: Say, begun: Callable[[], None] = lambda: None, *, reason: str | None = None
    ) -> Restored:
        """Restore a backup. Raises as `check`, and Conflict while another restore is under way.

        `begun` is called when the database is marked as half restored: until then nothing was changed.
        """
        # Whether each file is what its name says is seen as it is copied.
        backup, manifest = WrittenBackup(path), await read_backup(path, hashes=False)
        async with self._alone(manifest) as program:
            begun()
            try:
                migrations = await self._load(backup, manifest, program, say)
                restored = await self._come_back(manifest, migrations, reason)
            except BackupUnusable as error:
                raise BackupUnusable(error.message, hint=UNFINISHED) from error
            say("tidying up")
            await self._database.fetch("settle_restored")
            await self._seal_all(say)
        return restored

    async def _load(self, backup: WrittenBackup, manifest: Manifest, program: Program, say: Say) -> int:
        say(f"restoring the backup of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC")
        if manifest.files:
            say(f"copying {manifest.files:,} artifact files")
        await asyncio.to_thread(self._copy_files, backup)
        say("loading the database")
        await pg_programs.restore(program, self._database.direct_url, backup.dump, RESTORE_JOBS)
        counted = await self._database.fetch("table_counts")
        manifest.demand_counts({row["name"]: row["row_count"] for row in counted})
        return len(await migrate(self._database, restoring=True))

    async def _seal_all(self, say: Say) -> None:
        """Seal the restore's own rows: nobody else does while no `watch` runs, and `audit verify` would be red."""
        for _ in range(SEAL_TRIES):
            await self._seal()
            if not (await self._database.fetch_row("audit_lag"))["unsealed_rows"]:
                return
            await asyncio.sleep(SEAL_PAUSE_SECONDS)
        say("the last rows of the audit trail are not sealed yet: 'watchkeeper watch' seals them")

    @asynccontextmanager
    async def _alone(self, manifest: Manifest) -> AsyncIterator[Program]:
        """Hold the restore's lock and leave its mark in the database; the mark goes with the last step."""
        async with self._database.connection() as connection:
            if not (await fetch_row(connection, "try_restore_lock"))["taken"]:
                raise Conflict("another restore into this database is under way")
            async with connection.transaction():
                # Whoever migrates an empty database does it before, and is met here, or after, and meets the mark.
                await fetch(connection, "lock_migrations")
                major = await self._demand_empty(connection, manifest)
                program = await asyncio.to_thread(
                    pg_programs.find_program, "pg_restore", max(major, manifest.dumped_by), self._programs
                )
                await fetch(connection, "create_restore_mark")
                await fetch(connection, "end_left_loader", {"application": APPLICATION})
                await fetch(connection, "drop_unfinished")
            yield program

    async def _demand_empty(self, connection: Connection, manifest: Manifest) -> int:
        there = await fetch_row(connection, "whats_there")
        if there["objects"] and not there["unfinished"]:
            raise SettingError(
                "the database is not empty: a backup is only restored into an empty one",
                hint="Set WATCHKEEPER_HOME to a new directory, or WATCHKEEPER_DATABASE_URL to a new database.",
            )
        major: int = there["major"]
        if major < (written := int(manifest.server.split(".")[0])):
            raise SettingError(
                f"the backup is of PostgreSQL {written}, this server is {major}",
                hint="Restore it on the same major version, or a newer one.",
            )
        return major

    def _copy_files(self, backup: WrittenBackup) -> None:
        for file in backup.files():
            self._copy_file(backup, file)

    def _copy_file(self, backup: WrittenBackup, file: StoredFile) -> None:
        """Put one file into the store; a changed one lands under its own hash, which nothing names."""
        if file.bytes > self._store.limit_bytes:
            raise SettingError(
                f"an artifact has {file.bytes:,} bytes, and this store takes {self._store.limit_bytes:,} at most",
                hint="Set WATCHKEEPER_ARTIFACT_LIMIT_BYTES as it was where the backup was taken.",
            )
        if self._store.put(file.project, backup.chunks(file)).sha256 != file.sha256:
            raise BackupUnusable(f"the artifact {file.project}/{file.sha256} is not what was written")

    async def _come_back(self, manifest: Manifest, migrations: int, said: str | None) -> Restored:
        """Cut the restored past off from what came after it, in one transaction."""
        reason = f"restored from the backup of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC"
        if said is not None:
            reason += f": {said}"
        why = {"actor": ACTOR, "reason": reason}
        facts = {"taken_at": manifest.taken_at.isoformat(), "product": manifest.product}
        async with self._database.transaction() as connection:
            timeline = await self._begin_timeline(connection, reason)
            await fetch(connection, "forget_what_passed")
            tokens = (await fetch_row(connection, "revoke_job_tokens", why))["revoked"]
            paused = (await fetch_row(connection, "revoke_leases", why))["revoked"]
            await fetch(connection, "raise_epochs", {"jump": EPOCH_JUMP})
            data = {**facts, "timeline": timeline, "jobs_paused": paused, "job_tokens_revoked": tokens}
            await fetch(
                connection,
                "stand_still",
                {**why, **facts, "timeline": timeline, "jump": EPOCH_JUMP, "data": json.dumps(data)},
            )
            await fetch(connection, "drop_restore_mark")
        return Restored(manifest, timeline, paused, tokens, migrations)


async def read_backup(path: Path, *, hashes: bool = True) -> Manifest:
    """Read a backup's manifest; raise BackupUnusable for what is none, is not whole, or is newer than this program.

    With `hashes` every artifact's file is read through. How many rows the dump has shows only when it is loaded.
    """
    backup = WrittenBackup(path)
    manifest = await asyncio.to_thread(backup.read)
    manifest.demand_known_schema(known_migrations()[-1].version)
    await asyncio.to_thread(backup.demand_whole, manifest)
    await asyncio.to_thread(backup.demand_files, manifest, hashes=hashes)
    return manifest
