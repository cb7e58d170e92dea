"""The queue driven at random: every step is done to the database and to the model, and the two are compared."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis.stateful import invariant

from properties.queue_facts import ATTEMPTS, AUDIT, JOBS, KEYS, STRAYS
from properties.queue_model import (
    COMPLETED,
    POLICIES,
)
from properties.queue_time import Time
from watchkeeper.domain.jobs import TERMINAL


class QueueMachine(Time):
    """One example is one project of a shared database; `app`, `url` and `runner` are set by the test."""

    @invariant()
    def the_promises_hold(self) -> None:
        jobs, strays, told, keys, attempts = self.facts.ask_all(
            JOBS, STRAYS, AUDIT, KEYS, ATTEMPTS, after=self.audit_seen
        )
        self._every_job_stands_where_the_model_says({row["seq"]: row for row in jobs})
        self._told_in_the_same_transaction({row["seq"]: row for row in jobs}, told)
        assert strays == []
        self._keys_stand_for_unfinished_jobs_only(keys)
        self._attempts_rise_one_by_one_and_one_completes_at_most(attempts)

    def _every_job_stands_where_the_model_says(self, rows: dict[int, dict[str, Any]]) -> None:
        assert set(rows) == set(self.model.jobs)
        for seq, job in self.model.jobs.items():
            row = rows[seq]
            assert row["places"] == 1, f"job {seq} stands in {row['places']} tables"
            assert row["ready_rows"] == job.ready
            assert (row["state"], row["state_reason"]) == (job.state, job.reason), seq
            assert row["epoch"] == job.epoch
            if job.state not in TERMINAL:
                assert (row["agent_errors"], row["lost_leases"]) == (job.agent_errors, job.lost_leases)
            if job.holding is not None:
                held = (row["token_hash"], row["worker_id"], row["expires_at"])
                assert held == (job.holding.lease.token_hash, job.holding.worker, job.holding.expires_at)
            if job.due is not None:
                slack = timedelta(seconds=1)  # the database's clock went on after the model had read it
                assert job.due[0] <= row["run_at"] <= job.due[1] + slack

    def _told_in_the_same_transaction(
        self, jobs: dict[int, dict[str, Any]], rows: list[dict[str, Any]]
    ) -> None:
        self.audit_seen = max([self.audit_seen, *(row["seq"] for row in rows)])
        told = []
        for row in rows:
            of_a_job = row["job_seq"] is not None or "job_seqs" in (row["data"] or {})
            if row["old_state"] == row["new_state"] or not of_a_job:
                continue
            seqs = [row["job_seq"]] if row["job_seq"] is not None else row["data"]["job_seqs"]
            told += [(seq, row["old_state"] or "", row["new_state"]) for seq in seqs]
            for seq in seqs:
                last = [change for change in self.told if change[0] == seq][-1:]
                if last == [(seq, row["old_state"] or "", row["new_state"])] and seq not in self.rewritten:
                    assert jobs[seq]["written_by"] == row["xid"], f"job {seq} changed in another transaction"
        assert sorted(told) == sorted(self.told)
        self.told, self.rewritten = [], set()

    def _keys_stand_for_unfinished_jobs_only(self, rows: list[dict[str, Any]]) -> None:
        expected = {
            (job.kind, job.unique_key, job.seq)
            for job in self.model.jobs.values()
            if job.unique_key is not None and job.state not in TERMINAL
        }
        assert {(row["kind"], row["unique_key"], row["seq"]) for row in rows} == expected

    def _attempts_rise_one_by_one_and_one_completes_at_most(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            job = self.model.jobs[row["seq"]]
            assert row["epochs"] == list(range(1, job.epoch + 1))
            assert row["completed"] == (job.state is COMPLETED)

    @invariant()
    def limits_hold(self) -> None:
        for kind, policy in POLICIES.items():
            if policy.concurrency is not None:
                assert len(self.model.running(kind)) <= policy.concurrency
