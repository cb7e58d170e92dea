"""Turns the driver's errors into ours: what the caller got wrong, what the database cannot do now, what it refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import psycopg_pool
from psycopg import errors as pg

from watchkeeper.domain.errors import DatabaseUnavailable, UsageError, WatchkeeperError


@contextmanager
def driver_errors() -> Iterator[None]:
    """Turn errors of a block that only speaks to the database into ours; one that ran out of time had no answer."""
    try:
        with refusals():
            yield
    except TimeoutError as error:
        raise DatabaseUnavailable("the database did not answer in time") from error


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the driver's own errors into ours, around a caller's block, whose timeouts may be of anything."""
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
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg_pool.PoolTimeout,
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
