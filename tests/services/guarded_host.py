"""A real host for the host guard: orphans that spin, bystanders that wait, and two owners who ask and approve.

Its view of /proc holds the processes of one test: those of others come and go, and would be bystanders that are gone.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from raw_sql import rows
from services.repaired import Shop
from watchkeeper.app.host_guard import HostGuard, host_guard
from watchkeeper.app.whole import App
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.host_guard.figures import Judged
from watchkeeper.domain.host_guard.packet import Told, packet
from watchkeeper.domain.principals import Principal, Role
from watchkeeper.host.processes import Identity, ProcReader
from watchkeeper.storage.jobs import Completion, HeldLease

PROJECT, HOST = "p", socket.gethostname()
SPINS = "while :; do :; done"
WAITS = "while read -r line; do :; done"
OF_THE_MACHINE = ("1", "loadavg", "meminfo", "self", "stat", "sys", "uptime")
START = 'exec 9<&0; "$0" -c "$1" chromium --headless <&9 >/dev/null 2>&1 & echo $!'


@dataclass
class Process:
    """A process that was left to init; it goes with the block that it was made for."""

    identity: Identity

    @property
    def lives(self) -> bool:
        return ProcReader().alive(self.identity)

    def end(self) -> None:
        """End it as the test's own, if it is still the same one."""
        if ProcReader().same(self.identity) is not None:
            os.kill(self.identity.pid, signal.SIGKILL)


@contextmanager
def left_over(place: Path, job: ClaimedJob | None, *, script: str = SPINS) -> Iterator[Process]:
    """Leave an automated browser to init, of a session where a job is given; it spins unless told to wait."""
    browser = place / "chromium"
    if not browser.exists():
        browser.symlink_to("/bin/sh")
    environ = {"PATH": "/usr/bin:/bin"}
    if job is not None:
        environ |= {"WATCHKEEPER_SESSION": "mark", "WATCHKEEPER_PROJECT_ID": PROJECT}
        environ |= {"WATCHKEEPER_JOB_ID": str(job.id), "WATCHKEEPER_ATTEMPT": str(job.epoch)}
    reading, writing = os.pipe()
    try:
        done = subprocess.run(
            ["sh", "-c", START, str(browser), script],
            env=environ,
            stdin=reading,
            capture_output=True,
            text=True,
            check=True,
            start_new_session=True,
        )
        identity = ProcReader().identity(int(done.stdout))
        assert identity is not None
        _show(place, str(identity.pid))
        process = Process(identity)
        try:
            yield process
        finally:
            process.end()
    finally:
        os.close(reading)
        os.close(writing)


def _show(place: Path, *names: str) -> None:
    """Put entries of /proc into the view of the test's host."""
    view = place / "proc"
    view.mkdir(exist_ok=True)
    for name in names:
        (view / name).symlink_to(Path("/proc", name))


@dataclass
class Host:
    """This machine under one test's database."""

    app: App
    place: Path
    shop: Shop = field(init=False)
    guard: HostGuard = field(init=False)

    def __post_init__(self) -> None:
        self.shop = Shop(self.app)
        _show(self.place, *OF_THE_MACHINE)
        self.guard = host_guard(self.app, ending_seconds=0.0, proc=self.place / "proc")

    async def people(self) -> tuple[Principal, Principal]:
        """Give two owners of the project whom nobody of the two made."""
        return await self.shop.person("lin", Role.OWNER), await self.shop.person("kim", Role.OWNER)

    async def ended(self) -> ClaimedJob:
        """Give a job whose only attempt is over."""
        job = await self.shop.running(max_lost_leases=99)
        lease = HeldLease(job.seq, job.epoch, job.token_hash)
        assert await self.app.queue.complete(PROJECT, "t", [Completion(lease)])
        return job

    async def incident(self, rule: str = "host_orphan_browser") -> UUID:
        return await self.shop.incident(rule, evidence={"host": HOST})

    async def packet(self, process: Process) -> dict[str, Any]:
        """Give the event packet of the group that a process is the root of."""
        look = await self.guard.looking.look()
        group, said = next(each for each in look.judged if each[0].root.key.pid == process.identity.pid)
        return packet(Judged(group, said, 1.0), Told(HOST, look.scan, (1.0,) * 6, str))

    async def ask(self, process: Process, by: Principal, **said: Any) -> UUID:
        made = await self.app.watchdog.host_remediations.ask(
            PROJECT, await self.packet(process), by, **{"reason": "it eats a core", **said}
        )
        return UUID(str(made["id"]))

    async def approve(self, remediation: UUID, by: Principal) -> dict[str, Any]:
        return await self.app.watchdog.repairs.approve(
            PROJECT, remediation, by, digest=None, reason="I looked at it"
        )

    async def window(self, hours: float = 1.0, host: str | None = HOST) -> dict[str, Any]:
        return await self.app.windows.open(
            PROJECT, hours=hours, host_id=host, starts_at=None, actor="t", reason="r"
        )

    async def shown(self, remediation: UUID) -> dict[str, Any]:
        return await self.app.watchdog.host_remediations.show(PROJECT, remediation)

    async def trail(self, event: str) -> list[dict[str, Any]]:
        return await rows(
            self.app.database,
            "SELECT actor, data FROM watchkeeper.audit_events WHERE event = %(event)s ORDER BY seq",
            {"event": event},
        )
