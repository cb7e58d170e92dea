"""Any history of transactions, sealed in any batches, verifies; any single change of it is found and named."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_trail import WRITE, attack, unsealed, until_final
from conftest import TestServer
from raw_sql import rows
from watchkeeper.domain.audit_findings import What
from watchkeeper.services.audit_keys import AuditFiles
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.services.audit_verify import AuditVerifier
from watchkeeper.storage.database import Database, DatabaseConfig

WRITERS = 4
STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "write", "commit", "rollback", "seal"]), st.integers(0, WRITERS - 1)),
    min_size=1,
    max_size=25,
)
EDITS = st.sampled_from(
    ["actor = 'x'", "at = at - interval '1 s'", "epoch = 9", "data = '{}'", "event = 'x'"]
)

INSERTS = {
    "insert with another timeline": ("timeline", "2"),
    "insert with a future xid": ("xid", "'99999999999'"),
    "insert with a future at": ("at", "now() + interval '5 days'"),
}
ACTS = st.sampled_from(["edit", "delete", "copy", *INSERTS])


@dataclass(frozen=True)
class Trail:
    """A trail with writers that take their time."""

    database: Database
    files: AuditFiles
    url: str

    async def live(self, steps: list[tuple[str, int]], batch: int) -> None:
        """Write in transactions that overlap and end in any order, sealing in between; then seal all."""
        sealer = AuditSealer(self.database, self.files, batch=batch)
        async with AsyncExitStack() as stack:
            connect = psycopg.AsyncConnection.connect
            writers = [await stack.enter_async_context(await connect(self.url)) for _ in range(WRITERS)]
            for what, who in steps:
                match what:
                    case "write":
                        await writers[who].execute(WRITE)
                    case "commit":
                        await writers[who].commit()
                    case "rollback":
                        await writers[who].rollback()
                    case "seal":
                        await sealer.run_once()
        await until_final(self.database)
        while await unsealed(self.database):
            await sealer.run_once()

    async def empty(self) -> None:
        await attack(self.database, "DELETE FROM watchkeeper.audit_events")
        await attack(self.database, "DELETE FROM watchkeeper.audit_seals")
        for path in (self.files.key, self.files.anchor, self.files.trusted):
            path.unlink(missing_ok=True)


@asynccontextmanager
async def fresh_trail(server: TestServer) -> AsyncIterator[Trail]:
    with server.database() as url, tempfile.TemporaryDirectory() as directory:
        database = Database(DatabaseConfig(url, pool_size=4))
        await database.open()
        home = Path(directory)
        files = AuditFiles(
            home / "key", home / "keys.pub", home / "anchor", home / "archive", home / "verified"
        )
        try:
            yield Trail(database, files, url)
        finally:
            await database.close()


def test_any_history_verifies_and_any_change_is_named(server: TestServer) -> None:
    """Whatever order transactions commit in and wherever batches end, only a tampered trail fails, at the right row."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        trail = runner.run(stack.enter_async_context(fresh_trail(server)))

        @settings(max_examples=16, deadline=None, suppress_health_check=list(HealthCheck))
        @given(STEPS, st.integers(1, 5), ACTS, EDITS, st.integers(0))
        def history(steps: list[tuple[str, int]], batch: int, act: str, edit: str, pick: int) -> None:
            runner.run(_history(trail, steps, batch, act, edit, pick))

        try:
            history()
        finally:
            runner.run(stack.aclose())


async def _history(
    trail: Trail, steps: list[tuple[str, int]], batch: int, act: str, edit: str, pick: int
) -> None:
    await trail.empty()
    await trail.live([("write", 0), *steps, ("commit", 0)], batch)
    verifier = AuditVerifier(trail.database, trail.files)
    report = await verifier.verify()
    written = await rows(
        trail.database,
        "SELECT seq, xid::text AS xid FROM watchkeeper.audit_events ORDER BY timeline, xid, seq",
    )
    assert report.ok
    assert (report.rows, report.unsealed_rows) == (len(written), 0)
    if not written:
        return
    if act in INSERTS:
        await _append(trail, *INSERTS[act])
        [found] = (await verifier.verify()).findings
        assert (found.what, found.seal) == (What.INSERTED, None)
        return
    index = pick % len(written)
    where = f"WHERE seq = {written[index]['seq']}"
    statement, what = {
        "edit": (f"UPDATE watchkeeper.audit_events SET {edit} {where}", What.EDITED),
        "delete": (f"DELETE FROM watchkeeper.audit_events {where}", What.MISSING),
        "copy": (
            f"INSERT INTO watchkeeper.audit_events SELECT * FROM watchkeeper.audit_events {where}",
            What.INSERTED,
        ),
    }[act]
    await attack(trail.database, statement)
    [found] = (await verifier.verify()).findings
    assert found.what is what
    before = [seal for seal in await _counts(trail.database) if seal["rows_before"] <= index]
    assert found.seal == before[-1]["number"]
    if what is not What.INSERTED:
        assert found.row == index - before[-1]["rows_before"] + 1


async def _append(trail: Trail, column: str, value: str) -> None:
    into = f"INSERT INTO watchkeeper.audit_events (project_id, event, actor, {column})"
    await attack(trail.database, f"{into} VALUES ('p', 'x', 'x', {value})")


async def _counts(database: Database) -> list[dict[str, int]]:
    return await rows(
        database,
        "SELECT number, rows_before, row_count FROM watchkeeper.audit_seals WHERE row_count > 0 ORDER BY number",
    )
