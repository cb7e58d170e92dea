"""`host remediate` as a person runs it on a host, with what it asks of the kernel written down by strace."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.running_up import environment
from moving_clock import MovingClock
from services.guarded_host import PROJECT, WAITS, Host, left_over
from waiting import wait_until
from watchkeeper.app.whole import App

SENDING = "kill,tkill,tgkill,pidfd_send_signal,rt_sigqueueinfo,rt_tgsigqueueinfo"
ELSE = "execve,execveat,reboot,mount,umount2,setns,init_module,finit_module,bpf"
CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (\S+)", re.MULTILINE)


def can_trace() -> bool:
    """Say whether strace is here, and may look at processes."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def traced(trace: Path, environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the product, and write down every call that sends a signal or changes the system."""
    under = ["strace", "-f", "-qq", "-e", f"trace={SENDING},{ELSE}", "-e", "signal=none", "-o", str(trace)]
    return subprocess.run(
        [*under, sys.executable, "-m", "watchkeeper", *words],
        env=environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.skipif(not can_trace(), reason="strace is not here, or may not look at processes")
async def test_a_real_act_asks_the_kernel_for_one_sigterm_and_nothing_else(
    app: App, tmp_path: Path, clock: MovingClock, database_url: str
) -> None:
    """The refused try sends nothing, names every gate and exits 3; the act is one pidfd_send_signal(SIGTERM)."""
    host = Host(app, tmp_path)
    environ = environment(tmp_path / "home", WATCHKEEPER_DATABASE_URL=database_url)
    over, live = await host.ended(), await host.shop.running(kind="l", worker="v")
    with left_over(tmp_path, over) as orphan, left_over(tmp_path, live, script=WAITS) as owned:
        asker, approver = await host.people()
        await host.incident()
        remediation = await host.ask(orphan, asker)
        clock.advance(600)
        trace, words = tmp_path / "trace", ["host", "remediate", str(remediation), "-p", PROJECT, "--json"]
        refused = traced(trace, environ, *words)
        assert refused.returncode == 3, refused.stdout + refused.stderr
        named = {each["check"] for each in json.loads(refused.stdout)["error"]["details"]["failed"]}
        assert named == {"owner_approval", "maintenance_window"}
        assert [name for name, *_ in CALL.findall(trace.read_text())] == ["execve"]
        await host.window()
        await host.approve(remediation, approver)
        done = traced(trace, environ, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        [came] = json.loads(done.stdout)["remediation"]["results"]
        assert (came["came"], came["pid"]) == ("sent", orphan.identity.pid)
        started, *sent = CALL.findall(trace.read_text())
        assert started[0] == "execve"
        [(name, arguments, result)] = sent
        assert (name, result) == ("pidfd_send_signal", "0")
        assert re.fullmatch(r"\d+(<.*>)?, SIGTERM, NULL, 0", arguments)
        wait_until(lambda: not orphan.lives, 20, "the end of the orphan")
        assert owned.lives
