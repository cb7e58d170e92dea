"""What the host guard's scan costs: of a made-up machine of 5,000 processes, of this one, and as one run from cron."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.plan import Bench, Row, Spread
from watchkeeper.domain.host_guard.evidence import judge
from watchkeeper.domain.host_guard.grouping import groups_of
from watchkeeper.host.scan import HostScanner

PROCESSES = 5_000
MOST_MADE_UP, MOST_HERE, MOST_BYTES, MOST_CPU = 250.0, 50.0, 40_000_000, 0.3
ONE_SHOT = """
import re, sys, time
from watchkeeper.__main__ import main
code = main()
size = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(time.process_time(), size, file=sys.stderr)
sys.exit(code)
"""
"""What `wait` tells of memory would be that of the process which it was forked from."""

BROWSER = "chromium\0--headless\0--user-data-dir=/tmp/puppeteer_dev_chrome_profile-x\0"


async def measure(bench: Bench) -> list[Row]:
    """Scan and judge both machines in turn; then run the command as cron does."""
    with tempfile.TemporaryDirectory(prefix="wk-bench-", dir=_fast()) as scratch:
        made_up = _machine(Path(scratch))
        rounds = range(max(5, bench.plan.rounds))
        both = [(_milliseconds(made_up), _milliseconds(Path("/proc"))) for _ in rounds]
        cpu, size = zip(*(_one_shot(Path(scratch)) for _ in rounds), strict=True)
    large, here = Spread.of([one for one, _ in both]), Spread.of([one for _, one in both])
    spent, held = Spread.of(cpu), Spread.of(size)
    return [
        Row(f"one scan of a machine of {PROCESSES:,} processes, 3,000 of them read in full", f"<= {MOST_MADE_UP:g} ms",
            large.text(0, " ms"), large.median <= MOST_MADE_UP, {"ms": large.json()}),
        Row("one scan of this machine", f"<= {MOST_HERE:g} ms",
            here.text(0, " ms"), here.median <= MOST_HERE, {"ms": here.json()}),
        Row("`host export` as one run: memory", "<= 40 MB",
            f"{held.median / 1e6:.1f} MB", held.median <= MOST_BYTES, {"bytes": held.json()}),
        Row("`host export` as one run: CPU", f"<= {MOST_CPU:g} s",
            spent.text(2, " s"), spent.median <= MOST_CPU, {"seconds": spent.json()}),
    ]  # fmt: skip


def _milliseconds(proc: Path) -> float:
    began = time.perf_counter()
    scan = HostScanner(proc).scan(time.time())
    for group in groups_of(scan):
        judge(group, scan, None)
    return (time.perf_counter() - began) * 1000


def _one_shot(place: Path) -> tuple[float, float]:
    """Run the command and give its seconds of CPU and its most bytes of memory, by its own word."""
    command = [
        sys.executable,
        "-c",
        ONE_SHOT,
        "host",
        "export",
        "--textfile-dir",
        str(place),
        "--state",
        str(place),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, kilobytes = done.stderr.split()
    return float(seconds), float(kilobytes) * 1024


def _machine(root: Path) -> Path:
    """Write a /proc: of ten processes one is a browser, five are its children, four are of no interest."""
    proc = root / "proc"
    _put(proc / "sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n")
    (proc / "self/ns").mkdir(parents=True)
    (proc / "self/ns/pid").symlink_to("pid:[4026531836]")
    for name, text in (("uptime", "100000.00 1.00\n"), ("loadavg", "1 1 1 1/1 1\n"), ("stat", "cpu0 1 1\n")):
        _put(proc / name, text)
    _put(proc / "meminfo", "SwapTotal: 0 kB\n")
    for pid in range(2, PROCESSES + 2):
        browser = pid - pid % 10
        if pid % 10 < 6:
            _process(proc / str(pid), "chromium", 1 if pid == browser else browser, pid == browser)
        else:
            _process(proc / str(pid), "sleep", 1, False)
    return proc


def _process(place: Path, comm: str, ppid: int, is_browser: bool) -> None:
    stat = f"{place.name} ({comm}) S {ppid} 1 1 0 -1 0 0 0 0 0 10 0 0 0 20 0 1 0 4711 0 0\n"
    _put(place / "stat", stat)
    _put(place / "cmdline", BROWSER if is_browser else f"{comm}\0--type=renderer\0")
    _put(place / "environ", "".join(f"VARIABLE_{number}=something or other\0" for number in range(40)))
    _put(place / "cgroup", "0::/user.slice\n")
    (place / "ns").mkdir()
    (place / "ns/pid").symlink_to("pid:[4026531836]")


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _fast() -> str | None:
    """Give a directory in memory, as /proc is, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
