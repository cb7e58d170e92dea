"""What tools of the real Codex leave running is gone, whichever end the session comes to."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

from agents.living import living
from e2e.work_agent.real_work import HAND_IN, WRITE_PAGE, RealWork, agents_of, steps_files
from stubmodel.script import Script, Shell
from waiting import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
BROWSER = (
    "setsid {chromium} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
    '"--user-data-dir=$PWD/sleep {nonce}" about:blank >/dev/null 2>&1 &'
)
TERMINAL = (
    "setsid python3 -c 'import os, pty, sys; pid = pty.fork()[0] or os.execvp("
    '"sh", ["sh", "-c", "trap : HUP TERM; while :; do sleep {nonce}; done", sys.argv[1]]); os.waitpid(pid, 0)\' '
    '"$PWD/shell {nonce}" >/dev/null 2>&1 &'
)
WAIT = "echo began >> steps; until test -e go; do timeout 0.2 tail -f /dev/null; done"


@pytest.mark.timeout(300)
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_nothing_is_left_of_what_its_tools_began(nonce: str, real: RealWork) -> None:
    """A real browser, and a shell in a terminal of its own that ignores SIGTERM, begun by a tool of the agent. None of
    them outlives a session that is cancelled, one that fails with a killed agent, or one that succeeds after its
    supervisor's death.
    """
    begin = BROWSER.format(chromium=CHROMIUM, nonce=nonce) + TERMINAL.format(nonce=nonce)
    script = Script([Shell(f"{begin} {WAIT}"), WRITE_PAGE, HAND_IN, "The page is there."])
    real.desk.kind("short", lease_seconds=8, on_lost="requeue")
    more = {"slots": 3, "session_limits": {"restarts_most": 0}}
    first = real.worker("codex", script, **more)
    cancelled, killed, adopted = jobs = [real.put(kind="short") for _ in range(3)]

    def running(job: str) -> list[int]:
        return sorted({*living(nonce)} & {*living(job)})

    wait_until(lambda: len(steps_files(real)) == 3, 90, "the commands")
    wait_until(lambda: all(len(running(job)) >= 4 for job in jobs), 90, "browsers and shells", 0.2)
    real.desk.ask("POST", f"/api/jobs/{cancelled}/cancel", {"reason": "enough"})
    os.kill(agents_of(real.desk, killed)[0], signal.SIGKILL)
    for job, state in ((cancelled, "cancelled"), (killed, "stuck")):
        real.over(job, state)
        assert not running(job), state
    first.kill()
    assert running(adopted)
    again = real.worker("codex", script, address=real.address, **more)
    wait_until(lambda: again.events("agent_session_adopted"), 60, "adoption")
    [steps] = [path for path in steps_files(real) if adopted in str(path)]
    steps.with_name("go").touch()
    assert real.over(adopted)["verified"] == "artifact"
    assert not living(nonce)
