"""What a supervisor sees of a session beside its stream: its workspace, its commits, its processes, its clock."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from watchkeeper.domain.sessions.facts import WorkspaceChanged
from watchkeeper.services.supervision import clock as clock_module
from watchkeeper.services.supervision.clock import SteadyClock
from watchkeeper.services.supervision.observing import Picture
from watchkeeper.services.supervision.workspace_look import WorkspaceLook


def at(path: Path, seconds: float) -> None:
    os.utime(path, (seconds, seconds))


def test_changed_files_are_counted_once(tmp_path: Path) -> None:
    """A file that is newer than all of the last look is a change; what tools keep for themselves is none."""
    (tmp_path / "a").write_text("1")
    look = WorkspaceLook(tmp_path)
    assert look.look() == WorkspaceChanged(0, 0)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/b").write_text("2" * 10_000)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/c").write_text("3" * 100_000)
    for name in ("deep/b", "node_modules/c"):
        at(tmp_path / name, time.time() + 10)
    assert look.look() == WorkspaceChanged(1, 0)
    assert look.look() == WorkspaceChanged(0, 0)
    assert look.bytes >= 110_000


def test_commits_are_progress(tmp_path: Path) -> None:
    """Each commit in a clone or a work tree is seen, without git being run."""

    def git(*arguments: str, place: Path) -> None:
        named = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(place))
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        subprocess.run(["git", *named, *arguments], check=True, env=environment, capture_output=True)

    clone, tree = tmp_path / "clone", tmp_path / "tree"
    clone.mkdir()
    git("init", "-q", place=clone)
    git("commit", "--allow-empty", "-qm", "first", place=clone)
    git("worktree", "add", "-q", "-b", "other", str(tree), place=clone)
    of_clone, of_tree = WorkspaceLook(clone), WorkspaceLook(tree)
    for number in range(2):
        git("commit", "--allow-empty", "-qm", f"more {number}", place=tree)
    assert of_tree.look().commits == 2
    assert of_tree.look().commits == 0
    assert of_clone.look().commits == 0


def test_what_an_agent_puts_in_gits_place_holds_up_nothing(tmp_path: Path) -> None:
    """A pipe, a link to elsewhere and a path that is none are passed by."""
    for number, make in enumerate(
        (
            os.mkfifo,
            lambda path: path.symlink_to("/etc/passwd"),
            lambda path: path.write_bytes(b"gitdir: \0\xff/../.."),
        )
    ):
        work = tmp_path / str(number)
        work.mkdir()
        make(work / ".git")
        assert WorkspaceLook(work).look().commits == 0


def test_a_workspace_that_vanished_is_seen(tmp_path: Path) -> None:
    """It is no error to look at one that is gone: it is told."""
    work = tmp_path / "work"
    work.mkdir()
    look = WorkspaceLook(work)
    assert look.is_there
    work.rmdir()
    look.look()
    assert not look.is_there
    assert look.bytes == 0


def test_one_picture_serves_all_sessions() -> None:
    """Descendants are those of the picture; it is read anew only where it is older than asked."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        picture = Picture()
        table = picture.table(0.0)
        assert picture.table(60.0) is table
        assert child.pid in picture.below(os.getpid())
        assert picture.table(0.0) is not table


def test_a_set_clock_is_told_and_moves_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting the wall clock leaves the count of seconds alone until it is told, once."""
    clock = SteadyClock()
    before = clock.now()
    real = time.time
    monkeypatch.setattr(clock_module.time, "time", lambda: real() + 3600)
    assert clock.now() - before < 60
    assert clock.jump() == pytest.approx(3600, abs=5)
    assert clock.jump() == 0.0
    assert clock.now() == pytest.approx(real() + 3600, abs=5)


def test_a_machine_that_slept_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time asleep counts as a jump: nobody was silent in it."""
    clock = SteadyClock()
    slept = clock_module.slept() + 900
    monkeypatch.setattr(clock_module, "slept", lambda: slept)
    assert clock.jump() == pytest.approx(900, abs=5)
    assert clock.jump() == 0.0
