"""Turns the driver's errors into ours: what the caller got wrong, what the database cannot do now, what it refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import psycopg
import psycopg_pool
from psycopg import errors as pg
from psycopg.rows import DictRow

from watchkeeper.domain.errors import DatabaseUnavailable, UsageError, WatchkeeperError


class Attempted(psycopg.AsyncConnection[DictRow]):
    """A connection of a pool. A pool that gives up says that it waited; `refusal` is what PostgreSQL said meanwhile."""

    refusal: ClassVar[str | None] = None

    @classmethod
    async def connect(cls, *args: Any, **options: Any) -> Self:
        try:
            connection = await super().connect(*args, **options)
        except psycopg.Error as error:
            cls.refusal = _first_line(error)
            raise
        cls.refusal = None
        return connection


@contextmanager
def driver_errors() -> Iterator[None]:
    """Turn errors of a block that only speaks to the database into ours; one that ran out of time had no answer."""
    try:
        with refusals():
            yield
    except TimeoutError as error:
        raise DatabaseUnavailable("the database did not answer in time") from error


@contextmanager
def refusals(attempts: type[Attempted] | None = None) -> Iterator[None]:
    """Turn the driver's own errors into ours, around a caller's block, whose timeouts may be of anything.

    `attempts` are the connections of the pool that the block waits for.
    """
    try:
        yield
    except (pg.UntranslatableCharacter, pg.CharacterNotInRepertoire) as error:
        raise UsageError(
            "text must not contain NUL characters", hint="Send binary data as a file."
        ) from error
    except psycopg.DataError as error:
        raise UsageError(f"a value cannot be stored: {_first_line(error)}") from error
    except (pg.DiskFull, pg.OutOfMemory, pg.InsufficientResources) as error:
        raise DatabaseUnavailable(f"the database is out of room: {_first_line(error)}") from error
    except (pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable) as error:
        raise DatabaseUnavailable("the database undid this: another request stood in its way") from error
    except psycopg_pool.PoolTimeout as error:
        cause = None if attempts is None else attempts.refusal
        raise DatabaseUnavailable(f"the database cannot be reached: {cause or _first_line(error)}") from error
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        pg.IdleInTransactionSessionTimeout,
        pg.ReadOnlySqlTransaction,
    ) as error:
        raise DatabaseUnavailable(f"the database cannot be reached: {_first_line(error)}") from error
    except psycopg_pool.PoolClosed as error:
        raise DatabaseUnavailable("the connection pool is closed") from error
    except psycopg.Error as error:
        raise WatchkeeperError(f"the database refused a statement: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
