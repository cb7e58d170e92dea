"""A full disk delays what is recorded of a session's end; it loses nothing and leaves no process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.living import Run, living
from waiting import wait_until
from watchkeeper.agents.session import EndReason, Standing
from watchkeeper.host.processes import ProcReader


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of a few pages."""
    directory = place / "small"
    directory.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", directory], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield directory
    subprocess.run(["umount", "--lazy", directory], check=True)


def test_an_end_on_a_full_disk_is_recorded_when_there_is_room(
    small_disk: Path, run: Run, nonce: str, work: Path
) -> None:
    """The command ends on a full disk: its processes are swept at once, its exit code is told later."""
    script = f"setsid sleep {nonce} & until [ -e go ]; do sleep 0.02; done; exit 3"
    session = run(script, directory=small_disk / "session")
    agent = session.agent
    assert agent is not None
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        _fill(ballast)
    (work / "go").touch()
    wait_until(lambda: not ProcReader().alive(agent) and not living(nonce), what="the sweep")
    assert session.alive
    assert session.standing is Standing.RUNNING
    ballast.unlink()
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert (end.reason, end.exit_code) == (EndReason.EXITED, 3)


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
