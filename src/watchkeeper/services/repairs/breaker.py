"""The breaker of a rule in a pool: it counts attempts, and once tripped stays so until a person resets it."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.errors import SettingError
from watchkeeper.storage.database import Connection, Row, fetch_row

ACTIONS_OFF = "all actions are switched off"
"""The whole word on it: why is a matter of the installation, and repairs are read by projects."""

TRIPPED_NOTE = "the breaker of "
"""How the note of a repair begins that waits for its breaker: while that is tripped, the duty leaves it alone."""


@dataclass(frozen=True, slots=True)
class BreakerConfig:
    """At most `attempts` within `window_seconds`; not failures are counted: a repair that runs wild succeeds."""

    attempts: int = 20
    window_seconds: float = 600.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.window_seconds <= 0:
            raise SettingError("a breaker allows at least 1 attempt in more than 0 seconds")


async def is_tripped(connection: Connection, repair: Row, config: BreakerConfig) -> bool:
    """Count what this rule did in this pool, and trip where it was enough; lets one process count at a time."""
    where = {name: repair[name] for name in ("project_id", "trigger", "pool")}
    arguments = {"window_seconds": config.window_seconds, "attempts": config.attempts}
    await fetch_row(connection, "lock_breaker", where)
    row = await fetch_row(connection, "count_breaker", {**where, **arguments})
    return bool(row["is_tripped"])
