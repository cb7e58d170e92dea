"""`host export`: what it writes, what it says where it cannot, and that what stood there stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from host.fake_proc import FakeProc, attempt
from prometheus_programs import tool
from watchkeeper.domain.host_guard.ledger import Ledger, Standing
from watchkeeper.host.scan import ScanError
from watchkeeper.host.textfile import NotWritten
from watchkeeper.services.host_guard.export import FILE_NAME, LEDGER, HostExport, attempts_asked

ORPHAN = "200 chromium job=a/2 cpu={cpu} age={age} -- chromium --headless --user-data-dir=/tmp/puppeteer_dev_x_profile-"


def values(directory: Path) -> dict[str, float]:
    lines = (directory / FILE_NAME).read_text().splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


def of(found: dict[str, float], name: str) -> float | None:
    return found.get(f"host_runaway_process_{name}")


def place(root: Path, machine: FakeProc) -> HostExport:
    (root / "state").mkdir(exist_ok=True)
    (root / "out").mkdir(exist_ok=True)
    return HostExport(machine.root, root / "state", root / "out")


def told(root: Path, at: float) -> None:
    ledger = Ledger(
        at, {attempt("a/2"): Standing(is_live=False, ended_at=at - 3600)}, alerts={}, authorized=0
    )
    (root / "state").mkdir(exist_ok=True)
    (root / "state" / LEDGER).write_text(json.dumps(ledger.to_json()))


def test_an_orphan_is_counted_with_the_cores_it_took_between_two_scans(tmp_path: Path) -> None:
    """The first scan says nothing of cores; the second gives the difference, not the average of a life."""
    machine = FakeProc(tmp_path / "proc", ORPHAN.format(cpu=5000, age=9000))
    export = place(tmp_path, machine)
    told(tmp_path, machine.now)
    export.run(machine.now)
    first = values(tmp_path / "out")
    assert (of(first, "orphan_browser_groups"), of(first, "orphan_browser_cpu_cores")) == (1, None)
    machine.pass_time(120)
    machine.add(ORPHAN.format(cpu=5180, age=9120))
    told(tmp_path, machine.now)
    export.run(machine.now)
    second = values(tmp_path / "out")
    assert (of(second, "orphan_browser_groups"), of(second, "orphan_browser_cpu_cores")) == (1, 1.5)
    assert of(second, 'groups{lane="orphan",family="browser"}') == 1
    assert of(second, 'groups{lane="ci",family="browser"}') == 0
    assert of(second, "swap_used_ratio") == 0.75
    assert of(second, "load5_per_core") == 0.25


def test_what_only_the_server_knows_is_absent_where_its_word_is_old(tmp_path: Path) -> None:
    """No zero is told for what nobody measured: the source is down, and the series are not there."""
    machine = FakeProc(tmp_path / "proc", ORPHAN.format(cpu=1, age=900))
    export = place(tmp_path, machine)
    told(tmp_path, machine.now - 600)
    export.run(machine.now)
    found = values(tmp_path / "out")
    assert of(found, 'source_up{source="server"}') == 0
    assert of(found, "orphan_browser_groups") == 0
    assert of(found, 'groups{lane="unknown",family="browser"}') == 1
    assert not any("remediations_authorized" in name or "alerts_firing" in name for name in found)
    told(tmp_path, machine.now)
    export.run(machine.now)
    found = values(tmp_path / "out")
    assert (of(found, 'source_up{source="server"}'), of(found, "remediations_authorized")) == (1, 0)


def test_the_server_learns_which_attempts_it_is_asked_for(tmp_path: Path) -> None:
    """A scan leaves the attempts whose marks it saw, and no value of any environment."""
    machine = FakeProc(tmp_path / "proc", ORPHAN.format(cpu=1, age=900))
    place(tmp_path, machine).run(machine.now)
    assert attempts_asked(tmp_path / "state") == [attempt("a/2")]
    assert attempts_asked(tmp_path / "nowhere") == []


def test_a_reused_pid_and_another_boot_have_used_nothing_before(tmp_path: Path) -> None:
    """CPU is counted for the very process: one that took over a pid begins anew."""
    machine = FakeProc(tmp_path / "proc", ORPHAN.format(cpu=5000, age=9000))
    export = place(tmp_path, machine)
    told(tmp_path, machine.now)
    export.run(machine.now)
    machine.pass_time(120)
    machine.add(ORPHAN.format(cpu=12, age=60))
    told(tmp_path, machine.now)
    export.run(machine.now)
    assert of(values(tmp_path / "out"), "orphan_browser_cpu_cores") == 0.1
    (machine.root / "sys/kernel/random/boot_id").write_text("another\n")
    place(tmp_path, machine).run(machine.now + 120)
    assert of(values(tmp_path / "out"), "orphan_browser_cpu_cores") is None


def test_the_file_is_whole_and_readable_to_all(tmp_path: Path) -> None:
    """node_exporter, another user, reads it: mode 0644 under any umask, and no other *.prom beside it."""
    machine = FakeProc(tmp_path / "proc")
    mask = os.umask(0o077)
    try:
        place(tmp_path, machine).run(machine.now)
    finally:
        os.umask(mask)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [FILE_NAME]
    assert (tmp_path / "out" / FILE_NAME).stat().st_mode & 0o777 == 0o644


def test_a_failed_scan_is_told_in_the_metrics(tmp_path: Path) -> None:
    """Where /proc cannot be read the monitor is down, and no number of groups stands there."""
    machine = FakeProc(tmp_path / "proc")
    export = place(tmp_path, machine)
    (machine.root / "uptime").unlink()
    with pytest.raises(ScanError):
        export.run(machine.now)
    found = values(tmp_path / "out")
    assert of(found, "monitor_up") == 0
    assert not any("groups" in name for name in found)


def test_a_directory_that_is_gone_leaves_what_stood_there(tmp_path: Path) -> None:
    """The error names the file; nothing half-written is left."""
    machine = FakeProc(tmp_path / "proc")
    export = place(tmp_path, machine)
    (tmp_path / "out").rmdir()
    with pytest.raises(NotWritten, match="No such file or directory"):
        export.run(machine.now)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_keeps_the_last_metrics(tmp_path: Path) -> None:
    """Metrics are replaced whole or not at all: a write that fails in its middle leaves the last good ones."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    machine = FakeProc(tmp_path / "proc")
    export = place(tmp_path, machine)
    export.run(machine.now)
    before = (tmp_path / "out" / FILE_NAME).read_text()
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
        "from pathlib import Path; from watchkeeper.host.textfile import replace_file, NotWritten\n"
        "try:\n replace_file(Path(sys.argv[1]), 'x' * 5000)\nexcept NotWritten as error:\n print(error)"
    )
    path = tmp_path / "out" / FILE_NAME
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert "cannot be written: File too large" in done.stdout
    assert path.read_text() == before
    assert [one.name for one in path.parent.iterdir()] == [FILE_NAME]


