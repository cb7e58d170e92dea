"""A month of the trail moves into a file; what is left still verifies, and only that month may be missing."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from audit_trail import attack, seal_all, until_final, write
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.audit_findings import Note, What
from watchkeeper.domain.errors import Conflict, DatabaseUnavailable, NotFound, UsageError
from watchkeeper.services.audit_export import export
from watchkeeper.services.audit_file import verify_file
from watchkeeper.services.audit_keys import trusted_keys
from watchkeeper.services.audit_sealer import AuditSealer

MONTH_SECONDS = 31 * 86_400
ROWS = 10


def this_month() -> date:
    return datetime.now(UTC).date().replace(day=1)


@pytest.fixture
async def old(app: App, clock: MovingClock) -> App:
    """A sealed month that is over, and rows of the next that stand in the same seals and in later ones."""
    await write(app.database, ROWS)
    clock.advance(MONTH_SECONDS)
    await app.maintenance.upkeep()
    await write(app.database, 3)
    clock.advance(-MONTH_SECONDS)
    await write(app.database, 2)
    clock.advance(MONTH_SECONDS)
    await seal_all(app, AuditSealer(app.database, app.audit_files, batch=7))
    return app


async def archive(app: App) -> Path:
    done = await app.audit_archive.archive(this_month(), actor="t", reason="old")
    assert done.rows == ROWS + 2
    return done.file


async def test_a_month_is_archived_and_everything_still_verifies(old: App) -> None:
    """The month's rows are in the file, not in the database; trail and file verify, and the act is in the trail."""
    former = os.umask(0)
    try:
        file = await archive(old)
    finally:
        os.umask(former)
    assert file.stat().st_mode & 0o777 == 0o600
    kept = await rows(old.database, "SELECT event FROM watchkeeper.audit_events ORDER BY xid, seq")
    assert [row["event"] for row in kept] == ["test"] * 3 + ["audit_archived"]
    await seal_all(old)
    report = await old.audit_verifier.verify()
    assert report.findings == []
    assert (report.archived_rows, report.rows) == (ROWS + 2, 4)
    alone = verify_file(file, trusted_keys(old.audit_files))
    assert alone.ok
    assert alone.rows == ROWS + 2
    assert "checkpoint" in old.audit_files.anchor.read_text()


async def test_a_row_beside_the_archived_ones_is_still_missed(old: App) -> None:
    """A checkpoint excuses its own rows only: one more that is gone is named."""
    await archive(old)
    await attack(
        old.database,
        "DELETE FROM watchkeeper.audit_events WHERE seq = (SELECT min(seq) FROM watchkeeper.audit_events)",
    )
    assert [found.what for found in (await old.audit_verifier.verify()).findings] == [What.MISSING]


TAMPERINGS = [
    "UPDATE watchkeeper.audit_checkpoints SET ranges = '[[0, 1000]]', row_count = 1000",
    "UPDATE watchkeeper.audit_checkpoints SET file_sha256 = repeat('0', 64)",
    "UPDATE watchkeeper.audit_checkpoints SET signature = sha512('x')",
    "UPDATE watchkeeper.audit_checkpoints SET ranges = '{\"a\": 1}'",
]


@pytest.mark.parametrize("statement", TAMPERINGS)
async def test_a_changed_checkpoint_excuses_nothing(old: App, statement: str) -> None:
    """Who widens or forges a checkpoint is found out, and the rows that it covered count as missing."""
    await archive(old)
    await attack(old.database, statement)
    found = [finding.what for finding in (await old.audit_verifier.verify()).findings]
    assert found == [What.CHECKPOINT_BAD] + [What.MISSING] * (ROWS + 2)


async def test_a_checkpoint_that_was_removed_is_missed(old: App) -> None:
    """The anchor demands the checkpoint, and the seals the rows."""
    await archive(old)
    await attack(old.database, "DELETE FROM watchkeeper.audit_checkpoints")
    found = [finding.what for finding in (await old.audit_verifier.verify()).findings]
    assert found[0] is What.CHECKPOINT_BAD
    assert What.MISSING in found


