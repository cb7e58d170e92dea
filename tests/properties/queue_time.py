"""Time passes, watched or not; what is due is reaped and promoted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from properties.queue_base import (
    GAP_SECONDS,
    LEAST_GAP_SECONDS,
    STEP_SECONDS,
)
from properties.queue_model import (
    CANCELLED,
    PENDING,
    Job,
)
from properties.queue_people import People
from watchkeeper.domain.jobs import StateReason


class Time(People):
    """The clock and the reaper."""

    @rule(seconds=st.sampled_from([1, STEP_SECONDS, 100]))
    def pass_time(self, seconds: int) -> None:
        """Nobody watches meanwhile."""
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([25, 100]))
    def outage(self, seconds: int) -> None:
        """Jobs run, nobody reaches the database for a while, and the reaper is the first to come back."""
        self.claim_runtime("r1", None, 3)
        self.clock.advance(seconds)
        self.keep_time()

    @rule(steps=st.integers(1, 12))
    def watch(self, steps: int) -> None:
        """Time passes under a reaper's eyes."""
        for _ in range(steps):
            self.clock.advance(STEP_SECONDS)
            self.keep_time()

    @rule()
    def keep_time(self) -> None:
        before = self.facts.ask(
            "SELECT last_tick_at, (SELECT min(lease_seconds) FROM watchkeeper.leases) AS shortest,"
            " watchkeeper.now() AS now FROM watchkeeper.reaper_state"
        )[0]
        self.do(self.app.maintenance.keep_time())
        after = self.facts.ask("SELECT last_tick_at, quiet_since FROM watchkeeper.reaper_state")[0]
        now = after["last_tick_at"]
        assert (after["quiet_since"] == now) == _is_gap(before, now)
        for job in self.model.running():
            holding = job.holding
            assert holding is not None
            due = holding.expires_at < now and now > after["quiet_since"] + timedelta(seconds=holding.seconds)
            if due or (holding.expires_at < self.facts.now() and self._is_gone(job)):
                if holding.cancel_requested:
                    told = job.go(CANCELLED, StateReason.OPERATOR)
                else:
                    told = self.model.lose(job, now)
                self._left(job, told, [holding.lease])
        for job in self.model.jobs.values():
            if job.state is PENDING and job.due is not None and (job.due[1] <= now or self._is_ready(job)):
                assert job.due[0] <= self.facts.now()
                job.ready, job.due = True, None
                self.rewritten.add(job.seq)

    def _is_gone(self, job: Job) -> bool:
        """A lease that ended between two looks at the clock may have been reaped or not."""
        return not self.facts.ask(
            "SELECT 1 FROM watchkeeper.leases WHERE project_id = %(project_id)s AND seq = %(seq)s",
            seq=job.seq,
        )

    def _is_ready(self, job: Job) -> bool:
        return bool(
            self.facts.ask(
                "SELECT 1 FROM watchkeeper.ready_jobs WHERE project_id = %(project_id)s AND seq = %(seq)s",
                seq=job.seq,
            )
        )


def _is_gap(before: dict[str, Any], now: datetime) -> bool:
    if before["last_tick_at"] is None:
        return True
    gap = GAP_SECONDS
    if before["shortest"] is not None:
        gap = min(gap, max(LEAST_GAP_SECONDS, before["shortest"] / 2))
    return bool((now - before["last_tick_at"]).total_seconds() > gap)
