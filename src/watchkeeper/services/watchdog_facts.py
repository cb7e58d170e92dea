"""Where the rules' facts come from: one bounded query a family, each costing what is live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper.domain.facts import AgentSessionFact, LeaseFact, QueueFact, SightFact, Wait
from watchkeeper.domain.leases import SESSION_LEASE_SECONDS
from watchkeeper.domain.mirrored import SUCCESS_WORDS
from watchkeeper.domain.policies import Policy, Thresholds
from watchkeeper.services.watchdog_edges import session_fact
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one, fetch_row
from watchkeeper.storage.pg_programs import APPLICATION

OVERLAP = timedelta(seconds=2)
"""How far a look reaches back over the one before it: a fact that was written meanwhile may be a moment older."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What counts as a gap in the watch, and how often everything is looked at."""

    gap_seconds: float
    least_gap_seconds: float
    sweep_seconds: float


@dataclass(frozen=True, slots=True)
class Tick:
    """One look of the watchdog that has the watch; `previous` is the one before it, on whichever machine.

    `sweeps`: this one looks at everything, not only at what became due since. `leases_quiet_since` is the later of the
    watchdog's own quiet time and that of a reaper that is at work.
    """

    now: datetime
    previous: datetime | None
    shortest_lease_seconds: float | None
    sweeps: bool
    gapped: bool
    server_changed: bool
    quiet_since: datetime
    leases_quiet_since: datetime
    unwatched_from: datetime


async def tick(connection: Connection, watch: Watch) -> Tick | None:
    """Take the watch until the transaction ends; None where another watchdog has it."""
    row = await fetch_one(
        connection,
        "tick_watchdog",
        {
            "gap_seconds": watch.gap_seconds,
            "least_gap_seconds": watch.least_gap_seconds,
            "sweep_seconds": watch.sweep_seconds,
        },
    )
    return Tick(**row) if row else None


async def leases(
    connection: Connection, tick: Tick, since: datetime | None, limits: Thresholds
) -> tuple[list[LeaseFact], datetime | None]:
    """Give the leases for which a rule's moment came after `since` (None: ever), and the next moment of the others."""
    rows = await fetch(
        connection,
        "lease_facts",
        {
            "now": tick.now,
            "since": None if since is None else since - OVERLAP,
            "quiet_since": tick.leases_quiet_since,
            "session_lease_seconds": SESSION_LEASE_SECONDS,
            "near_seconds": limits.lease_near_expiry_seconds,
            "near_fraction": limits.lease_near_expiry_fraction,
            "session_near_fraction": limits.session_lease_near_expiry_fraction,
            "expired_seconds": limits.lease_expired_grace_seconds,
            "unrenewed_seconds": limits.running_unrenewed_seconds,
            "past_expiry_seconds": limits.running_past_expiry_seconds,
            "success_words": sorted(SUCCESS_WORDS),
        },
    )
    next_at = rows[0].pop("next_at")
    for row in rows[1:]:
        del row["next_at"]
    return [LeaseFact(**row) for row in rows if row["job_id"] is not None], next_at


async def queues(connection: Connection, tick: Tick, policy: Policy) -> list[QueueFact]:
    """Give the kinds whose next job waits though it need not, and note since when."""
    rows = await fetch(
        connection,
        "queue_facts",
        {
            "now": tick.now,
            "previous": tick.previous or tick.now,
            "quiet_since": tick.quiet_since,
            "unwatched_from": tick.unwatched_from,
            "heartbeat_seconds": policy.heartbeat_interval_seconds,
            "absent_seconds": policy.absent_seconds,
        },
    )
    return [_queue(row) for row in rows]


def _queue(row: Row) -> QueueFact:
    return QueueFact(**{**row, "wait": Wait(row["wait"]), "was_asked": bool(row["was_asked"])})


async def unheard_sessions(
    connection: Connection, tick: Tick, silence_seconds: float
) -> list[AgentSessionFact]:
    """Give the live sessions of which nobody told for about as long as that is borne."""
    rows = await fetch(
        connection,
        "session_facts",
        {
            "projects": [],
            "ids": [],
            "unheard_since": tick.now - timedelta(seconds=silence_seconds),
            "quiet_since": tick.quiet_since,
        },
    )
    return [session_fact(row, silence_limit_seconds=silence_seconds) for row in rows]


async def sight(connection: Connection, tick: Tick, missed_seconds: float) -> SightFact:
    """Give how well the watchdog sees. What it did not read yet is no lag while it has only just begun to read."""
    row = await fetch_row(connection, "sight_facts", {"now": tick.now, "backup": APPLICATION})
    watched = 0.0 if tick.previous is None else (tick.now - tick.quiet_since).total_seconds()
    unread = row["unread_seconds"]
    return SightFact(
        missed_seconds,
        None if unread is None else min(unread, watched),
        row["pinned_seconds"],
        row["pinned_by"],
        row["unsealed_seconds"] and min(row["unsealed_seconds"], watched),
    )


@dataclass(frozen=True, slots=True)
class Sight:
    """Whether the watchdog is blind, and whether a blindness ended with this tick."""

    is_blind: bool
    has_ended: bool


async def note_sight(connection: Connection, tick: Tick, *, is_blind: bool, good_ticks: int) -> Sight:
    """Note what the rules said of the watchdog's own eyes. It sees again after so many good ticks in a row."""
    row = await fetch_row(
        connection, "note_sight", {"now": tick.now, "is_blind": is_blind, "good_ticks": good_ticks}
    )
    return Sight(row["is_blind"], row["has_ended"])
