"""Takes a backup while work goes on: one snapshot of the database, and the artifacts' files that it names.

The files are copied after the dump. None of them can go meanwhile: what no row names any more stays for a day
(services/artifact_sweep.py). One that is gone or changed all the same is left out, and counted.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from watchkeeper import __version__
from watchkeeper.domain.backups import DUMP, FILE_LIST, Manifest, SealedFile
from watchkeeper.domain.errors import SettingError
from watchkeeper.services.artifact_store import ArtifactLostError, ArtifactStore, chunks_of
from watchkeeper.services.backup_files import NewBackup, StoredFile
from watchkeeper.storage import pg_programs
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_row
from watchkeeper.storage.migrate import applied_version
from watchkeeper.storage.pg_programs import Program

OLDEST_SCHEMA = 7
PAGE = 1000
TELL_BYTES = 256 * 1024 * 1024

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was taken, and where."""

    path: Path
    manifest: Manifest

    def to_json(self) -> dict[str, Any]:
        return {"path": str(self.path), **self.manifest.to_json()}


class Backups:
    """Takes backups of one database and one machine's store of artifacts."""

    def __init__(self, database: Database, store: ArtifactStore, programs: Path | None = None) -> None:
        self._database = database
        self._store = store
        self._programs = programs

    async def take(self, path: Path, say: Say) -> Backup:
        """Write a backup to a new directory, whole or not at all.

        Raises SettingError where there is something already, too little room, or no pg_dump for this server.
        """
        program, _ = await self.check(path)
        new = NewBackup(path)
        with new.writing():
            async with self._snapshot() as (connection, snapshot):
                facts = await fetch_row(connection, "backup_facts")
                say(f"dumping the database, as of {facts['now']:%Y-%m-%d %H:%M:%S} UTC")
                # One after the other: side by side they would leave the work no processor of two.
                tables = await fetch(connection, "table_counts")
                named = await _note_files(connection, new)
                dump = await self._dump(new, program, snapshot, say)
            copies, listed = await self._copy_files(new, named, say)
            new.forget_notes()
            manifest = _manifest(facts, program, tables, (dump, listed), copies)
            await asyncio.to_thread(new.finish, manifest)
        return Backup(path, manifest)

    async def check(self, path: Path) -> tuple[Program, int]:
        """Give what would dump this database, and the bytes that a backup may need; raise SettingError as `take`."""
        NewBackup(path).demand_free()
        program = await self._program()
        return program, await self._demand_room(path.parent)

    async def _program(self) -> Program:
        if await applied_version(self._database) < OLDEST_SCHEMA:
            raise SettingError(
                "the database's schema is older than backups are", hint="Run 'watchkeeper db migrate' first."
            )
        major = (await self._database.fetch_row("server_major"))["major"]
        return await asyncio.to_thread(pg_programs.find_program, "pg_dump", major, self._programs)

    async def _demand_room(self, folder: Path) -> int:
        """Ask for room for the files, and for half of what the tables take: they are compressed."""
        room = await self._database.fetch_row("backup_room")
        needed = room["tables"] // 2 + room["files"]
        free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
        if free < needed:
            raise SettingError(
                f"{folder} has {free / 2**20:,.0f} MiB free, about {needed / 2**20:,.0f} MiB are needed",
                hint="Free room, or write the backup elsewhere.",
            )
        return int(needed)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[tuple[Connection, str]]:
        async with self._database.connection() as connection, connection.transaction():
            await fetch(connection, "begin_backup_snapshot")
            await fetch(connection, "name_backup_session", {"application": pg_programs.APPLICATION})
            await fetch(connection, "allow_long_transaction")
            await fetch(connection, "count_alone")
            yield connection, (await fetch_row(connection, "export_snapshot"))["snapshot"]

    async def _dump(self, new: NewBackup, program: Program, snapshot: str, say: Say) -> SealedFile:
        written = told = 0
        with new.writer(DUMP) as writer:
            async with aclosing(pg_programs.dump(program, self._database.direct_url, snapshot)) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(writer.write, chunk)
                    written += len(chunk)
                    if written - told >= TELL_BYTES:
                        told = written
                        say(f"dumping the database: {written / 2**20:,.0f} MiB")
            return await asyncio.to_thread(writer.seal)

    async def _copy_files(self, new: NewBackup, named: int, say: Say) -> tuple[_Copies, SealedFile]:
        copies = _Copies()
        if named:
            say(f"copying {named:,} artifact files")
        with new.writer(FILE_LIST) as listed:
            for project, sha256 in new.noted():
                copied = await asyncio.to_thread(_copy, self._store, new, project, sha256)
                if copied is None:
                    copies.lost += 1
                    say(f"the artifact file {project}/{sha256} is gone or changed: it is not in this backup")
                    continue
                copies.files += 1
                copies.bytes += copied.bytes
                listed.write(json.dumps(asdict(copied)).encode() + b"\n")
            return copies, await asyncio.to_thread(listed.seal)


@dataclass(slots=True)
class _Copies:
    files: int = 0
    bytes: int = 0
    lost: int = 0


async def _note_files(connection: Connection, new: NewBackup) -> int:
    """Write down which files the snapshot names, so that it is not held while they are copied; count them."""
    count, project, sha256 = 0, "", ""
    with new.notes() as notes:
        while page := await fetch(
            connection, "stored_files", {"after_project": project, "after_sha256": sha256, "limit": PAGE}
        ):
            count += len(page)
            project, sha256 = page[-1]["project_id"], page[-1]["sha256"]
            notes.write("".join(f"{row['project_id']} {row['sha256']}\n" for row in page).encode())
    return count


def _copy(store: ArtifactStore, new: NewBackup, project: str, sha256: str) -> StoredFile | None:
    """Copy one file and check it by its name; None where it is gone or is something else."""
    try:
        with store.open(project, sha256) as source, new.file_writer(project, sha256) as writer:
            for chunk in chunks_of(source):
                writer.write(chunk)
            sealed = writer.seal()
    except ArtifactLostError:
        return None
    if sealed.sha256 != sha256:
        new.drop(project, sha256)
        return None
    return StoredFile(project, sha256, sealed.bytes)


def _manifest(
    facts: Row, program: Program, tables: list[Row], written: tuple[SealedFile, SealedFile], copies: _Copies
) -> Manifest:
    taken_at: datetime = facts["now"]
    return Manifest(
        taken_at=taken_at,
        product=__version__,
        schema=facts["schema"],
        server=facts["server"],
        dumped_by=program.major,
        timeline=facts["timeline"],
        seal_head=facts["seal_head"],
        tables={row["name"]: row["row_count"] for row in tables},
        dump=written[0],
        file_list=written[1],
        files=copies.files,
        file_bytes=copies.bytes,
        lost=copies.lost,
    )
