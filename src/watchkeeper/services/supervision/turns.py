"""The turns of one attempt: each is one run of the agent, in the attempt's workspace, under its one hard cap."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.agents.adapter import ContractServer, Turn
from watchkeeper.agents.repository import BASE, Clones
from watchkeeper.agents.session import Session, SessionSpec
from watchkeeper.agents.user import SYSTEM_PATH
from watchkeeper.agents.workspace_files import GateRound, JobOrder
from watchkeeper.services.supervision.config import KILL_SECONDS
from watchkeeper.services.supervision.contract_host import ContractHost, ContractSession
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.delivery import FOUND
from watchkeeper.services.supervision.means import Means
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.workspace_look import git_directory

TOKEN_VARIABLE = "WATCHKEEPER_TOKEN"  # noqa: S105 - the name of a variable


CLAIMED = "claimed"
"""Where a foreign platform's job is kept as its claim gave it: that is what its agent reads."""


@dataclass(frozen=True)
class TurnOrder:
    """A turn to be started. `gate` is the gate round that it is; without one it is for the job itself."""

    prompt: str
    gate: GateRound | None = None


class TimeUsedUp(Exception):
    """The attempt's hard cap leaves no time for a further turn."""


class Turns:
    """Starts the turns of one attempt. Blocks: call it in a thread."""

    def __init__(
        self, means: Means, records: AttemptRecords, facts: dict[str, Any], conversation: Conversation
    ) -> None:
        self._means = means
        self._records = records
        self._facts = facts
        self._job = facts["job"]
        self._conversation = conversation

    def workspace(self) -> Path:
        """Give where the agent works, once it has been made."""
        return Path(self._facts["workspace"]) / "work"

    def make_workspace(self, former: Path | None) -> None:
        """Make the attempt's workspace, or go on in a former attempt's, and note which it is.

        Raises OSError, and UsageError for a repository that is not there for it.
        """
        payload = self._job.get("payload")
        clones = self._clones()
        if (clone := clones.named(payload)) is not None:
            # A work tree's files are no results: what is one is handed in, or named.
            self._note(clone=str(clone), **{FOUND: False})
        order = self._order(None)
        if former is not None:
            self._means.workspaces.taken_up(order, former)
            self._note(workspace=str(former))
            return
        attempt_dir = self._means.workspaces.prepare(order, os.environ).attempt_dir
        self._note(workspace=str(attempt_dir))
        if clone is not None:
            branch = clones.make_tree(clone, attempt_dir / "work", self._job["id"], payload.get(BASE))
            self._note(branch=branch)

    def start(self, order: TurnOrder, token: str, contract: ContractSession) -> Session:
        """Start a turn with a job token of its own; what the last turn was is set aside first.

        Raises TimeUsedUp, UsageError for orders that no agent can be given, OSError and SessionError.
        """
        if self._records.session.is_dir():
            self._records.set_session_aside()
        cap = self.cap_left()
        if cap is not None and cap <= 0:
            raise TimeUsedUp
        self.forget_token()
        self._note(job_token=token)
        self.let_in(contract)
        return Session.start(self._spec(order, token, cap), self._means.spawn)

    def let_in(self, contract: ContractSession) -> None:
        """Let the agent of an adopted turn call the contract's tools, which this process serves now."""
        if (host := self._means.contract_host) is not None and self._facts.get("job_token"):
            host.register(self._facts["job_token"], contract)

    def forget_token(self) -> None:
        """Let the agent's last turn call no tool any more."""
        if (host := self._means.contract_host) is not None and self._facts.get("job_token"):
            host.forget(self._facts["job_token"])

    def _tools_at(self, host: ContractHost) -> str:
        return host.address_at(self._records.directory.parent)

    def turn(self, prompt: str) -> Turn:
        """Give a turn as the adapter is told of it."""
        known, host = self._conversation, self._means.contract_host
        limits = self._facts.get("limits") or {}
        tokens, cost = limits.get("tokens_limit"), limits.get("cost_limit")
        return Turn(
            prompt=prompt,
            workspace=self.workspace(),
            state=self.workspace().parent / "agent",
            payload=self._job.get("payload"),
            also_writes=self._writes_beside(),
            thread=known.resumes,
            contract=None if host is None else ContractServer(self._tools_at(host), TOKEN_VARIABLE),
            tokens=None if tokens is None else max(0, int(tokens) - known.all_tokens),
            cost=None if cost is None else max(0.0, float(cost) - known.all_cost),
        )

    def _writes_beside(self) -> tuple[Path, ...]:
        """Give where a commit is written: the clone's objects and branches, and what git keeps of this work tree.

        The second lies in the first, and is named all the same: Codex closes it unless it is. Where it is said to lie
        elsewhere, it was not git who said so.
        """
        if "clone" not in self._facts:
            return ()
        git = Path(self._facts["clone"], ".git")
        tree = git_directory(self.workspace()).resolve()
        return (git, tree) if tree.parent == (git / "worktrees").resolve() else (git,)

    def _clones(self) -> Clones:
        user = self._means.workspaces.user
        path = user.reachable(os.environ.get("PATH", SYSTEM_PATH))
        return Clones(self._means.config.repositories, user, path)

    def _note(self, **noted: Any) -> None:
        self._facts |= noted
        self._records.note(**noted)

    def cap_left(self) -> float | None:
        """Give how many seconds of its hard cap the attempt has left by the turns set aside; None without one."""
        minutes = self._job.get("hard_cap_minutes")
        if minutes is None:
            return None
        ends = (Session.adopt(path).ended() for path in self._records.earlier_sessions)
        return float(minutes * 60 - sum(end.wall_seconds for end in ends if end is not None))

    def _spec(self, order: TurnOrder, token: str, cap: float | None) -> SessionSpec:
        means, config = self._means, self._means.config
        attempt_dir = Path(self._facts["workspace"])
        launch = means.adapter.launch(self.turn(order.prompt))
        if launch.thread is not None:
            self._conversation.thread = launch.thread
            self._records.write_thread(self._conversation.record())
        ready = means.workspaces.again(self._order(token), attempt_dir, os.environ, order.gate)
        return SessionSpec(
            directory=self._records.session,
            command=launch.command,
            environment={**ready.environment, **launch.environment},
            workspace=ready.path,
            user=means.workspaces.user,
            stdin=None if launch.stdin is None else self._records.write_stdin(launch.stdin),
            lock=launch.lock,
            home=config.home,
            hard_cap_seconds=cap,
            grace_seconds=config.grace_seconds,
            kill_seconds=KILL_SECONDS,
            output_limit_bytes=config.output_limit_bytes,
            limits=config.limits,
            shared_daemons=config.shared_daemons,
            facts={"job": self._job["id"], "epoch": self._job["epoch"], "kind": self._job["kind"]},
        )

    def _order(self, token: str | None) -> JobOrder:
        job = self._job
        return JobOrder(
            job_id=job["id"],
            project_id=job["project_id"],
            epoch=job["epoch"],
            attempt=job["attempt"],
            payload=job.get("payload"),
            record=job.get(CLAIMED, job),
            url=self._means.config.server_for_agents,
            token=token,
            worker_id=self._means.worker_id,
            inputs_beside="clone" in self._facts,
        )