def test_names_with_spaces_parentheses_and_newlines_are_read(tmp_path: Path) -> None:
    """What a process calls itself neither hides it nor breaks the file."""
    machine = FakeProc(tmp_path / "proc")
    machine.add("300 chromium job=a/2 -- chromium --headless --remote-debugging-pipe")
    stat = machine.root / "300/stat"
    stat.write_text(stat.read_text().replace("(chromium)", "(chromium) R 1\n(x)"))
    told(tmp_path, machine.now)
    place(tmp_path, machine).run(machine.now)
    assert of(values(tmp_path / "out"), "orphan_browser_groups") == 1


def test_a_process_that_vanishes_while_it_is_read_is_left_out(tmp_path: Path) -> None:
    """A pid whose files are gone or empty is no process, and no error."""
    machine = FakeProc(tmp_path / "proc", "300 chromium")
    (machine.root / "300/stat").write_text("")
    (machine.root / "301").mkdir()
    place(tmp_path, machine).run(machine.now)
    assert of(values(tmp_path / "out"), "processes") == 1


def test_promtool_accepts_the_metrics(tmp_path: Path) -> None:
    """`promtool check metrics` finds nothing to complain of, on this very machine."""
    promtool = tool("promtool")
    (tmp_path / "state").mkdir()
    HostExport(Path("/proc"), tmp_path / "state", tmp_path).run(1.0)
    text = (tmp_path / FILE_NAME).read_bytes()
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_the_one_shot_exporter_loads_no_library(tmp_path: Path) -> None:
    """`watchkeeper host export` runs without the database driver, the web framework and the command line's library."""
    code = (
        "import sys; from watchkeeper.__main__ import main;"
        "sys.argv = ['watchkeeper', 'host', 'export', *sys.argv[1:]];"
        "assert main() == 0;"
        "print([name for name in ('psycopg', 'fastapi', 'typer', 'pydantic', 'asyncio') if name in sys.modules])"
    )
    options = ("--textfile-dir", str(tmp_path), "--state", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code, *options], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert (tmp_path / FILE_NAME).exists()
