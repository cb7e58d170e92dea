"""The database's clock, as tests move it: `watchkeeper.now()` plus an offset that stands in a table."""

from __future__ import annotations

from typing import Any

import psycopg

ADVANCE = "UPDATE watchkeeper.test_clock SET shift = shift + make_interval(secs => %s)"


class MovingClock:
    """Moves the time of one test's database: over the connection that is given, else over one for each move."""

    def __init__(self, url: str, connection: psycopg.Connection[Any] | None = None) -> None:
        self._url = url
        self._connection = connection

    @staticmethod
    def install(connection: psycopg.Connection) -> None:
        """Replace the clock in a test template; production's never moves."""
        connection.execute("CREATE TABLE watchkeeper.test_clock (shift interval NOT NULL)")
        connection.execute("INSERT INTO watchkeeper.test_clock VALUES ('0')")
        connection.execute(
            "CREATE OR REPLACE FUNCTION watchkeeper.now() RETURNS timestamptz LANGUAGE sql VOLATILE AS"
            " 'SELECT clock_timestamp() + shift FROM watchkeeper.test_clock'"
        )

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass, or come back."""
        if self._connection is not None:
            self._connection.execute(ADVANCE, (seconds,))
            return
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(ADVANCE, (seconds,))