async def test_an_archived_row_that_came_back_is_named(old: App) -> None:
    """A row that was archived and stands there again is called inserted."""
    await archive(old)
    await old.database.fetch("add_audit_partitions")
    await attack(
        old.database,
        "INSERT INTO watchkeeper.audit_events (seq, xid, project_id, event, actor) VALUES (1, '3', 'p', 'x', 'x')",
    )
    [found] = (await old.audit_verifier.verify()).findings
    assert found.what is What.INSERTED


async def test_an_archive_beside_a_backup_gives_up_at_once(old: App) -> None:
    """The drop would wait for the dump that reads the trail, and every claim behind it; the month stays for later."""
    async with old.database.connection() as dump, dump.transaction():
        await dump.execute("SELECT count(*) FROM watchkeeper.audit_events")
        with pytest.raises(DatabaseUnavailable, match="stood in its way"):
            await archive(old)
    await archive(old)


async def test_an_archive_that_was_changed_is_named(old: App) -> None:
    """The checkpoint names the file by its hash; the file's own seals name the row."""
    file = await archive(old)
    lines = gzip.decompress(file.read_bytes()).replace(b'"actor":"t"', b'"actor":"x"', 1)
    file.write_bytes(gzip.compress(lines))
    assert [found.what for found in (await old.audit_verifier.verify()).findings] == [What.ARCHIVE_CHANGED]
    [found] = verify_file(file, trusted_keys(old.audit_files)).findings
    assert (found.what, found.seal, found.row) == (What.EDITED, 1, 1)


async def test_an_archive_may_be_kept_elsewhere(old: App) -> None:
    """A file that was moved away is no fault; its name and hash are told."""
    (await archive(old)).unlink()
    report = await old.audit_verifier.verify()
    assert report.ok
    assert Note.ARCHIVE_ELSEWHERE in [note for note, _ in report.notes]


async def test_only_months_that_are_over_and_sealed_are_archived(app: App, clock: MovingClock) -> None:
    """The running month, one with an unsealed row, and one without a partition are refused; nothing is dropped."""
    await write(app.database)
    await seal_all(app)
    month = this_month()
    with pytest.raises(Conflict, match="not over"):
        await app.audit_archive.look(month)
    await write(app.database)
    clock.advance(MONTH_SECONDS)
    with pytest.raises(Conflict, match="not sealed"):
        await app.audit_archive.archive(month, actor="t", reason="r")
    with pytest.raises(NotFound):
        await app.audit_archive.archive(month.replace(year=1999), actor="t", reason="r")
    assert len(await rows(app.database, "SELECT 1 FROM watchkeeper.audit_events")) == 2


async def test_a_tampered_month_is_not_archived(old: App) -> None:
    """A row that is not what was sealed stays where it can be looked at."""
    await attack(old.database, "UPDATE watchkeeper.audit_events SET actor = 'x' WHERE seq = 2")
    with pytest.raises(Conflict, match="not what was sealed"):
        await old.audit_archive.archive(this_month(), actor="t", reason="r")
    assert len(await rows(old.database, "SELECT 1 FROM watchkeeper.audit_events")) == ROWS + 5


async def test_an_export_verifies_by_itself(old: App, tmp_path: Path) -> None:
    """A range of seals with its rows is verified offline; a line that was left out or changed is named."""
    await until_final(old.database)
    path = tmp_path / "part.jsonl"
    with path.open("wb") as file:
        assert await export(old.database, file.write, first=2, last=2) > 0
    keys = trusted_keys(old.audit_files)
    assert verify_file(path, keys).findings == []
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert [found.what for found in verify_file(path, keys).findings] == [What.MISSING]
    path.write_bytes(b"".join([*lines, lines[-1]]))
    assert [found.what for found in verify_file(path, keys).findings] == [What.INSERTED]
    path.write_bytes(b"no export\n")
    with pytest.raises(UsageError):
        verify_file(path, keys)


async def test_an_export_as_cloudevents_is_one_envelope_a_row(old: App) -> None:
    """Other systems take the trail as CloudEvents 1.0."""
    written: list[bytes] = []
    await export(old.database, written.append, cloudevents=True)
    events = list(map(json.loads, written))
    assert len(events) == ROWS + 5
    assert {event["specversion"] for event in events} == {"1.0"}
    assert events[0]["type"] == "dev.watchkeeper.audit.test.v1"
    assert events[0]["data"]["event"] == "test"
    assert events[0]["time"] == events[0]["data"]["at"]
