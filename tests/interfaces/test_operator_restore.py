"""`db restore` as a person runs it in a home that lacks the former one's keys."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from watchkeeper.domain.backups import Manifest, SealedFile
from watchkeeper.interfaces.cli import backups, db
from watchkeeper.services.audit_keys import AuditFiles, read_or_make_key
from watchkeeper.services.restore_note import RestoreNote
from watchkeeper.settings import Settings

FILE = SealedFile("f", 0, "")
MANIFEST = Manifest(
    datetime(2026, 1, 1, tzinfo=UTC), "1", 1, "15", 15, 1, None, {"job_specs": 0}, FILE, FILE, 0, 0, 0
)


def test_a_home_without_the_old_key_is_told_what_to_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The dry run names the key and the file that its line belongs in; where it is trusted nothing is said."""
    settings = Settings(home=tmp_path)
    monkeypatch.setattr(backups, "begin", lambda: settings)
    manifest = replace(MANIFEST, seal_head={"number": 1, "hash": "00", "key_id": "f" * 32})
    monkeypatch.setattr(backups, "_check", lambda *_: manifest)
    backups.restore(tmp_path / "backup", dry_run=True)
    said = capsys.readouterr().err
    assert "f" * 32 in said
    assert str(tmp_path / "audit-keys.pub") in said
    files = AuditFiles.of(settings)
    own = read_or_make_key(files).id
    manifest = replace(MANIFEST, seal_head={"number": 1, "hash": "00", "key_id": own})
    backups.restore(tmp_path / "backup", dry_run=True)
    said = capsys.readouterr().err
    assert "key" not in said
    assert f"no anchor at {files.anchor}" in said
    files.anchor.touch()
    files.key.unlink()
    backups.restore(tmp_path / "backup", dry_run=True)
    assert f"no private key at {files.key}: the restore makes a new one" in capsys.readouterr().err


def test_a_stopped_home_tells_of_its_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`db status`, which starts nothing, says that a restore was broken off, or waits to be resumed; else nothing."""
    settings = Settings(home=tmp_path)
    monkeypatch.setattr(db, "begin", lambda: settings)
    left = RestoreNote.of(settings)
    said = []
    for change in (left.broken_off, lambda: left.stands_still(MANIFEST.taken_at), left.forget):
        change()
        db.status(as_json=True)
        said.append(json.loads(capsys.readouterr().out).get("stands_still", ""))
    assert ["db restore" in said[0], "db resume" in said[1], said[2]] == [True, True, ""]
