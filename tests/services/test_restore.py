"""A backup is restored whole into an empty database, or refused, or seen to be half done."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from raw_sql import rows
from services.backups import Before, at, silent, state
from services.handler_runs import until
from watchkeeper.app.whole import App
from watchkeeper.domain.backups import BackupUnusable
from watchkeeper.domain.errors import Conflict, SettingError
from watchkeeper.domain.principals import Role
from watchkeeper.services.restoration import read_backup
from watchkeeper.storage import migrate as migrations
from watchkeeper.storage.migrate import Migration, known_migrations


def change_manifest(path: Path, **changes: object) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | changes))


def truncate_dump(path: Path) -> None:
    with (path / "database.dump").open("r+b") as file:
        file.truncate(1000)


def flip_dump(path: Path) -> None:
    content = bytearray((path / "database.dump").read_bytes())
    content[len(content) // 2] ^= 1
    (path / "database.dump").write_bytes(content)


def lose_file(path: Path) -> None:
    next(file for file in (path / "artifacts").rglob("*") if file.is_file()).unlink()


def lengthen_file(path: Path) -> None:
    with next(file for file in (path / "artifacts").rglob("*") if file.is_file()).open("ab") as file:
        file.write(b"!")


def change_file(path: Path) -> None:
    file = next(file for file in (path / "artifacts").rglob("*") if file.is_file())
    file.write_bytes(b"<p>two</p>")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: (path / "manifest.json").unlink(), "is not a backup"),
        (lambda path: (path / "manifest.json").write_text("{"), "is not JSON"),
        (lambda path: change_manifest(path, format=99), "format 99, this program knows 1"),
        (lambda path: change_manifest(path, schema=9999), "version 9999, this program knows"),
        (lambda path: change_manifest(path, dump=None), "is damaged"),
        (truncate_dump, "1,000 bytes instead of"),
        (flip_dump, "SHA-256 differs"),
        (lambda path: change_manifest(path, files=2), "1 artifact files of 10 bytes, the manifest 2 of 10"),
        (lambda path: change_manifest(path, file_bytes=11), "the manifest 1 of 11"),
        (lose_file, "cannot be read"),
        (lengthen_file, "11 bytes instead of 10"),
        (change_file, "is not what was written"),
    ],
    ids=[
        *("none", "broken", "format", "schema", "damaged", "short", "changed"),
        *("files", "bytes", "lost", "longer", "swapped"),
    ],
)
async def test_a_backup_that_is_not_what_was_written_is_refused(
    before: Before, damage: Callable[[Path], object], said: str
) -> None:
    """Each way in which a backup can be wrong is named before anything is done."""
    damage(before.path)
    with pytest.raises(BackupUnusable, match=said):
        await read_backup(before.path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: change_manifest(path, tables={"job_specs": 17}), "3 rows instead of 17"),
        (change_file, "is not what was written"),
    ],
    ids=["counts", "swapped"],
)
async def test_a_restore_that_fails_half_way_is_seen_and_started_again(
    before: Before, empty_url: str, tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    """What is found while restoring leaves a database that nobody may use until a better backup is restored."""
    better = tmp_path / "better"
    shutil.copytree(before.path, better)
    damage(before.path)
    async with at(empty_url, tmp_path / "other") as there:
        with pytest.raises(BackupUnusable, match=said) as refused:
            await there.restoration.restore(before.path, silent)
        assert "Nothing was changed" not in refused.value.advice
        assert "half restored" in refused.value.advice
        for use in (migrations.migrate, migrations.applied_version):
            with pytest.raises(SettingError, match="restore was broken off"):
                await use(there.database)
        await there.restoration.restore(better, silent)
        assert await state(there, before.ready) == ("pending", None)


LOADER_WAITS = """
SELECT 1 FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'watchkeeper-dump' AND wait_event_type = 'Lock'
"""


async def test_a_killed_restore_is_seen_and_started_again(
    before: Before, empty_url: str, tmp_path: Path
) -> None:
    """After SIGKILL nobody may use the half of a database, though its loader goes on; the next restore ends that."""
    environment = {
        **os.environ,
        "WATCHKEEPER_HOME": str(tmp_path / "cli"),
        "WATCHKEEPER_DATABASE_URL": empty_url,
    }
    async with at(empty_url, tmp_path / "other") as there, there.database.connection() as obstacle:
        await obstacle.execute("BEGIN")
        await obstacle.execute("CREATE SCHEMA watchkeeper")
        killed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "watchkeeper", "db", "restore", str(before.path)), env=environment
        )
        await until(lambda: _any(there, LOADER_WAITS), "the loader to meet the obstacle")
        killed.kill()
        await killed.wait()
        await obstacle.execute("ROLLBACK")
        with pytest.raises(SettingError, match="restore was broken off"):
            await migrations.migrate(there.database)
        assert (await there.restoration.restore(before.path, silent)).jobs_paused == 1
        assert await state(there, before.running.id) == ("paused", "restored")


async def _any(app: App, question: str) -> bool:
    return bool(await rows(app.database, question))


async def test_only_an_empty_database_is_restored_into(app: App, living: Before) -> None:
    """Nobody's data is overwritten."""
    with pytest.raises(SettingError, match="not empty"):
        await app.restoration.restore(living.path, silent)
    with pytest.raises(SettingError, match="not empty"):
        await app.restoration.check(living.path)


