"""Made-up machines: a /proc of files, told in lines like `200 chrome <1 cpu=30 age=3600 job=a/2 -- chrome --headless`.

`<PPID` is the parent (1 unless given), `sid=`, `tty=`, `state=`, `cgroup=`, `ns=` and `env=A,B` do as they say; `cpu`
and `age` are seconds; `job=NAME/NUMBER` gives the mark of a session; `closed` hides what another user may not read.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from uuid import UUID, uuid5

from watchkeeper.domain.host_guard.seen import Attempt

BOOT, NAMESPACE = "11111111-2222-3333-4444-555555555555", "pid:[4026531836]"
UPTIME = 100_000.0
NOW = 1_795_000_000.0
TICKS = os.sysconf("SC_CLK_TCK")
_NAMES = UUID("00000000-0000-7000-8000-000000000001")


def attempt(name: str) -> Attempt:
    """Give the attempt that `job=NAME/NUMBER` stands for."""
    job, _, number = name.partition("/")
    return Attempt("p", uuid5(_NAMES, job), int(number))


class FakeProc:
    """One machine. Lines are added at will; `pass_time` lets it grow older."""

    def __init__(self, root: Path, *lines: str, cores: int = 4, load5: float = 1.0) -> None:
        self.root = root
        self.uptime = UPTIME
        self._write("sys/kernel/random/boot_id", BOOT + "\n")
        (root / "self/ns").mkdir(parents=True)
        (root / "self/ns/pid").symlink_to(NAMESPACE)
        self._write("loadavg", f"0.5 {load5} 0.2 1/100 4242\n")
        self._write("meminfo", "MemTotal: 100 kB\nSwapTotal: 1000 kB\nSwapFree: 250 kB\n")
        self._write("stat", "cpu 1 2 3\n" + "".join(f"cpu{n} 1 2 3\n" for n in range(cores)))
        self.pass_time(0)
        self.add("1 systemd <0 age=100000")
        for line in lines:
            self.add(line)

    @property
    def now(self) -> float:
        return NOW + self.uptime - UPTIME

    def pass_time(self, seconds: float) -> None:
        self.uptime += seconds
        self._write("uptime", f"{self.uptime:.2f} 1.00\n")

    def add(self, line: str) -> None:
        """Add a process, or put another one in its place."""
        head, _, command = line.partition(" -- ")
        pid, comm, *facts = shlex.split(head)
        given = dict(fact.partition("=")[::2] for fact in facts if "=" in fact)
        ppid = next((fact[1:] for fact in facts if fact.startswith("<")), "1")
        started = int((self.uptime - float(given.get("age", 60))) * TICKS)
        spent = int(float(given.get("cpu", 0)) * TICKS)
        words = [given.get("state", "S"), ppid, pid, given.get("sid", pid), given.get("tty", "0"), "-1"]
        words += ["0"] * 5 + [str(spent), "0", "0", "0", "20", "0", "1", "0", str(started), "0", "0"]
        self._write(f"{pid}/stat", f"{pid} ({comm}) {' '.join(words)}\n")
        if "closed" not in facts:
            self._write(f"{pid}/cmdline", "\0".join([*shlex.split(command or comm), ""]))
            self._write(f"{pid}/environ", "\0".join([*_environment(given), "PATH=/bin", ""]))
        self._write(f"{pid}/cgroup", f"0::{given.get('cgroup', '/user.slice')}\n")
        namespace = self.root / pid / "ns/pid"
        namespace.parent.mkdir(exist_ok=True)
        namespace.unlink(missing_ok=True)
        namespace.symlink_to(given.get("ns", NAMESPACE))

    def _write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _environment(given: dict[str, str]) -> list[str]:
    found = [f"{name}=x" for name in given.get("env", "").split(",") if name]
    if "job" in given:
        marked = attempt(given["job"])
        found += ["WATCHKEEPER_SESSION=mark", f"WATCHKEEPER_PROJECT_ID={marked.project}"]
        found += [f"WATCHKEEPER_JOB_ID={marked.job}", f"WATCHKEEPER_ATTEMPT={marked.number}"]
    return found
