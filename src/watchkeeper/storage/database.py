"""The connection pool and the way to the named queries. Nothing above storage meets the driver or its errors."""

from __future__ import annotations

import asyncio
import logging
import select
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

import psycopg
import psycopg_pool
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from watchkeeper.domain.errors import SettingError, UsageError, WatchkeeperError
from watchkeeper.storage.driver_errors import Attempted, driver_errors, refusals
from watchkeeper.storage.queries import query

Connection = psycopg.AsyncConnection[DictRow]
AnyConnection = psycopg.AsyncConnection[Any]
"""A connection of a caller's own: whatever rows it gives, our queries read theirs in their own way."""
Row = dict[str, Any]

CONNECT_TIMEOUT_SECONDS = 5
CLOSE_SECONDS = 1.0
"""How long a pool waits for its own attempts to connect, which may be in vain, when it is closed."""

REST_SECONDS = 1.0
"""A pooled connection that lay unused for longer is asked whether it lives before it is lent."""

# Outages are told by those who meet them, each once; the driver would tell every attempt to connect.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

_returned_at: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
STOPPED_SECONDS = 60
"""A transaction in which nothing is asked for so long is ended: a suspended process must not keep rows from others."""


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """Where the database is and what lies between: `pooled` says that `url` leads to a transaction pooler.

    Behind a pooler statements are not prepared, and LISTEN needs `direct_url`; without one, waiting is polling.
    """

    url: str
    direct_url: str | None = None
    pooled: bool = False
    pool_size: int = 10

    @property
    def listen_url(self) -> str | None:
        return self.direct_url or (None if self.pooled else self.url)

    @property
    def prepare_threshold(self) -> int | None:
        return None if self.pooled else 0


def _attempts() -> type[Attempted]:
    """Give a class of connections of one pool's own, which remembers why its last attempt failed."""

    class Lent(Attempted):
        pass

    return Lent


class Database:
    """A pool of connections to one PostgreSQL, or to the present primary of several.

    With several hosts in the URL libpq follows the primary (`target_session_attrs=read-write`).
    """

    def __init__(self, config: DatabaseConfig) -> None:
        self.config = config
        self._attempts = _attempts()
        self._pool = psycopg_pool.AsyncConnectionPool[Connection](
            config.url,
            connection_class=self._attempts,
            kwargs=connection_options(config),
            min_size=1,
            max_size=config.pool_size,
            timeout=CONNECT_TIMEOUT_SECONDS + 1,
            max_idle=60,
            reconnect_timeout=5,
            check=_check_after_rest,
            reset=_note_return,
            open=False,
        )
        self._joined: ContextVar[Connection | None] = ContextVar("joined", default=None)

    async def open(self) -> None:
        """Start the pool without waiting for the database: an absent one shows at the first use."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close(timeout=CLOSE_SECONDS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction, which commits when the block ends well.

        Raises DatabaseUnavailable when the database cannot be reached or goes away. Then the end of the transaction is
        unknown: whoever repeats it must be idempotent.
        """
        with refusals(self._attempts):
            if (joined := self._joined.get()) is not None:
                async with joined.transaction():
                    yield joined
                return
            async with self._pool.connection() as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Make all transactions that this task begins inside the block parts of one: all commit, or none."""
        async with self.transaction() as connection:
            before = self._joined.set(connection)
            try:
                yield
            finally:
                self._joined.reset(before)

    @asynccontextmanager
    async def rehearsed(self) -> AsyncIterator[None]:
        """The same, and taken back at the end of the block: what would come of it is seen, and nothing of it stays."""
        async with self.together(), self.transaction() as here, here.transaction(force_rollback=True):
            yield

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Connection]:
        """Lend a connection for one statement, which is a transaction of its own; raise DatabaseUnavailable."""
        with refusals(self._attempts):
            if (joined := self._joined.get()) is not None:
                yield joined
                return
            async with self._pool.connection() as connection:
                yield connection

    async def fetch(self, name: str, arguments: Mapping[str, Any] | None = None) -> list[Row]:
        """Run one named query in a transaction of its own and give all its rows."""
        async with self.statement() as connection:
            return await fetch(connection, name, arguments)

    async def fetch_one(self, name: str, arguments: Mapping[str, Any] | None = None) -> Row | None:
        rows = await self.fetch(name, arguments)
        return rows[0] if rows else None

    async def fetch_row(self, name: str, arguments: Mapping[str, Any] | None = None) -> Row:
        """The same for a query that always gives a row; raise WatchkeeperError if it did not."""
        async with self.statement() as connection:
            return await fetch_row(connection, name, arguments)

    async def ping(self) -> None:
        """Raise DatabaseUnavailable unless the database answers."""
        await self.fetch("ping")

    @property
    def direct_url(self) -> str:
        """The address for what a transaction pooler cannot carry; raise SettingError where there is only a pooler."""
        if (url := self.config.listen_url) is None:
            raise SettingError(
                "this needs a connection that no pooler stands in",
                hint="Set WATCHKEEPER_DATABASE_DIRECT_URL to the server's own address.",
            )
        return url

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Open a connection of the caller's own, in autocommit, past any pooler; raise SettingError as `direct_url`."""
        with refusals():
            connection = await connect(DatabaseConfig(self.direct_url))
            try:
                yield connection
            finally:
                await connection.close()

    async def listen(self, channels: Sequence[str]) -> AsyncIterator[tuple[str, str]]:
        """Yield (channel, payload) of notifications until cancelled.

        Raises DatabaseUnavailable when the connection ends; ends at once where there is no way to listen (a pooler
        without a direct URL). Channels are our own constants, never input.
        """
        if (url := self.config.listen_url) is None:
            return
        with driver_errors():
            connection = await connect(DatabaseConfig(url))
            try:
                for channel in channels:
                    await connection.execute(query(f"listen_{channel}"))
                async for notice in connection.notifies():
                    yield notice.channel, notice.payload
            finally:
                await connection.close()


