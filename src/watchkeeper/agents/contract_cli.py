"""The contract CLI where an agent of another user can run it: a copy and a launcher, readable by all.

The product's own place may be closed to that user (a clone or a virtual environment below somebody's home).
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.agents.user import AgentUser, python_for

PACKAGE = Path(__file__).parents[1]
COPIED = (
    "__init__.py",
    "domain/*.py",
    "interfaces/__init__.py",
    "interfaces/cli/__init__.py",
    "interfaces/cli/contract/**/*.py",
)

ENTRY = """import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from watchkeeper.interfaces.cli import contract

if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
    print("watchkeeper COMMAND ..., one of doctor, touch, claim, context, progress, upload-files, verify,")
    print("complete, fail, release; watchkeeper COMMAND --help tells more")
    sys.exit(0 if len(sys.argv) > 1 else 2)
sys.exit(contract.run(sys.argv[1:]))
"""


@dataclass(frozen=True)
class ContractCli:
    """`bin` goes first into the agent's PATH. `problem` says why the launcher cannot work, if it cannot."""

    bin: Path
    problem: str | None = None


def install(place: Path, user: AgentUser) -> ContractCli:
    """Put the contract CLI below `place`, unless this very version stands there; safe to race."""
    python = python_for(user)
    sources = _sources()
    seal = hashlib.sha256(f"{python}\n{ENTRY}".encode())
    for name, path in sources.items():
        seal.update(name.encode() + b"\0" + path.read_bytes())
    target = place / f"contract-{seal.hexdigest()[:12]}"
    problem = None
    if python is None:
        problem = f"there is no Python 3.11 or newer that the user {user.name} can run (/usr/bin/python3?)"
    if not (target / "bin/watchkeeper").exists():
        _build(target, sources, python, problem)
    return ContractCli(target / "bin", problem)


def prune(place: Path, used: ContractCli | None, before: float, now: float) -> int:
    """Remove copies that no supervisor has used since `before`, mark ours as used `now`, and give how many went.

    Both are Unix times. Agents of another version may still run one: a living supervisor marks its own again and again.
    """
    if used is not None:
        os.utime(used.bin.parent, (now, now))
    old = [path for path in place.glob("contract-*") if path.stat().st_mtime < before]
    old += [path for path in place.glob(".contract-*") if path.stat().st_mtime < before]
    for path in old:
        shutil.rmtree(path)
    return len(old)


def _sources() -> dict[str, Path]:
    found = (path for pattern in COPIED for path in PACKAGE.glob(pattern))
    return {str(path.relative_to(PACKAGE)): path for path in sorted(found)}


def _build(target: Path, sources: dict[str, Path], python: Path | None, problem: str | None) -> None:
    """Build it aside and move it into place in one step."""
    fresh = Path(tempfile.mkdtemp(prefix=".contract-", dir=target.parent))
    try:
        for name, path in sources.items():
            copy = fresh / "lib/watchkeeper" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        (fresh / "entry.py").write_text(ENTRY)
        if python is not None:
            places = ["-s", str(fresh), "-p", str(target), str(fresh / "lib")]
            compiling = [str(python), "-I", "-m", "compileall", "-q", *places]
            subprocess.run(compiling, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
        launcher = fresh / "bin/watchkeeper"
        launcher.parent.mkdir()
        launcher.write_text(_launcher(target, python, problem))
        _open_to_all(fresh)
        try:
            fresh.rename(target)
        except OSError:
            if not (target / "bin/watchkeeper").exists():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _launcher(target: Path, python: Path | None, problem: str | None) -> str:
    if python is None:
        return f"#!/bin/sh\necho {shlex.quote(f'watchkeeper: {problem}')} >&2\nexit 5\n"
    entry = shlex.quote(str(target / "entry.py"))
    return f'#!/bin/sh\nexec {shlex.quote(str(python))} -I -S {entry} "$@"\n'


def _open_to_all(directory: Path) -> None:
    """Let everybody read and enter, nobody but us write."""
    for top, _, files in os.walk(directory):
        Path(top).chmod(0o755)
        for name in files:
            Path(top, name).chmod(0o755 if Path(top).name == "bin" else 0o644)
