"""The sealer: what it seals and when, next to writers that take their time and to other sealers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from audit_trail import WRITE, attack, seal_all, seals, unsealed, write
from raw_sql import rows
from watchkeeper.app.whole import App, build
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.storage.database import Database


async def test_rows_of_ended_transactions_are_sealed_and_anchored(app: App) -> None:
    """A run of the sealer covers what has ended, and the anchor outside the database names the head."""
    await app.queue.enqueue("p", [JobRequest("k")] * 3, actor="t")
    await seal_all(app)
    [seal] = await seals(app.database)
    [counted] = await rows(app.database, "SELECT count(*) AS n FROM watchkeeper.audit_events")
    assert (seal["number"], seal["row_count"]) == (1, counted["n"])
    assert len(seal["row_hashes"]) == 32 * counted["n"]
    [line] = map(json.loads, app.audit_files.anchor.read_text().splitlines())
    assert (line["type"], line["number"], line["hash"]) == ("head", 1, seal["hash"].hex())
    assert app.audit_files.key.stat().st_mode & 0o777 == 0o600


async def test_nothing_new_makes_no_seal(app: App) -> None:
    """An idle installation's chain does not grow."""
    await write(app.database)
    await seal_all(app)
    await app.audit_sealer.run_once()
    assert len(await seals(app.database)) == 1


async def test_an_open_writer_elsewhere_delays_and_never_corrupts(app: App, database_url: str) -> None:
    """Rows written after an older open transaction wait for its end; then all are sealed, in the total order."""
    await write(app.database)
    await seal_all(app)
    async with await psycopg.AsyncConnection.connect(database_url) as writer:
        await writer.execute(WRITE)
        await write(app.database, 3)
        await app.audit_sealer.run_once()
        assert len(await seals(app.database)) == 1
        assert await unsealed(app.database) == 3
        await writer.commit()
    await seal_all(app)
    made = await seals(app.database)
    assert sum(seal["row_count"] for seal in made) == 5
    assert made[1]["first_seq"] == 2
    assert made[1]["previous_hash"] == made[0]["hash"]


async def test_a_writer_in_another_database_delays_too(app: App, database_url: str) -> None:
    """Transaction numbers belong to the whole cluster: so does what the sealer waits for."""
    await write(app.database)
    await seal_all(app)
    admin = psycopg.conninfo.make_conninfo(database_url, dbname="postgres")
    async with await psycopg.AsyncConnection.connect(admin) as writer:
        await writer.execute("SELECT pg_current_xact_id()")
        await write(app.database)
        await app.audit_sealer.run_once()
        assert await unsealed(app.database) == 1
        await writer.rollback()
    await seal_all(app)
    assert len(await seals(app.database)) == 2


async def test_two_sealers_at_once_never_fork_the_chain(app: App, database: Database) -> None:
    """Sealers that run beside each other and beside writers make one chain, without a gap or a double."""
    sealers = [AuditSealer(database, app.audit_files) for _ in range(3)]
    done = asyncio.Event()

    async def seal(sealer: AuditSealer) -> None:
        while not done.is_set():
            await sealer.run_once()

    tasks = [asyncio.create_task(seal(sealer)) for sealer in sealers]
    async with asyncio.timeout(60):
        while len(await seals(database)) < 5:
            await asyncio.gather(*(write(database, 10) for _ in range(3)))
    done.set()
    await asyncio.gather(*tasks)
    await seal_all(app)
    made = await seals(database)
    assert [seal["number"] for seal in made] == list(range(1, len(made) + 1))
    assert [seal["previous_hash"] for seal in made[1:]] == [seal["hash"] for seal in made[:-1]]
    [counted] = await rows(database, "SELECT count(*) AS n FROM watchkeeper.audit_events")
    assert sum(seal["row_count"] for seal in made) == counted["n"]


async def test_a_key_that_is_not_the_chains_does_not_seal(
    app: App, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A watch on another machine, without the key, leaves the chain alone and says so once; it makes no key."""
    await write(database)
    await seal_all(app)
    await write(database)
    other = build(replace(app.settings, home=tmp_path / "other"), database)
    for _ in range(2):
        await other.audit_sealer.run_once()
    assert len(await seals(database)) == 1
    assert not other.audit_files.key.exists()
    said = caplog.text
    assert said.count("audit_not_sealed") == 1


async def test_a_key_that_others_can_read_is_refused(
    app: App, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The key's secrecy is what the seals are worth: a file that is open to others is named, not used."""
    await write(database)
    await seal_all(app)
    app.audit_files.key.chmod(0o644)
    await write(database)
    sealer = AuditSealer(database, app.audit_files)
    for _ in range(3):
        await sealer.run_once()
    assert len(await seals(database)) == 1
    said = caplog.text
    assert said.count("open to other users") == 1


async def test_an_anchor_that_cannot_be_written_stops_no_sealing(
    app: App, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The chain goes on, and what is wrong with the anchor is said once."""
    anchor = app.audit_files.anchor
    anchor.parent.mkdir(parents=True)
    anchor.symlink_to(anchor.parent / "a disk that is not there" / "anchor")
    sealer = AuditSealer(database, app.audit_files, anchor_seconds=0)
    for _ in range(3):
        await write(database)
        await seal_all(app, sealer)
    assert len(await seals(database)) == 3
    said = caplog.text
    assert said.count("audit_not_sealed") == 1


async def test_a_chain_that_was_cut_is_not_sealed_over(
    app: App, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Seals that were anchored and are gone stop the sealer, also a new one: it signs no second history."""
    for _ in range(2):
        await write(database)
        await seal_all(app, AuditSealer(database, app.audit_files))
    await attack(database, "DELETE FROM watchkeeper.audit_seals WHERE number = 2")
    await AuditSealer(database, app.audit_files).run_once()
    assert len(await seals(database)) == 1
    said = caplog.text
    assert "lacks seal 2" in said


async def test_key_and_anchor_stand_where_settings_say(app: App, database: Database, tmp_path: Path) -> None:
    """Key and anchor can be kept on another disk than the home."""
    key, anchor = tmp_path / "a" / "key", tmp_path / "b" / "anchor"
    settings = replace(app.settings, audit_key_file=key, audit_anchor_file=anchor)
    await write(database)
    await seal_all(app, build(settings, database).audit_sealer)
    assert key.exists()
    assert anchor.read_text().count("\n") == 1
    assert not app.audit_files.key.exists()