async def test_two_restores_at_once_are_one_too_many(before: Before, empty_url: str, tmp_path: Path) -> None:
    """The second is told so, and the first goes on."""
    async with at(empty_url, tmp_path / "other") as there, there.database.connection() as first:
        await first.execute("SELECT pg_advisory_lock(hashtextextended('watchkeeper.restore', 0))")
        with pytest.raises(Conflict, match="another restore"):
            await there.restoration.restore(before.path, silent)


async def test_an_older_backup_is_migrated_forward(
    before: Before, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup of yesterday's schema comes back with today's."""
    newer = [*known_migrations(), Migration(9000, "later", "CREATE TABLE watchkeeper.later (id integer)")]
    monkeypatch.setattr(migrations, "known_migrations", lambda: newer)
    async with at(empty_url, tmp_path / "other") as there:
        assert (await there.restoration.restore(before.path, silent)).migrations == 1
        assert await migrations.applied_version(there.database) == 9000


async def test_what_was_of_the_moment_does_not_come_back(
    app: App, living: Before, empty_url: str, tmp_path: Path
) -> None:
    """Login sessions, requests under way, parked pools and the tokens of attempts end with the restore."""
    owner = await app.identity.create_token("o", Role.OWNER, None, actor="t")
    [principal] = await rows(
        app.database, "SELECT principal_id AS id FROM watchkeeper.tokens WHERE id = %(id)s", {"id": owner.id}
    )
    where = {"principal": principal["id"], "seq": living.running.seq}
    for statement in (
        "INSERT INTO watchkeeper.pool_parks (project_id, pool, until, reason) VALUES ('p', 'x', now(), 'quota')",
        (
            "INSERT INTO watchkeeper.idempotency_records (project_id, principal_id, route, key, request_hash)"
            " VALUES ('p', %(principal)s, 'r', 'k', '')"
        ),
        (
            "INSERT INTO watchkeeper.console_sessions (secret_hash, principal_id, role, expires_at)"
            " VALUES ('s', %(principal)s, 'owner', now() + interval '1 hour')"
        ),
        (
            "INSERT INTO watchkeeper.tokens (principal_id, role, project_id, secret_hash, job_seq, job_epoch)"
            " VALUES (%(principal)s, 'worker', 'p', 'h', %(seq)s, 2)"
        ),
    ):
        await rows(app.database, statement, where)
    path = living.path.with_name("more")
    await app.backups.take(path, silent)
    async with at(empty_url, tmp_path / "other") as there:
        assert (await there.restoration.restore(path, silent)).job_tokens_revoked == 1
        for table in ("pool_parks", "idempotency_records", "console_sessions"):
            assert await rows(there.database, f"SELECT 1 FROM watchkeeper.{table}") == [], table
        live = "SELECT job_seq FROM watchkeeper.tokens WHERE revoked_at IS NULL"
        assert await rows(there.database, live) == [{"job_seq": None}]
