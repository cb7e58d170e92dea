"""Reading /proc: who a process is, on the real one and on made-up trees of awkward content."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from waiting import wait_until
from watchkeeper.host.processes import Identity, ProcReader, descendants, parse_stat

TAIL = "S 7 8 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 4711 0 25"


@pytest.mark.parametrize("name", ["sleep", "a b", "evil) R 1 1", "((", ")", "new\nline", ""])
def test_a_command_name_cannot_disguise_a_process(name: str) -> None:
    """Whatever a process calls itself, its state, parent and start time are read right."""
    process = parse_stat(f"123 ({name}) {TAIL}")
    assert (process.pid, process.comm, process.state) == (123, name, "S")
    assert (process.ppid, process.pgrp, process.session) == (7, 8, 9)
    assert (process.threads, process.start_ticks, process.rss_pages) == (3, 4711, 25)


def test_this_process_is_found_as_it_is() -> None:
    """The reader's own process is alive, the right user's, in the right namespace, below its parent."""
    reader = ProcReader()
    own = os.getpid()
    identity = reader.identity(own)
    assert identity is not None
    assert reader.alive(identity)
    assert reader.uid(own) == os.getuid()
    assert reader.namespace(own) == identity.pid_ns
    assert os.getppid() in reader.ancestors(own)
    assert own in descendants(reader.table(), [os.getppid()])
    assert Identity.from_record(identity._asdict()) == identity


def test_another_start_time_boot_or_namespace_is_another_process() -> None:
    """A pid alone proves nothing: each other part of an identity tells a reused pid."""
    reader = ProcReader()
    identity = reader.identity(os.getpid())
    assert identity is not None
    assert not reader.alive(identity._replace(start_ticks=identity.start_ticks - 1))
    assert not reader.alive(identity._replace(boot_id="another"))
    assert not reader.alive(identity._replace(pid_ns="pid:[1]"))


def test_a_zombie_is_not_alive() -> None:
    """A process that has ended but was not reaped keeps its identity and is not alive."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    reader = ProcReader()
    identity = reader.identity(child.pid)
    assert identity is not None
    wait_until(lambda: not reader.alive(identity), what="the zombie")
    assert reader.same(identity) is not None
    child.wait()
    assert reader.same(identity) is None


def test_a_dead_leader_of_living_threads_is_alive(proc: Path) -> None:
    """A process whose first thread has ended while others run counts as alive."""
    write(proc, 50, ppid=1, ticks=5, state="Z", threads=2)
    write(proc, 51, ppid=1, ticks=5, state="Z", threads=1)
    table = ProcReader(proc).table()
    assert table[50].alive
    assert not table[51].alive


def test_a_marker_is_matched_whole(proc: Path) -> None:
    """Neither a longer value nor another variable that ends alike is taken for the marker."""
    write(proc, 50, ppid=1, ticks=5)
    reader = ProcReader(proc)
    environ = proc / "50" / "environ"
    assert reader.has_variable(50, "MARK", "abc") is None
    for content, expected in {
        b"A=1\0MARK=abc\0B=2\0": True,
        b"MARK=abcd\0": False,
        b"MY_MARK=abc\0": False,
        b"A=MARK=abc\0": False,
        b"": False,
    }.items():
        environ.write_bytes(content)
        assert reader.has_variable(50, "MARK", "abc") is expected


def test_descendants_are_found_through_generations(proc: Path) -> None:
    """Children of children count; cousins, and what stands above, do not."""
    for pid, ppid in {10: 1, 11: 10, 12: 11, 13: 11, 20: 1, 21: 20}.items():
        write(proc, pid, ppid, ticks=pid)
    assert descendants(ProcReader(proc).table(), [10]) == {11, 12, 13}


def test_below_a_reused_parent_nothing_counts(proc: Path) -> None:
    """When a parent's pid has passed to another process meanwhile, its children are not taken for ours."""
    write(proc, 10, ppid=1, ticks=10)
    write(proc, 11, ppid=10, ticks=11)
    write(proc, 12, ppid=11, ticks=12)
    reader = ProcReader(proc)
    table = reader.table()
    write(proc, 11, ppid=1, ticks=99)
    found = descendants(table, [10], lambda process: reader.same(reader.identify(process)) is not None)
    assert found == {11}


def test_a_cut_off_or_vanished_entry_is_left_out(proc: Path) -> None:
    """A process that ends while the table is read is simply not in it."""
    write(proc, 10, ppid=1, ticks=10)
    (proc / "11").mkdir()
    (proc / "12").mkdir()
    (proc / "12" / "stat").write_text("12 (cut")
    assert set(ProcReader(proc).table()) == {10}


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    root = tmp_path / "proc"
    (root / "sys/kernel/random").mkdir(parents=True)
    (root / "sys/kernel/random/boot_id").write_text("boot-1\n")
    (root / "self/ns").mkdir(parents=True)
    (root / "self/ns/pid").symlink_to("pid:[4026531836]")
    return root


def write(proc: Path, pid: int, ppid: int, ticks: int, state: str = "S", threads: int = 1) -> None:
    """Write one made-up process."""
    (proc / str(pid)).mkdir(exist_ok=True)
    zeros = " ".join(["0"] * 11)
    text = f"{pid} (p{pid}) {state} {ppid} {pid} {pid} {zeros} 20 0 {threads} 0 {ticks} 0 25\n"
    (proc / str(pid) / "stat").write_text(text)
