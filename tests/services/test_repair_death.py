"""A process that dies in the middle of a repair leaves nothing half done."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import psycopg

from moving_clock import MovingClock
from services.repaired import Shop
from waiting import wait_until
from watchkeeper.app.whole import App

ACTING = """
import asyncio, sys
from watchkeeper.app import whole
from watchkeeper.app.repairs import repair_parts
from watchkeeper.domain.policies import Policy
from watchkeeper.services.repairs import acting
from watchkeeper.settings import Settings
from pathlib import Path

look, looked = acting.look, []

async def look_then_hang(connection, *arguments):
    looked.append(1)
    if len(looked) == 2:  # after the act, before it is recorded
        print("acted", flush=True)
        await asyncio.sleep(600)
    return await look(connection, *arguments)

async def main():
    acting.look = look_then_hang
    app = whole.build(Settings(home=Path(sys.argv[2]), database_url=sys.argv[1]))
    await app.database.open()
    await repair_parts(app, Policy)[2].run_once()

asyncio.run(main())
"""


def kill_in_the_act(url: str, home: Path) -> None:
    """Let a process begin a repair, and kill it once it has acted and not yet recorded."""
    with subprocess.Popen([sys.executable, "-c", ACTING, url, str(home)], stdout=subprocess.PIPE) as acting:
        assert acting.stdout is not None
        assert acting.stdout.readline() == b"acted\n"
        acting.kill()


async def test_what_was_done_and_not_recorded_is_not_done(
    app: App, database_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    """SIGKILL between act and record: the job still runs, the repair waits, and the next look carries it out."""
    shop = Shop(app)
    job = await shop.running()
    await shop.incident("lease_expired", job.id)
    clock.advance(200)
    await asyncio.to_thread(kill_in_the_act, database_url, tmp_path)

    def let_go() -> bool:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in transaction%'"
            ).fetchone()
        return row == (0,)

    await asyncio.to_thread(wait_until, let_go, 10, "the dead process's transaction to end")
    assert (await shop.app.operations.find("p", job.id))["state"] == "running"
    assert (await shop.last())["state"] == "proposed"
    assert await shop.run() == {"succeeded": 1}
    assert (await shop.app.operations.find("p", job.id))["state"] == "pending"
