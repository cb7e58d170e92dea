"""The database's clock, as tests move it: `watchkeeper.now()` plus an offset that stands in a table."""

from __future__ import annotations

import psycopg


class MovingClock:
    """Moves the time of one test's database."""

    def __init__(self, url: str) -> None:
        self._url = url

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
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(
                "UPDATE watchkeeper.test_clock SET shift = shift + make_interval(secs => %s)", (seconds,)
            )
