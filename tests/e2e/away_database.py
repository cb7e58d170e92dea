"""A database that nobody can reach for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from waiting import wait_until
from watchkeeper.host.clock import boot_clock

KICK = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE datname = %s AND pid <> pg_backend_pid()
"""


def database_name(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


def kick(admin_url: str, name: str) -> None:
    """End all connections to a database."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(KICK, (name,))


@contextmanager
def away(admin_url: str, name: str, *, at_least: float = 0.0) -> Iterator[None]:
    """Let nobody reach a database, as if the network were cut: its server goes on, its clock too."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        connection.execute(KICK, (name,))
        back_at = boot_clock() + at_least
        try:
            yield
            wait_until(lambda: boot_clock() >= back_at, at_least + 1, "the outage's end")
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