def connection_options(config: DatabaseConfig) -> dict[str, Any]:
    """Give what we ask of every connection; raise SettingError for an address that libpq cannot read."""
    try:
        given = str(conninfo_to_dict(config.url).get("options") or "")
    except psycopg.ProgrammingError:
        # The driver's words quote the address, in which a password may stand.
        raise SettingError(
            "the database's address has a part or a parameter that PostgreSQL's library does not know",
            hint="Look at WATCHKEEPER_DATABASE_URL and WATCHKEEPER_DATABASE_DIRECT_URL.",
        ) from None
    return {
        "row_factory": dict_row,
        "prepare_threshold": config.prepare_threshold,
        "autocommit": True,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": "watchkeeper",
        "target_session_attrs": "read-write",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        # A pooler takes none and has limits of its own.
        **({} if config.pooled else _limits(given)),
    }


def _limits(given: str) -> dict[str, str]:
    """Add our limits to the options of the address."""
    return {"options": f"-c idle_in_transaction_session_timeout={STOPPED_SECONDS}s {given}".strip()}


async def _note_return(connection: Connection) -> None:
    _returned_at[connection] = time.monotonic()


async def _check_after_rest(connection: Connection) -> None:
    """Ask a pooled connection whether it lives, unless it did a moment ago: the question costs a trip.

    A server that ends a session says so, which makes the socket of an idle connection readable.
    """
    told = select.poll()
    told.register(connection.fileno(), select.POLLIN | select.POLLRDHUP)
    if told.poll(0) or time.monotonic() - _returned_at.get(connection, 0.0) > REST_SECONDS:
        await psycopg_pool.AsyncConnectionPool.check_connection(connection)


async def connect(config: DatabaseConfig) -> Connection:
    connection = await psycopg.AsyncConnection.connect(config.url, **connection_options(config))
    return cast("Connection", connection)


async def send(
    cursor: psycopg.AsyncCursor[Any], name: str, arguments: Mapping[str, Any] | None = None
) -> None:
    """Execute a named query on a cursor; raise UsageError for text that is no Unicode."""
    try:
        await cursor.execute(query(name), arguments)
    except UnicodeEncodeError as error:
        raise UsageError("text is not valid Unicode") from error


async def fetch(connection: Connection, name: str, arguments: Mapping[str, Any] | None = None) -> list[Row]:
    """Run a named query on a connection and give all its rows; none for a statement without a result."""
    # The caller's own connection may give rows in another shape.
    cursor = connection.cursor(binary=True, row_factory=dict_row)
    await send(cursor, name, arguments)
    return await cursor.fetchall() if cursor.description else []


async def fetch_one(
    connection: Connection, name: str, arguments: Mapping[str, Any] | None = None
) -> Row | None:
    rows = await fetch(connection, name, arguments)
    return rows[0] if rows else None


async def fetch_row(connection: Connection, name: str, arguments: Mapping[str, Any] | None = None) -> Row:
    """Run a named query that always gives a row, and give its first; raise WatchkeeperError if it did not."""
    row = await fetch_one(connection, name, arguments)
    if row is None:
        raise WatchkeeperError(f"the query {name!r} gave no row")
    return row


async def broken_off(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks that speak to the database, and wait until they are over.

    The driver first asks the server to cancel, and may wait for that in vain: it is told again.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.05)
