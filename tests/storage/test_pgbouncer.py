"""A real PgBouncer in transaction mode between the program and its database."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from properties.queue_play import play
from services.handler_runs import ask, reaches, working
from waiting import wait_until
from watchkeeper import JobContext, job
from watchkeeper.app.whole import build
from watchkeeper.settings import Settings

CONFIG = """
[databases]
{name} = host={host} port={port} dbname={name} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 100
"""


def pgbouncer() -> str:
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        pytest.skip("needs PgBouncer: apt-get install pgbouncer")
    return found


@pytest.fixture
def pooled(database_url: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings that lead through a pooler to this test's database."""
    program = pgbouncer()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = psycopg.conninfo.conninfo_to_dict(database_url)
    place = Path(tempfile.mkdtemp(prefix="wk-pooler-"))
    place.chmod(0o755)
    config = place / "pgbouncer.ini"
    config.write_text(
        CONFIG.format(
            name=where["dbname"],
            host=where["host"],
            port=where.get("port", 5432),
            user=where["user"],
            password=where["password"],
            listen_port=port,
        )
    )
    user = ["-u", Path(str(where["host"])).owner()] if os.geteuid() == 0 else []
    process = subprocess.Popen([program, "-q", *user, config], stderr=subprocess.DEVNULL)
    url = f"postgresql://{where['user']}@127.0.0.1:{port}/{where['dbname']}"
    try:
        wait_until(lambda: _answers(url), 10, "the pooler")
        yield Settings(home=tmp_path / "home", database_url=url, database_pooled=True)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(place)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_promises_hold_behind_a_pooler(pooled: Settings, database_url: str) -> None:
    """All that people and workers do to a queue works the same through a transaction pooler."""
    play(pooled, database_url, examples=6, steps=40)


@pytest.mark.parametrize("direct", [True, False], ids=["with a direct URL", "without"])
async def test_a_worker_behind_a_pooler_is_woken_or_looks(
    pooled: Settings, database_url: str, direct: bool
) -> None:
    """With a direct URL an idle worker is woken at once; without one it finds the job when it looks again."""

    @job("k")
    async def handle(context: JobContext) -> None:
        await context.progress("here")

    app = build(replace(pooled, database_direct_url=database_url if direct else None))
    await app.database.open()
    try:
        # With a direct URL nothing but a wake-up can find the job before the wait for it is over.
        async with working(app, handle, poll_seconds=60 if direct else 5):
            for _ in range(2):
                await reaches(app, await ask(app, "k"), "completed")
    finally:
        await app.database.close()
