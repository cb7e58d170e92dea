"""`db backup`, `db restore`, `db resume`: at this machine, past the server, which need not run."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.app import whole as root
from watchkeeper.domain.backups import Manifest
from watchkeeper.interfaces.cli.acting import log_reason, reason_or_default
from watchkeeper.interfaces.cli.local import database_user, has_database, with_database
from watchkeeper.interfaces.cli.options import DryRun, Json, LocalReason, Reason
from watchkeeper.interfaces.cli.output import cell, show
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.services.audit_keys import AuditFiles, read_key, trusted_keys
from watchkeeper.services.backup import Backup
from watchkeeper.services.restoration import Restored, read_backup
from watchkeeper.services.restore_note import RestoreNote
from watchkeeper.services.standstill import NothingStandsStill
from watchkeeper.settings import Settings
from watchkeeper.storage.pg_programs import NICENESS

ACTOR = "system:cli"

NewPath = Annotated[Path, typer.Argument(metavar="PATH", help="A new directory.")]
BackupPath = Annotated[Path, typer.Argument(metavar="PATH", help="The directory of a backup.")]


def backup(path: NewPath, reason: LocalReason = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Write a backup while work goes on: the database, the artifacts' files, a manifest; no secret of this home."""
    if dry_run:
        with with_database(begin(), note) as settings:
            needed = asyncio.run(_check_backup(settings, path.absolute()))
        text = f"would write a backup of at most about {needed / 2**20:,.0f} MiB to {path}; nothing was done"
        plan = {"ok": True, "dry_run": True, "bytes_at_most": needed}
        show(plan if as_json else None, as_json=as_json, empty=text)
        return
    with with_database(begin(), note) as settings:
        log_reason("db backup", reason)
        taken = asyncio.run(_backup(settings, path.absolute()))
    manifest = taken.manifest
    text = f"{path}: {manifest.tables['job_specs']:,} jobs, {manifest.files:,} artifact files, as of "
    text += cell(manifest.taken_at)
    if manifest.lost:
        text += (
            f"; {manifest.lost} artifact files were gone before: 'watchkeeper artifacts verify' names them"
        )
    show({"ok": True, "backup": taken.to_json()} if as_json else None, as_json=as_json, empty=text)


def restore(path: BackupPath, reason: Reason = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Restore a backup into an empty database; then nothing moves until 'db resume'."""
    settings, path = begin(), path.absolute()
    if dry_run:
        manifest = _check(settings, path)
        _warn_of_seals(settings, manifest)
        text = f"would restore {manifest.tables['job_specs']:,} jobs and {manifest.files:,} artifact files"
        plan = {"ok": True, "dry_run": True, "backup": manifest.to_json()}
        show(plan if as_json else None, as_json=as_json, empty=f"{text}; nothing was done")
        return
    # Before a database is made for it, and a key: what is no backup leaves nothing behind.
    _warn_of_seals(settings, asyncio.run(read_backup(path, hashes=False)))
    with database_user(settings, note) as start:
        restored = asyncio.run(_restore(start(), path, RestoreNote.of(settings), reason))
    text = (
        f"restored as of {cell(restored.manifest.taken_at)}; {restored.jobs_paused} jobs that ran are paused. "
        "Nothing moves until 'watchkeeper db resume'"
    )
    show({"ok": True, "restored": restored.to_json()} if as_json else None, as_json=as_json, empty=text)


def resume(
    keep_paused: Annotated[
        bool, typer.Option("--keep-paused", help="Leave the jobs that ran at the backup to a person.")
    ] = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let a restored database move again: claims, schedules, rescue, retention, and the jobs that ran."""
    with with_database(begin(), note) as settings:
        answer = asyncio.run(_resume(settings, reason_or_default(reason), keep_paused, dry_run=dry_run))
    if dry_run:
        text = f"would resume what was restored at {cell(answer['restored_at'])} and {answer['jobs']} jobs; "
        text += "nothing was done"
    else:
        text = f"it moves again; {answer['jobs_resumed']} jobs that ran at the backup are pending"
    show({"ok": True, **answer} if as_json else None, as_json=as_json, empty=text)


async def _check_backup(settings: Settings, path: Path) -> int:
    async with root.running(settings, migrated=False) as app:
        return (await app.backups.check(path))[1]


async def _backup(settings: Settings, path: Path) -> Backup:
    with suppress(OSError):  # this machine does not let us: then it competes with the work
        os.nice(NICENESS)
    async with root.running(settings, migrated=False) as app:
        return await app.backups.take(path, note)


def _check(settings: Settings, path: Path) -> Manifest:
    """Look at the backup and at the database that is there; one that would be made is empty."""
    if not has_database(settings):
        return asyncio.run(read_backup(path))
    with with_database(settings, note) as complete:
        return asyncio.run(_check_both(complete, path))


def _warn_of_seals(settings: Settings, manifest: Manifest) -> None:
    """Say what this home lacks to trust, and to go on with, the backup's sealed audit trail."""
    files, head = AuditFiles.of(settings), manifest.seal_head
    if head is None:
        return
    key, own = head["key_id"], read_key(files.key)
    if key not in trusted_keys(files):
        note(
            f"the backup's audit trail is sealed with key {key}, which this home does not trust: "
            f"'audit verify' will fail until its line of the former home's audit-keys.pub stands in {files.trusted}"
        )
    if own is None:
        note(
            f"there is no private key at {files.key}: the restore makes a new one, and the trail goes on with it; "
            "bring the former home's audit-key first, unless it is lost, or this is a rehearsal"
        )
    elif own.id != key:
        note(f"the private key at {files.key} is {own.id}, not the trail's {key}: the trail goes on with it")
    if not files.anchor.exists():
        note(
            f"there is no anchor at {files.anchor}: what was cut off or changed before the backup cannot be told; "
            "bring the former home's audit-anchor.jsonl first"
        )


async def _check_both(settings: Settings, path: Path) -> Manifest:
    async with root.running(settings, migrated=False) as app:
        return await app.restoration.check(path)


async def _restore(settings: Settings, path: Path, left: RestoreNote, reason: str | None) -> Restored:
    async with root.running(settings, migrated=False) as app:
        restored = await app.restoration.restore(path, note, left.broken_off, reason=reason)
    left.stands_still(restored.manifest.taken_at)
    return restored


async def _resume(settings: Settings, reason: str, keep_paused: bool, *, dry_run: bool) -> dict[str, Any]:
    async with root.running(settings) as app:
        if not dry_run:
            done = await app.standstill.resume(actor=ACTOR, reason=reason, keep_paused=keep_paused)
            RestoreNote.of(settings).forget()
            return done.to_json()
        still = await app.standstill.look()
        if still is None:
            raise NothingStandsStill
        jobs = 0 if keep_paused else still["paused"]
        return {
            "dry_run": True,
            "restored_at": still["restored_at"],
            "taken_at": still["taken_at"],
            "jobs": jobs,
        }
