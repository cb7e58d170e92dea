"""The shim of one session: a tiny program between the supervisor and the agent that outlives the supervisor.

Run as `python -I -S .../shim.py <session directory>/spec.json`. It starts the agent, is the reaper of all
that the agent leaves, holds the hard cap, and after every end sweeps until no process of the session is
left. SIGTERM to it means: interrupt. It speaks through files in the session directory only
(docs/sessions.md). Standard library only.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

if not __package__:
    sys.path.append(str(Path(__file__).parents[2]))

from watchkeeper.agents import records
from watchkeeper.agents.launch import (
    PR_SET_CHILD_SUBREAPER,
    LaunchError,
    Orders,
    hold,
    output_file,
    prctl,
    start_agent,
)
from watchkeeper.agents.proof import Proof, find
from watchkeeper.agents.scope import Scope, join
from watchkeeper.agents.sweep import Sweep, SweepReport
from watchkeeper.host.clock import boot_clock
from watchkeeper.host.processes import Identity, ProcReader
from watchkeeper.host.signals import send

LISTENED = {signal.SIGTERM, signal.SIGCHLD, signal.SIGINT, signal.SIGHUP}
TICK_SECONDS = 0.5
"""How often the size of the output is looked at while it grows; ends and requests wake the shim at once."""

QUIET_TICK_SECONDS = 4.0
"""The same of a session that says nothing: many of them are to cost next to nothing."""

INSIST_SECONDS = 600.0


class Ended(NamedTuple):
    status: int
    cpu_seconds: float


class Shim:
    """One session, from the orders to the last record."""

    def __init__(self, directory: Path, orders: Orders) -> None:
        self.directory = directory
        self.orders = orders
        self.reader = ProcReader()
        self.identity = _known(self.reader.identity(os.getpid()))
        self.scope = Scope(Path(orders.scope)) if orders.scope else None
        self.agent: Identity | None = None
        self.ended: Ended | None = None
        self.reason = "exited"
        self.error = ""
        self.kill_at: float | None = None
        self.lock: int | None = None
        self._outputs = [str(directory / name) for name in (records.STDOUT, records.STDERR)]
        self._size = 0
        self._tick = TICK_SECONDS
        self.began = boot_clock()
        self.started_at = time.time()

    def run(self) -> None:
        """Run the session to its records; the sweep happens whatever else fails, a full disk included."""
        try:
            self._introduce()
            self._start()
            self._watch()
            records.write_record(self.directory / records.ENDED, self._end())
        except LaunchError as failure:
            self.reason, self.error = "not_started", str(failure)
        except OSError as failure:
            if self.ended is None:
                self.reason, self.error = "shim_failed", str(failure)
        report = self._sweep()
        if not (self.directory / records.ENDED).exists():
            self._insist(records.ENDED, self._end())
        self._insist(records.SWEPT, report._asdict())

    def _introduce(self) -> None:
        """Say who this is, and stand in the scope, before there is an agent."""
        reaper = prctl(PR_SET_CHILD_SUBREAPER, 1)
        problem = ""
        if self.scope is not None:
            try:
                join(self.scope.shim)
            except OSError as error:
                problem, self.scope = f"the scope cannot be joined: {error}", None
        self.about = {"subreaper": reaper, "scope_used": self.scope is not None, "scope_problem": problem}
        shim = self.identity._asdict()
        records.write_record(self.directory / records.SHIM, {"shim": shim, **self.about})
        (self.directory / records.SPEC_TAKEN).unlink()

    def _start(self) -> None:
        if self.orders.lock is not None:
            self.lock = hold(self.orders.lock)
        outputs = [output_file(self.directory / name) for name in (records.STDOUT, records.STDERR)]
        try:
            pid = start_agent(self.orders, outputs[0], outputs[1], self.scope)
        finally:
            for descriptor in outputs:
                os.close(descriptor)
        self.agent = _known(self.reader.identity(pid))
        identities = {"shim": self.identity._asdict(), "agent": self.agent._asdict()}
        record = {**identities, **self.about, "started_at": self.started_at}
        records.write_record(self.directory / records.STARTED, record)

    def _watch(self) -> None:
        """Reap, listen and look at the clock until the agent itself has ended."""
        while self._reap() is None:
            cap = self.orders.hard_cap_seconds
            if cap is not None and boot_clock() - self.began >= cap:
                self._interrupt("hard_cap")
            if self._output_bytes() > (self.orders.output_limit_bytes or sys.maxsize):
                self._interrupt("output_limit")
            if self.kill_at is not None and boot_clock() >= self.kill_at:
                self._signal_group(signal.SIGKILL)
                self.kill_at = boot_clock() + 1.0
            got = signal.sigtimedwait(LISTENED, self._patience())
            if got is not None and got.si_signo == signal.SIGTERM:
                self._interrupt("interrupted")

    def _patience(self) -> float:
        """Give how long to listen: to the next tick, or to the sooner of the cap and the end of a grace."""
        due = [self.kill_at] if self.kill_at is not None else []
        if self.orders.hard_cap_seconds is not None and self.kill_at is None:
            due.append(self.began + self.orders.hard_cap_seconds)
        return max(0.01, min([self._tick, *(moment - boot_clock() for moment in due)]))

    def _interrupt(self, reason: str) -> None:
        """Ask the agent's group to end, once; the first reason stays."""
        if self.kill_at is None:
            self.reason = reason
            self.kill_at = boot_clock() + self.orders.grace_seconds
            self._signal_group(signal.SIGTERM)
            self._signal_group(signal.SIGCONT)

    def _signal_group(self, signum: signal.Signals) -> None:
        """Signal the agent and those of its own in its process group, each by its identity."""
        agent = _known(self.agent)
        proof = Proof(self.orders.marker, self.orders.uid, roots=(self.identity,), known=(agent,))
        proof = proof._replace(since_ticks=self.identity.start_ticks)
        for stray in find(proof, self.reader).own:
            process = self.reader.same(stray.identity)
            if process is not None and process.pgrp == agent.pid:
                send(stray.identity, signum, self.reader)

    def _reap(self) -> Ended | None:
        """Take in every child that has ended; a child here is whatever the session left without a parent."""
        with suppress(ChildProcessError):  # no child at all is a good answer
            while (done := os.wait4(-1, os.WNOHANG))[0] != 0:
                pid, status, usage = done
                if self.agent is not None and pid == self.agent.pid and self.ended is None:
                    self.ended = Ended(status, usage.ru_utime + usage.ru_stime)
        return self.ended

    def _output_bytes(self) -> int:
        size = max(os.stat(name).st_size for name in self._outputs)  # noqa: PTH116 - half the cost
        self._tick = TICK_SECONDS if size != self._size else min(2 * self._tick, QUIET_TICK_SECONDS)
        self._size = size
        return size

    def _end(self) -> dict[str, Any]:
        code = os.waitstatus_to_exitcode(self.ended.status) if self.ended is not None else None
        request = records.read_record(self.directory / records.INTERRUPT) or {}
        return {
            "reason": self.reason,
            "request": request.get("reason", "") if self.reason == "interrupted" else "",
            "error": self.error,
            "exit_code": code if code is not None and code >= 0 else None,
            "signal": -code if code is not None and code < 0 else None,
            "started_at": self.started_at,
            "ended_at": time.time(),
            "wall_seconds": round(boot_clock() - self.began, 3),
            "cpu_seconds": round(self.ended.cpu_seconds, 3) if self.ended is not None else 0.0,
            "oom_kills": self.scope.oom_kills() if self.scope is not None else None,
        }

    def _sweep(self) -> SweepReport:
        orders = self.orders
        proof = Proof(
            orders.marker,
            orders.uid,
            self.scope,
            roots=(self.identity,),
            known=(self.agent,) if self.agent is not None else (),
            shared=tuple(orders.shared_daemons),
            since_ticks=self.identity.start_ticks,
        )
        return Sweep(proof, self.reader, self._reap).run(orders.grace_seconds, orders.kill_seconds, "shim")

    def _insist(self, name: str, record: dict[str, Any]) -> None:
        """Write a record even if the disk is full for a while: an end that is not told is a job lost."""
        until = boot_clock() + INSIST_SECONDS
        while True:
            try:
                return records.write_record(self.directory / name, record)
            except FileNotFoundError:
                raise
            except OSError:
                if boot_clock() >= until:
                    raise
                time.sleep(1.0)


def _let_go_of_descriptors() -> None:
    """Close what was inherited: the agent must not hold our supervisor's sockets, nor a pipe tie us to it."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers are wanted, not paths
        if int(name) > 2:
            with suppress(OSError):  # the listing's own descriptor is closed by now
                os.close(int(name))


def _known(identity: Identity | None) -> Identity:
    if identity is None:
        raise RuntimeError("/proc does not show this session's own process; is it mounted?")
    return identity


def main(arguments: list[str]) -> int:
    """Take the orders and run the session; 3 when the orders were taken away, as a sweep does."""
    directory = Path(arguments[0]).parent
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_BLOCK, LISTENED)
    os.chdir("/")
    _let_go_of_descriptors()
    if not records.take_spec(directory, records.SPEC_TAKEN):
        return 3
    orders = Orders.from_record(records.read_record(directory / records.SPEC_TAKEN) or {})
    Shim(directory, orders).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
