"""The end of a session's processes: SIGTERM, a grace, SIGKILL, and again until nothing of it is left.

The shim sweeps after every end; a supervisor sweeps by `prove_gone` when the shim cannot, and before a job
whose former session ran on this machine is worked on again. Standard library only: the session shim runs
it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from watchkeeper.agents import records
from watchkeeper.agents.proof import Found, Proof, Stray, find
from watchkeeper.agents.scope import Scope
from watchkeeper.host.processes import Identity, ProcReader
from watchkeeper.host.signals import send, wait_for_ends

RESCAN_SECONDS = 0.25
"""How long a wait for ends lasts before the table is read again: a new child shows in no pidfd."""

SHIM_START_SECONDS = 5.0
"""How long a shim that took its orders may need to say who it is."""

SHIM_MARGIN_SECONDS = 5.0
"""What a shim is given beyond its own graces before it counts as hanging."""


class SweepReport(NamedTuple):
    """What a sweep found and did; each entry is {pid, start_ticks, name, why}.

    `gone` says that nothing proven to be the session's own is left. `reported` was seen and not touched.
    """

    gone: bool
    terminated: tuple[dict[str, Any], ...] = ()
    killed: tuple[dict[str, Any], ...] = ()
    left: tuple[dict[str, Any], ...] = ()
    reported: tuple[dict[str, Any], ...] = ()
    seconds: float = 0.0
    by: str = "shim"
    note: str = ""

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> SweepReport:
        return cls(**{name: record[name] for name in cls._fields if name in record})


class Sweep:
    """One sweep: remembers whom it has asked, so that each process is asked once and killed once."""

    def __init__(self, proof: Proof, reader: ProcReader, reap: Callable[[], object] = lambda: None) -> None:
        self.proof = proof
        self.reader = reader
        self.reap = reap
        self.asked: dict[Identity, Stray] = {}
        self.killed: dict[Identity, Stray] = {}
        self.reported: dict[Identity, Stray] = {}

    def run(self, grace: float, kill_for: float, by: str) -> SweepReport:
        """Sweep within about `grace + kill_for` seconds; what is left after that is named in the report."""
        start = time.monotonic()
        left = self._until_empty(self._ask, start + grace)
        if left:
            left = self._until_empty(self._kill, time.monotonic() + kill_for)
        if self.proof.scope is not None:
            self.proof.scope.remove()
        return SweepReport(
            gone=not left,
            terminated=_records(self.asked),
            killed=_records(self.killed),
            left=tuple(stray.record() for stray in left),
            reported=_records(self.reported),
            seconds=round(time.monotonic() - start, 3),
            by=by,
        )

    def _until_empty(self, act: Callable[[Found], None], deadline: float) -> tuple[Stray, ...]:
        """Act on what is found until two looks in a row find nothing, or the deadline passes."""
        empty = 0
        while True:
            self.reap()
            found = find(self.proof, self.reader)
            self.reported.update((stray.identity, stray) for stray in found.reported)
            empty = 0 if found.own else empty + 1
            remaining = deadline - time.monotonic()
            if empty == 2 or (found.own and remaining <= 0):
                return found.own
            act(found)
            if found.own:
                own = [stray.identity for stray in found.own]
                wait_for_ends(own, self.reader, min(RESCAN_SECONDS, max(remaining, 0.01)))

    def _ask(self, found: Found) -> None:
        for stray in found.own:
            if stray.identity not in self.asked:
                self.asked[stray.identity] = stray
                send(stray.identity, signal.SIGTERM, self.reader)
                send(stray.identity, signal.SIGCONT, self.reader)

    def _kill(self, found: Found) -> None:
        """Kill at once by the scope, unless a daemon to be spared stands in it; then one by one."""
        scope = self.proof.scope
        if scope is not None and not scope.members() & {stray.identity.pid for stray in found.reported}:
            scope.kill()
        for stray in found.own:
            self.killed[stray.identity] = stray
            send(stray.identity, signal.SIGKILL, self.reader)


def prove_gone(directory: Path, reader: ProcReader | None = None) -> SweepReport:
    """End whatever still lives of a former session, and say whether nothing of it is left.

    Stops a living shim first (which sweeps by itself), kills a hanging one, then sweeps. Blocks for up to
    three graces and a few seconds: call it in a thread. Safe to repeat; the last report is in `swept.json`.
    """
    reader = reader or ProcReader()
    session = records.read_record(directory / records.SESSION)
    if session is None:
        return SweepReport(gone=True, by="supervisor", note="no session was started here")
    if session["boot_id"] != reader.boot_id:
        return _recorded(directory, SweepReport(gone=True, by="supervisor", note="the machine was restarted"))
    if session["pid_ns"] != reader.pid_ns:
        note = "it ran in another pid namespace, which cannot be seen from here"
        return SweepReport(gone=False, by="supervisor", note=note)
    records.take_spec(directory, records.SPEC_REVOKED)
    shim = _shim_of(directory)
    if shim is not None:
        _end_shim(shim, session, reader)
    proof = proof_of(session, shim, identity_in(directory / records.STARTED, "agent"))
    done = Sweep(proof, reader).run(session["grace_seconds"], session["kill_seconds"], "supervisor")
    for name in (records.SPEC_REVOKED, records.SPEC_TAKEN):
        (directory / name).unlink(missing_ok=True)
    return _recorded(directory, done)


def proof_of(session: dict[str, Any], shim: Identity | None, agent: Identity | None) -> Proof:
    """Make the proof of a session from its `session.json` and the identities that it recorded."""
    return Proof(
        marker=session["marker"],
        uid=session["uid"],
        scope=Scope(Path(session["scope"])) if session["scope"] else None,
        roots=() if shim is None else (shim,),
        known=() if agent is None else (agent,),
        shared=tuple(session["shared_daemons"]),
        since_ticks=0 if shim is None else shim.start_ticks,
    )


def identity_in(path: Path, key: str) -> Identity | None:
    record = records.read_record(path)
    return None if record is None or record.get(key) is None else Identity.from_record(record[key])


def _shim_of(directory: Path) -> Identity | None:
    """Give the shim's identity, waiting a little for one that has only just taken its orders."""
    deadline = time.monotonic() + SHIM_START_SECONDS
    while (shim := identity_in(directory / records.SHIM, "shim")) is None:
        if not (directory / records.SPEC_TAKEN).exists() or time.monotonic() > deadline:
            return None
        time.sleep(0.02)
    return shim


def _end_shim(shim: Identity, session: dict[str, Any], reader: ProcReader) -> None:
    """Let a living shim end its session by itself; kill it when it does not."""
    patience = 2 * session["grace_seconds"] + session["kill_seconds"] + SHIM_MARGIN_SECONDS
    for signum, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, SHIM_MARGIN_SECONDS)):
        if not reader.alive(shim):
            return
        send(shim, signum, reader)
        send(shim, signal.SIGCONT, reader)
        wait_for_ends([shim], reader, wait)


def _recorded(directory: Path, report: SweepReport) -> SweepReport:
    """Keep the report; what the shim's own sweep did stays beside it."""
    before = records.read_record(directory / records.SWEPT)
    if before is not None and before["gone"] and not report.terminated:
        return SweepReport.from_record(before)
    records.write_record(directory / records.SWEPT, report._asdict() | {"before": before})
    return report


def _records(strays: dict[Identity, Stray]) -> tuple[dict[str, Any], ...]:
    return tuple(stray.record() for stray in strays.values())
