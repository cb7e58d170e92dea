"""The chain goes on after a restore: in a new timeline, with the tail sealed and later heads abandoned on purpose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from audit_trail import attack, seal_all, seals, until_final, write
from raw_sql import rows
from watchkeeper.app.whole import App, build
from watchkeeper.domain.audit_findings import What
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.services.audit_timeline import begin_timeline
from watchkeeper.storage.database import Database

CUT = "DELETE FROM watchkeeper.audit_seals WHERE number > 1"


async def begin(app: App) -> int:
    async with app.database.transaction() as connection:
        return await begin_timeline(connection, "backup of monday", files=app.audit_files)


async def test_the_tail_is_sealed_and_new_rows_are_of_the_next_timeline(app: App, database: Database) -> None:
    """What came back unsealed is sealed as it is; what is written from then on stands in timeline 2."""
    await write(database, 2)
    await seal_all(app)
    await write(database, 3)
    assert await begin(app) == 2
    await write(database)
    await seal_all(app, AuditSealer(database, app.audit_files))
    made = await seals(database)
    assert [(seal["timeline"], seal["row_count"]) for seal in made][-3:-1] == [(1, 3), (2, 0)]
    assert (made[-1]["timeline"], made[-1]["row_count"]) == (2, 2)
    told = await rows(
        database, "SELECT event, data FROM watchkeeper.audit_events WHERE timeline = 2 ORDER BY seq"
    )
    assert [row["event"] for row in told] == ["timeline_began", "test"]
    assert told[0]["data"] == {
        "timeline": 2,
        "restored_from": "backup of monday",
        "abandoned_above": made[-3]["number"] - 1,
    }


async def test_heads_of_the_abandoned_time_are_no_longer_demanded(app: App, database: Database) -> None:
    """A sealer that found the chain behind its anchor goes on after the restore is said to be one."""
    for _ in range(2):
        await write(database)
        await seal_all(app, AuditSealer(database, app.audit_files))
    await attack(database, CUT)
    running = AuditSealer(database, app.audit_files)
    await running.run_once()
    assert len(await seals(database)) == 1
    assert await begin(app) == 2
    await write(database)
    await seal_all(app, running)
    marks = [json.loads(line) for line in app.audit_files.anchor.read_text().splitlines()]
    [mark] = [line for line in marks if line["type"] == "timeline"]
    assert mark["abandoned_above"] == 1
    assert marks[-1]["type"] == "head"


async def test_a_home_without_the_old_key_goes_on_with_its_own(
    app: App, database: Database, tmp_path: Path
) -> None:
    """On another machine the restore makes a key, and from the new timeline on the chain is sealed with it."""
    await write(database)
    await seal_all(app)
    await write(database)
    other = build(replace(app.settings, home=tmp_path / "other"), database)
    assert await begin(other) == 2
    await write(database)
    await seal_all(other)
    old, *new = [seal["key_id"] for seal in await seals(database)]
    assert set(new) != {old}
    assert len(set(new)) == 1


async def test_every_restore_of_one_dump_has_a_timeline_of_its_own(app: App) -> None:
    """The anchor remembers the timelines that were, though the dump does not."""
    assert await begin(app) == 2
    await rows(app.database, "SELECT watchkeeper.set_audit_timeline(1)")
    await attack(app.database, "DELETE FROM watchkeeper.audit_seals")
    await attack(app.database, "DELETE FROM watchkeeper.audit_events")
    assert await begin(app) == 3


async def test_a_foreign_cluster_is_not_sealed_without_a_timeline(
    app: App, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A dump that was brought to a younger cluster by hand is noticed: its transactions count from below."""
    await write(database)
    await seal_all(app)
    await attack(database, "UPDATE watchkeeper.audit_seals SET last_xid = '9000000000000'")
    await write(database)
    await AuditSealer(database, app.audit_files).run_once()
    assert len(await seals(database)) == 1
    said = caplog.text
    assert "another cluster" in said


async def test_a_row_of_a_far_timeline_does_not_stop_a_restore(app: App, database: Database) -> None:
    """Rows that were inserted with other timelines neither use these up nor get into one: they stay findings."""
    await write(database)
    await seal_all(app)
    insert = "INSERT INTO watchkeeper.audit_events (project_id, event, actor, timeline) VALUES ('p', 'x', 'x', %(t)s)"
    for forged in (2, 2**31 - 1):
        await attack(database, insert, {"t": forged})
    assert await begin(app) == 3
    await until_final(database)
    await app.audit_sealer.run_once()
    found = (await app.audit_verifier.verify()).findings
    assert [(each.what, each.place and each.place.timeline) for each in found] == [
        (What.INSERTED, 2),
        (What.INSERTED, 2**31 - 1),
    ]
