"""A workspace for each attempt at a job: made, filled, described to the agent by its environment, removed.

Layout: `<place>/workspaces/<project>/<job>/<epoch>/{work,state,tmp,home,agent}`; the last five are 0700 and the
agent's own, what is above them is ours, so that an agent cannot put something else in their place. `place`
is the home, or a directory of the system where the agent's user cannot enter the home.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from watchkeeper.agents.contract_cli import ContractCli, install, prune
from watchkeeper.agents.scope import home_hash
from watchkeeper.agents.user import SYSTEM_PATH, AgentUser
from watchkeeper.agents.workspace_files import (
    GATE_FILE,
    GateRound,
    JobOrder,
    inputs_of,
    write_gate,
    write_inputs,
    write_into_agents_own,
)
from watchkeeper.logs import log

SYSTEM_PLACE = Path("/var/lib/watchkeeper")
PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "NO_PROXY", "no_proxy")
"""What of our own environment an agent gets; all else could be a secret of ours."""

AGENT_STATE = "agent"
"""The directory for what an agent's adapter puts down for it, its conversation perhaps: it outlives the turns."""

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


@dataclass(frozen=True)
class Workspace:
    """One attempt's places. `path` is where the agent works; `attempt_dir` holds them all."""

    attempt_dir: Path
    environment: Mapping[str, str] = field(repr=False)

    @property
    def path(self) -> Path:
        return self.attempt_dir / "work"

    @property
    def agent_state(self) -> Path:
        return self.attempt_dir / AGENT_STATE


