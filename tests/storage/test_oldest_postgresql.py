"""The oldest PostgreSQL that is supported: Debian's 15."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from embedded_servers import joined, servers, url_of
from moving_clock import MovingClock
from properties.queue_play import play
from watchkeeper.app.whole import running
from watchkeeper.settings import Settings
from watchkeeper.storage.binaries import find

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


def test_the_promises_hold_on_postgresql_15(tmp_path: Path) -> None:
    """The migrations apply, ids are UUIDv7 without the server's help, and the queue keeps its promises."""
    if not (PROGRAMS / "postgres").exists():
        pytest.skip("needs PostgreSQL 15: apt-get install postgresql-15")
    with servers() as made, joined(made.at(programs=find(PROGRAMS), new=True)) as users:
        settings = Settings(home=tmp_path, database_url=url_of(users[0]))
        assert settings.database_url is not None
        asyncio.run(_migrate(settings))
        with psycopg.connect(settings.database_url) as connection:
            MovingClock.install(connection)
            for _ in range(50):
                row = connection.execute("SELECT watchkeeper.uuid7()").fetchone()
                assert row is not None
                assert (row[0].version, row[0].variant) == (7, "specified in RFC 4122")
        play(settings, settings.database_url, examples=6, steps=40)


async def _migrate(settings: Settings) -> None:
    async with running(settings):
        pass
