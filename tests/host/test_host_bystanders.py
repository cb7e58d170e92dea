"""A thousand made-up machines on which pids pass to others between the scan and the act: no bystander is ever meant."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from host.fake_proc import NOW, FakeProc, attempt
from watchkeeper.domain.host_guard.evidence import Judgement, Lane, judge
from watchkeeper.domain.host_guard.grouping import Group, groups_of
from watchkeeper.domain.host_guard.ledger import Ledger, Standing
from watchkeeper.domain.host_guard.plan import Process
from watchkeeper.domain.host_guard.recheck import why_not
from watchkeeper.domain.host_guard.seen import Scan
from watchkeeper.host.scan import HostScanner

TREES = 1_000
LEDGER = Ledger(
    NOW,
    {
        attempt("dead/1"): Standing(is_live=False, ended_at=NOW - 3600),
        attempt("live/1"): Standing(is_live=True),
        attempt("fresh/1"): Standing(is_live=False, ended_at=NOW - 5),
    },
)
HEADLESS = "-- chromium --headless --remote-debugging-pipe"
ORPHANS = (f"chromium job=dead/1 age={{age}} {HEADLESS}", "claude job=dead/1 age={age} -- claude -p")
BYSTANDERS = (
    f"chromium job=live/1 age={{age}} {HEADLESS}",
    f"chromium job=fresh/1 age={{age}} {HEADLESS}",
    f"chromium job=strange/1 age={{age}} {HEADLESS}",
    f"chromium job=dead/1 env=CI age={{age}} {HEADLESS}",
    f"chromium job=dead/1 cgroup=/actions.runner/x age={{age}} {HEADLESS}",
    f"chromium job=dead/1 ns=pid:[7] age={{age}} {HEADLESS}",
    f"chromium closed age={{age}} {HEADLESS}",
    f"chromium age={{age}} {HEADLESS}",
    "chromium tty=34816 age={age} -- chromium --user-data-dir=/home/lin/puppeteer",
    "'a) S 1 (b' age={age} -- sh",
    "postgres age={age} -- postgres",
)


def line(dice: random.Random, pid: int, kinds: tuple[str, ...]) -> str:
    return f"{pid} " + dice.choice(kinds).format(age=dice.randint(1_000, 90_000))


def look(machine: FakeProc) -> tuple[Scan, list[tuple[Group, Judgement]]]:
    scan = HostScanner(machine.root).scan(machine.now)
    return scan, [(group, judge(group, scan, LEDGER)) for group in groups_of(scan)]


def test_no_bystander_is_meant_and_every_orphan_is_found(tmp_path: Path) -> None:
    """All strong orphans are targets; after pids were reused, only those that are still the same are left to act on."""
    dice, acts, reuses = random.Random(8), 0, 0
    for number in range(TREES):
        root = tmp_path / str(number)
        pids = dice.sample(range(100, 30_000), dice.randint(2, 4))
        orphans = {pid for pid in pids if dice.random() < 0.4}
        machine = FakeProc(
            root, *(line(dice, pid, ORPHANS if pid in orphans else BYSTANDERS) for pid in pids)
        )
        scan, judged = look(machine)
        targets = [
            Process(scan.boot_id, scan.pid_ns, *group.root.key)
            for group, said in judged
            if said.lane is Lane.ORPHAN
        ]
        assert {target.pid for target in targets} == orphans, number
        reused = {pid for pid in pids if dice.random() < 0.3}
        for pid in reused:
            shutil.rmtree(root / str(pid))
            if dice.random() < 0.8:
                machine.add(line(dice, pid, (*BYSTANDERS, *ORPHANS)))
        scan, judged = look(machine)
        acted = {target.pid for target in targets if why_not(target, scan, judged, {1}) is None}
        assert acted == orphans - reused, number
        acts, reuses = acts + len(acted), reuses + len(reused & orphans)
        shutil.rmtree(root)
    assert acts > TREES / 3
    assert reuses > TREES / 8
