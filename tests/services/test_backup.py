"""A backup taken while work goes on: one snapshot, without secrets, over nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from raw_sql import rows
from services.backups import Before, silent
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import SettingError
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.settings import Settings
from watchkeeper.storage.migrate import known_migrations
from watchkeeper.storage.pg_programs import find_program


async def test_a_backup_is_one_snapshot_and_holds_no_secret_of_the_home(
    app: App, living: Before, settings: Settings
) -> None:
    """The manifest counts what the dump has; the owner's token is not in it, and nobody else may read it."""
    (settings.home / "owner-token").write_text("wk_secret\n")
    path = living.path.with_name("again")
    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    manifest = (await app.backups.take(path, silent)).manifest
    assert (manifest.tables["job_specs"], manifest.files, manifest.lost) == (4, 1, 0)
    assert manifest.schema == known_migrations()[-1].version
    files = [file for file in path.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"manifest.json", "database.dump", "artifacts.jsonl"}
    assert len(files) == 4
    assert all(b"wk_secret" not in file.read_bytes() for file in files)
    assert path.stat().st_mode & 0o777 == 0o700
    assert not path.with_name("again.partial").exists()


async def test_a_backup_says_which_files_were_gone(app: App, living: Before) -> None:
    """A file that is lost already does not keep the rest from being saved, and is counted."""
    [row] = await rows(app.database, "SELECT sha256 FROM watchkeeper.artifacts")
    stored = app.settings.home / "artifacts" / "p" / row["sha256"][:2] / row["sha256"]
    stored.chmod(0o600)
    stored.write_bytes(b"something else")
    said: list[str] = []
    manifest = (await app.backups.take(living.path.with_name("torn"), said.append)).manifest
    assert (manifest.files, manifest.lost) == (0, 1)
    assert any("gone or changed" in sentence for sentence in said)


def left_behind(folder: Path) -> Path:
    left = folder / "next.partial"
    (left / "artifacts").mkdir(parents=True)
    (left / "database.dump").write_bytes(b"half of it")
    return left


async def test_a_backup_does_not_write_over_anything(app: App, living: Before, tmp_path: Path) -> None:
    """A path that is taken is refused; what a killed backup left is cleared away."""
    with pytest.raises(SettingError, match="is there already"):
        await app.backups.take(living.path, silent)
    with pytest.raises(SettingError, match="is not a directory"):
        await app.backups.take(tmp_path / "nowhere" / "backup", silent)
    left = left_behind(tmp_path)
    await app.backups.take(tmp_path / "next", silent)
    assert not left.exists()


async def test_a_full_disk_is_seen_before_the_dump(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is too little room the command says how much it needs, and leaves nothing."""
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(SettingError, match="MiB are needed"):
        await app.backups.take(tmp_path / "backup", silent)
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


def test_an_older_pg_dump_than_the_server_is_refused_by_name() -> None:
    """The person learns which version is needed and how to get it."""
    with pytest.raises(
        SettingError, match=r"of PostgreSQL 99, and the newest pg_dump here is of \d+"
    ) as refused:
        find_program("pg_dump", 99)
    assert "postgresql-client-99" in refused.value.advice
