"""scripts/setup, by which every `make` begins: the first run builds .venv, later ones need no network."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
echo "$*" >> "{calls}"
[ "$*" = "-m venv --clear .venv" ] && mkdir -p .venv/bin && cp "$0" .venv/bin/python
exit 0
"""
"""Stands for Python: notes what it is asked for, and makes a .venv of itself."""


class Clone:
    """A clone with a Python that installs nothing."""

    def __init__(self, place: Path, python: Path, calls: Path) -> None:
        self.place, self.python, self.calls = place, python, calls
        (place / "scripts").mkdir(parents=True)
        (place / "scripts" / "setup").write_bytes((ROOT / "scripts" / "setup").read_bytes())
        (place / "requirements-dev.lock").write_text("one==1\n")

    def set_up(self) -> list[str]:
        """Run the script, without a network tool on its path; give what Python was asked for."""
        self.calls.write_text("")
        command = ["bash", "scripts/setup", str(self.python)]
        subprocess.run(command, cwd=self.place, env={"PATH": "/usr/bin:/bin"}, check=True, timeout=60)
        return self.calls.read_text().splitlines()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    python, calls = tmp_path / "python", tmp_path / "calls"
    python.write_text(PYTHON.format(calls=calls))
    python.chmod(0o755)
    return Clone(tmp_path / "clone", python, calls)


def test_only_the_first_run_needs_a_network(clone: Clone) -> None:
    """The first run installs; the second starts the .venv's Python once, to see that it works, and installs nothing."""
    assert sum("pip install" in call for call in clone.set_up()) == 2
    assert clone.set_up() == ["-c "]


def test_another_lock_file_or_another_place_is_set_up_anew(clone: Clone) -> None:
    """After a pull that changed what is locked, and in a clone that was moved, the packages are installed again."""
    clone.set_up()
    (clone.place / "requirements-dev.lock").write_text("one==2\n")
    assert sum("pip install" in call for call in clone.set_up()) == 2
    assert clone.set_up() == ["-c "]
    clone.place = clone.place.rename(clone.place.with_name("moved"))
    assert sum("pip install" in call for call in clone.set_up()) == 2
