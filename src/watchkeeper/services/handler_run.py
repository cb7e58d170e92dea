"""Runs one handler under its lease, and says how the attempt ended."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from watchkeeper.domain.errors import (
    ContractRejected,
    DatabaseUnavailable,
    GateFailed,
    StaleLease,
    WatchkeeperError,
)
from watchkeeper.domain.jobs import AttemptCause, StateReason
from watchkeeper.logs import log
from watchkeeper.services.handlers import Handler, JobContext
from watchkeeper.services.job_desk import JobDesk
from watchkeeper.services.queue import AttemptEnd
from watchkeeper.storage.jobs import Completion, HeldLease

TRACEBACK_LINES = 40
CANCELLED_INSIDE = "CancelledError: something that the handler waited for was cancelled"


class Interruption(StrEnum):
    """Why a worker interrupted a handler. UNCONFIRMED: the lease may be held still, but nobody answered in its time."""

    LOST = "the lease was lost"
    UNCONFIRMED = "the database did not confirm the lease within its time"


@dataclass(slots=True)
class Running:
    """A handler at work under a lease, in the task that would have to be cancelled to stop it."""

    context: JobContext
    lease: HeldLease
    task: asyncio.Task[Any]
    interrupted: Interruption | None = None

    def interrupt(self, why: Interruption) -> None:
        """Cancel the handler, once; what is known of its lease may become worse."""
        if self.interrupted is None:
            self.task.cancel()
        self.interrupted = why

    def cut_short(self) -> AttemptEnd | None:
        """Say how an attempt ended whose handler was cancelled; None where the lease is another's."""
        if self.interrupted is None:
            return AttemptEnd(self.lease, AttemptCause.AGENT_ERROR, CANCELLED_INSIDE)
        log("attempt_interrupted", job=self.context.job.id, reason=self.interrupted.value)
        return None if self.interrupted is Interruption.LOST else unconfirmed(self.lease)


def unconfirmed(lease: HeldLease) -> AttemptEnd:
    """End an attempt whose lease outlived its time without an answer: the machine's failure, which uses up nothing."""
    return AttemptEnd(lease, AttemptCause.INFRASTRUCTURE, Interruption.UNCONFIRMED.value)


async def run_handler(handler: Handler, desk: JobDesk, running: Running) -> Completion | AttemptEnd | None:
    """Run a handler and give how its attempt ended; None where the lease is no longer held.

    Raises CancelledError only.
    """
    context, lease = running.context, running.lease
    job = context.job
    cap = job.hard_cap_minutes
    try:
        if cap is None:
            await handler.function(context)
        else:
            async with asyncio.timeout(cap * 60):
                await handler.function(context)
        if context.gave_up:
            return AttemptEnd(lease, AttemptCause.OPERATOR, "stopped as asked", cancelled=True)
        verified, output_hash = "none", None
        if job.contract is not None:
            verified, output_hash = await desk.pass_gate(job, lease)
    except StaleLease:
        log("lease_lost", job_seq=job.seq)
        return None
    except DatabaseUnavailable as error:
        return AttemptEnd(lease, AttemptCause.INFRASTRUCTURE, _describe(error, cap))
    except (GateFailed, ContractRejected) as error:
        # A handler has no further turn in which it could mend what it claimed.
        refused = StateReason(error.code)
        return AttemptEnd(lease, AttemptCause.GATE, _describe(error, cap), stuck_for=refused)
    except Exception as error:  # noqa: BLE001 - a handler may raise anything; it ends the attempt
        if running.interrupted is not None:
            return running.cut_short()
        log("handler_failed", job=job.id, kind=job.kind, error=type(error).__name__)
        return AttemptEnd(lease, AttemptCause.AGENT_ERROR, _describe(error, cap))
    return Completion(lease, verified, context.summary, output_hash)


def _describe(error: Exception, cap: float | None) -> str:
    if isinstance(error, TimeoutError) and cap is not None:
        return f"TimeoutError: the attempt reached its hard cap of {cap:g} minutes, or timed out inside"
    if isinstance(error, WatchkeeperError):
        failed = ", ".join(check["check"] for check in error.details.get("failed", ()))
        return f"{error.code}: {error.message}" + (f" ({failed})" if failed else "")
    return "".join(traceback.format_exception(error, limit=-TRACEBACK_LINES))
