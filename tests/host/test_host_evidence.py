"""Whose a group of processes is: on made-up machines, each with an innocent that looks like the guilty."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.fake_proc import BOOT, NAMESPACE, NOW, TICKS, UPTIME, FakeProc, attempt
from watchkeeper.domain.host_guard.evidence import Lane, Level, judge
from watchkeeper.domain.host_guard.grouping import groups_of
from watchkeeper.domain.host_guard.ledger import Ledger, Spawned, Standing
from watchkeeper.domain.host_guard.seen import Key
from watchkeeper.host.scan import HostScanner

ENDED = {attempt("a/2"): Standing(is_live=False, ended_at=NOW - 600)}
LIVE = {attempt("a/2"): Standing(is_live=True)}
JUST = {attempt("a/2"): Standing(is_live=False, ended_at=NOW - 10)}
BROWSER = "-- chromium --headless --user-data-dir=/tmp/puppeteer_dev_chrome_profile-x"


def lanes(machine: FakeProc, ledger: Ledger | None) -> dict[int, tuple[Lane, Level]]:
    """Give lane and level of each group, by the pid of its root."""
    scan = HostScanner(machine.root).scan(machine.now)
    judged = {group.root.key.pid: judge(group, scan, ledger) for group in groups_of(scan)}
    return {pid: (one.lane, one.level) for pid, one in judged.items()}


@pytest.mark.parametrize(
    ("line", "attempts", "expected"),
    [
        (f"200 chromium job=a/2 {BROWSER}", ENDED, (Lane.ORPHAN, Level.A)),
        (f"200 chromium job=a/2 {BROWSER}", LIVE, (Lane.OWNED, Level.NONE)),
        (f"200 chromium job=a/2 {BROWSER}", JUST, (Lane.OWNED, Level.NONE)),
        (f"200 chromium job=a/2 {BROWSER}", {}, (Lane.UNKNOWN, Level.NONE)),
        (f"200 chromium age=3600 {BROWSER}", ENDED, (Lane.UNPROVEN, Level.C)),
        (f"200 chromium age=600 {BROWSER}", ENDED, (Lane.UNPROVEN, Level.D)),
        (f"200 chromium age=3600 tty=34816 {BROWSER}", ENDED, (Lane.NONE, Level.NONE)),
        (f"200 chromium job=a/2 env=GITHUB_ACTIONS {BROWSER}", ENDED, (Lane.CI, Level.NONE)),
        (
            f"200 chromium job=a/2 cgroup=/system.slice/actions.runner.x.service {BROWSER}",
            ENDED,
            (Lane.CI, Level.NONE),
        ),
        (f"200 chromium job=a/2 ns=pid:[7] {BROWSER}", ENDED, (Lane.UNKNOWN, Level.NONE)),
        ("200 claude job=a/2 -- claude -p", ENDED, (Lane.ORPHAN, Level.A)),
    ],
)
def test_an_orphan_is_proven_by_its_sessions_end(
    line: str, attempts: dict[object, Standing], expected: tuple[Lane, Level], tmp_path: Path
) -> None:
    """The same browser is an orphan, owned, CI's, somebody's or unknown, by its session and not by its parent."""
    assert lanes(FakeProc(tmp_path, line), Ledger(NOW, attempts)) == {200: expected}


def test_a_persons_own_browser_is_of_no_interest(tmp_path: Path) -> None:
    """A Chromium without an automation's flags is in no group, however much it takes."""
    machine = FakeProc(
        tmp_path, "200 chromium cpu=9000 age=90000 -- chromium --user-data-dir=/home/me/.config/chromium"
    )
    assert lanes(machine, Ledger(NOW, ENDED)) == {}


def test_what_could_not_be_read_is_unknown(tmp_path: Path) -> None:
    """A process of another user, whose environment is closed, is never an orphan; nor is a group that it is in."""
    machine = FakeProc(tmp_path, f"200 chromium job=a/2 {BROWSER}", "201 chromium <200 closed")
    assert lanes(machine, Ledger(NOW, ENDED)) == {200: (Lane.UNKNOWN, Level.NONE)}


@pytest.mark.parametrize("age", [None, 121.0, -121.0])
def test_without_the_servers_fresh_word_nothing_is_proven(age: float | None, tmp_path: Path) -> None:
    """A ledger that is missing, old or of the future makes what carries a mark unknown."""
    ledger = None if age is None else Ledger(NOW - age, ENDED)
    assert lanes(FakeProc(tmp_path, f"200 chromium job=a/2 {BROWSER}"), ledger) == {
        200: (Lane.UNKNOWN, Level.NONE)
    }


def test_a_process_that_was_recorded_at_its_start_is_proven_without_a_mark(tmp_path: Path) -> None:
    """`env -i` takes the mark away, not the record; another process with the same pid has none."""
    machine = FakeProc(tmp_path, f"200 chromium age=3600 {BROWSER}")
    began = int((UPTIME - 3600) * TICKS)
    for ticks, expected in ((began, (Lane.ORPHAN, Level.B)), (began - 1, (Lane.UNPROVEN, Level.C))):
        spawned = {Spawned(BOOT, NAMESPACE, Key(200, ticks)): attempt("a/2")}
        assert lanes(machine, Ledger(NOW, ENDED, spawned)) == {200: expected}


def test_one_living_member_owns_the_whole_group(tmp_path: Path) -> None:
    """A browser of an ended session in which a living one's tab works is left to that session."""
    machine = FakeProc(
        tmp_path, f"200 chromium job=a/2 {BROWSER}", "201 chromium <200 job=b/1 -- chromium --type=renderer"
    )
    living = ENDED | {attempt("b/1"): Standing(is_live=True)}
    assert lanes(machine, Ledger(NOW, living)) == {200: (Lane.OWNED, Level.NONE)}


def test_a_runners_children_are_ci_whatever_they_are(tmp_path: Path) -> None:
    """What a runner started is CI's by its ancestor alone, also where it looks like an orphaned browser."""
    machine = FakeProc(
        tmp_path,
        "100 Runner.Listener",
        "101 Runner.Worker <100",
        f"200 chromium <101 job=a/2 {BROWSER}",
    )
    found = lanes(machine, Ledger(NOW, ENDED))
    assert set(found.values()) == {(Lane.CI, Level.NONE)}


def test_a_live_parent_does_not_make_an_owner(tmp_path: Path) -> None:
    """A session that is over while its agent lives on is found by its lease: no parent 1 is needed."""
    machine = FakeProc(
        tmp_path, "50 node age=9000 -- node /srv/tool.js", f"200 chromium <50 job=a/2 {BROWSER}"
    )
    assert lanes(machine, Ledger(NOW, ENDED)) == {200: (Lane.ORPHAN, Level.A)}
