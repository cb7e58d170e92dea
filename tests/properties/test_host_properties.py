"""Random machines: whatever is mixed together, every proven orphan is found, and nobody else is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from host.fake_proc import NOW, FakeProc, attempt
from watchkeeper.domain.host_guard.evidence import Lane, judge
from watchkeeper.domain.host_guard.grouping import groups_of
from watchkeeper.domain.host_guard.ledger import Ledger, Standing
from watchkeeper.host.scan import HostScanner

BROWSER = "chromium --headless --user-data-dir=/tmp/puppeteer_dev_chrome_profile-x"
LEDGER = Ledger(
    NOW,
    {
        attempt("over/1"): Standing(is_live=False, ended_at=NOW - 600),
        attempt("live/1"): Standing(is_live=True),
        attempt("ending/1"): Standing(is_live=False, ended_at=NOW - 5),
    },
)
ORPHANS = ("chromium job=over/1 -- " + BROWSER, "claude job=over/1 -- claude -p")
BYSTANDERS = (
    "chromium job=live/1 -- " + BROWSER,
    "chromium job=ending/1 -- " + BROWSER,
    "chromium job=strange/1 -- " + BROWSER,
    "chromium age=9000 -- " + BROWSER,
    "chromium tty=34816 -- " + BROWSER,
    "chromium cpu=9000 -- chromium --user-data-dir=/home/me/.config/chromium",
    "chromium job=over/1 env=CI -- " + BROWSER,
    "chromium job=over/1 cgroup=/system.slice/gitlab-runner.service -- " + BROWSER,
    "chromium job=over/1 ns=pid:[9] -- " + BROWSER,
    "chromium job=over/1 state=Z -- " + BROWSER,
    "chromium closed",
    "node job=live/1 -- node /srv/playwright-mcp",
    "Runner.Worker",
    "bash tty=34817 -- bash",
    "postgres cpu=90000 -- postgres",
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(ORPHANS), max_size=5),
    st.lists(st.sampled_from(BYSTANDERS), max_size=12),
    st.randoms(use_true_random=False),
)
def test_all_orphans_are_found_and_nobody_else(
    orphans: list[str], bystanders: list[str], order: Random
) -> None:
    """The members of groups in the orphan lane are exactly the processes of sessions that are proven to be over."""
    lines = [(line, True) for line in orphans] + [(line, False) for line in bystanders]
    order.shuffle(lines)
    with tempfile.TemporaryDirectory(prefix="wk-proc-") as scratch:
        machine = FakeProc(Path(scratch))
        guilty = set()
        for pid, (line, is_orphan) in enumerate(lines, 200):
            machine.add(f"{pid} {line}")
            guilty |= {pid} if is_orphan else set()
        scan = HostScanner(machine.root).scan(machine.now)
    found = [group for group in groups_of(scan) if judge(group, scan, LEDGER).lane is Lane.ORPHAN]
    assert {member.key.pid for group in found for member in group.members} == guilty
