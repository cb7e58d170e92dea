"""`db restore` as a person runs it in a home that lacks the former one's keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from watchkeeper.domain.backups import Manifest, SealedFile
from watchkeeper.interfaces.cli import backups
from watchkeeper.services.audit_keys import AuditFiles, read_or_make_key
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
    own = read_or_make_key(AuditFiles.of(settings)).id
    manifest = replace(MANIFEST, seal_head={"number": 1, "hash": "00", "key_id": own})
    backups.restore(tmp_path / "backup", dry_run=True)
    assert "key" not in capsys.readouterr().err