class Workspaces:
    """The workspaces of one installation for one agent user."""

    def __init__(self, home: Path, user: AgentUser, system_place: Path = SYSTEM_PLACE) -> None:
        self.user = user
        self.place = self._place(home, system_place)
        self.root = self.place / "workspaces"
        self._cli: ContractCli | None = None

    @property
    def cli(self) -> ContractCli:
        """The contract CLI for agents, put in place at first use (about a second)."""
        if self._cli is None:
            self._make_open(self.place)
            self._cli = install(self.place, self.user)
        return self._cli

    def open_place(self) -> Path:
        """Give the place of what outlives workspaces, made so that the agent's user may pass through."""
        self._make_open(self.place)
        return self.place

    def prune_cli(self, before: float, now: float) -> int:
        """Remove copies of the contract CLI that nobody has used since `before`; see `contract_cli.prune`."""
        return prune(self.place, self._cli, before, now)

    def prepare(self, order: JobOrder, environ: Mapping[str, str]) -> Workspace:
        """Make a fresh workspace with its files and environment; `environ` gives `PATH` and `PASSED_ON`.

        Raises OSError when the place cannot be written.
        """
        parent = self.of_project(order.project_id) / _safe(order.job_id)
        self._make_open(parent)
        attempt_dir = self._fresh(parent, str(order.epoch))
        for name in ("work", "state", "tmp", "home", AGENT_STATE):
            (attempt_dir / name).mkdir(mode=0o700)
        files = write_inputs(_inputs_in(attempt_dir, order), order)
        self._hand_over(attempt_dir, files)
        return Workspace(attempt_dir, self._environment(order, attempt_dir, environ))

    def taken_up(self, order: JobOrder, attempt_dir: Path) -> None:
        """Tell who goes on in a former attempt's workspace of the job as it is now. Raises OSError."""
        for name, text in inputs_of(order).items():
            write_into_agents_own(_inputs_in(attempt_dir, order), name, text, self.user)

    def again(
        self,
        order: JobOrder,
        attempt_dir: Path,
        environ: Mapping[str, str],
        gate: GateRound | None,
    ) -> Workspace:
        """Give an attempt's workspace for a turn: as it was left, with `gate.json` in it where the gate asks for it.

        Raises OSError when that cannot be written.
        """
        environment = self._environment(order, attempt_dir, environ)
        inputs = _inputs_in(attempt_dir, order)
        if gate is not None:
            write_gate(inputs, gate, self.user)
            environment |= {
                "WATCHKEEPER_GATE": str(inputs / GATE_FILE),
                "WATCHKEEPER_GATE_ROUND": str(gate.number),
            }
        return Workspace(attempt_dir, environment)

    def existing(self) -> list[Path]:
        """List the attempt directories, oldest first."""
        return sorted(self.root.glob("*/*/*"), key=lambda path: path.lstat().st_mtime)

    def of_project(self, project_id: str) -> Path:
        """Give where the workspaces of a project's jobs are, or would be."""
        return self.root / _safe(project_id)

    def remove(self, attempt_dir: Path) -> None:
        """Remove one attempt's places, and the job's and project's directories when they are empty then.

        Links that an agent left are removed, never followed. Raises ValueError for a path of another place.
        """
        if attempt_dir.parent.parent.parent != self.root:
            raise ValueError(f"{attempt_dir} is no attempt's directory below {self.root}")
        shutil.rmtree(attempt_dir)
        for parent in (attempt_dir.parent, attempt_dir.parent.parent):
            if not any(parent.iterdir()):
                parent.rmdir()

    def remove_older(self, before: float, keep: frozenset[Path] = frozenset()) -> int:
        """Remove attempts last touched before a Unix time, those in `keep` apart; give how many went.

        What cannot be removed is logged, and holds up no other.
        """
        gone = 0
        for path in self.existing():
            try:
                if path not in keep and _touched(path) < before:
                    self.remove(path)
                    gone += 1
            except OSError as error:
                log("retention_failed", directory=str(path), detail=str(error))
        return gone

    def _place(self, home: Path, system_place: Path) -> Path:
        if not self.user.other:
            return home
        reachable = home.is_dir() and self.user.may_enter(home)
        return home if reachable else system_place / home_hash(home)

    def _fresh(self, parent: Path, name: str) -> Path:
        """Make a directory of this name, or the next free one: a claim may be handed out twice."""
        for number in range(1, 1000):
            directory = parent / (name if number == 1 else f"{name}-{number}")
            try:
                directory.mkdir(mode=0o700)
            except FileExistsError:
                continue
            except FileNotFoundError:  # a removal took the empty directories above it
                self._make_open(parent)
                continue
            return directory
        raise FileExistsError(parent / name)

    def _make_open(self, directory: Path) -> None:
        """Make a directory of ours and those above it; another user's agent may pass through but not list."""
        if not directory.is_dir():
            self._make_open(directory.parent)
            directory.mkdir(exist_ok=True)
            directory.chmod(0o711 if self.user.other else 0o700)

    def _hand_over(self, attempt_dir: Path, files: list[Path]) -> None:
        """Give it all to the agent's user, then open the way: until then nobody else can reach in."""
        if self.user.other:
            for path in (*files, *attempt_dir.iterdir()):
                os.chown(path, self.user.uid, self.user.gid, follow_symlinks=False)
            attempt_dir.chmod(0o711)

    def _environment(self, order: JobOrder, attempt_dir: Path, environ: Mapping[str, str]) -> dict[str, str]:
        own_home = Path(self.user.home)
        usable = own_home.is_dir() and own_home.stat().st_uid == self.user.uid
        values = {name: environ[name] for name in PASSED_ON if name in environ}
        values |= {
            "PATH": self.user.reachable(environ.get("PATH", SYSTEM_PATH)),
            "HOME": str(own_home if usable else attempt_dir / "home"),
            "USER": self.user.name,
            "LOGNAME": self.user.name,
            "TMPDIR": str(attempt_dir / "tmp"),
            "WATCHKEEPER_HOME": str(attempt_dir / "state"),
            "WATCHKEEPER_WORKSPACE": str(attempt_dir / "work"),
            "WATCHKEEPER_JOB_ID": order.job_id,
            "WATCHKEEPER_PROJECT_ID": order.project_id,
            "WATCHKEEPER_ATTEMPT": str(order.attempt),
            "WATCHKEEPER_GATE_ROUND": "0",
        }
        if order.token is not None:
            values["WATCHKEEPER_TOKEN"] = order.token
        if order.token is not None and order.url is not None:
            values["WATCHKEEPER_URL"] = order.url
            values["PATH"] = f"{self.cli.bin}:{values['PATH']}"
        named = {"payload.json": "WATCHKEEPER_PAYLOAD", "prompt.md": "WATCHKEEPER_PROMPT"}
        values |= {
            named[name]: str(_inputs_in(attempt_dir, order) / name)
            for name in inputs_of(order)
            if name in named
        }
        if order.worker_id is not None:
            values["WATCHKEEPER_WORKER_ID"] = order.worker_id
        return values


def _inputs_in(attempt_dir: Path, order: JobOrder) -> Path:
    return attempt_dir / (AGENT_STATE if order.inputs_beside else "work")


def _safe(name: str) -> str:
    """Give a directory name for an id: itself, or its hash where it could mean something to a file system."""
    return name if SAFE_NAME.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:32]


def _touched(attempt_dir: Path) -> float:
    """Give when an attempt was last worked on, as far as its top directories tell."""
    return max(path.lstat().st_mtime for path in (attempt_dir, *attempt_dir.iterdir()))
