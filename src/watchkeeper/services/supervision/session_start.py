"""The way from a claimed job to a session that can be started: workspace, environment, orders."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.agents.session import Session, SessionSpec
from watchkeeper.agents.workspace import GateRound, JobOrder, Workspace, Workspaces
from watchkeeper.services.supervision.config import KILL_SECONDS, SupervisorConfig
from watchkeeper.services.supervision.delivery import Delivery
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.server_link import ServerLink


@dataclass(frozen=True)
class Means:
    """What every attempt of a supervisor works with."""

    config: SupervisorConfig
    worker_id: str
    workspaces: Workspaces
    link: ServerLink
    delivery: Delivery


def facts_of(job: dict[str, Any], sent_at: float) -> dict[str, Any]:
    """Give what is kept of a claim; `sent_at` is the boot clock when it was asked for."""
    kept = {name: value for name, value in job.items() if name != "lease_token"}
    return {"job": kept, "lease": job["lease_token"], "sent_at": sent_at, "claimed_at": time.time()}


def prepared(
    means: Means, records: AttemptRecords, facts: dict[str, Any], command: Sequence[str], token: str
) -> SessionSpec:
    """Make the attempt's workspace, note it in `facts` and on disk, and give the session's orders. Blocks.

    `token` is the job token: the only credential that the agent gets. Raises OSError.
    """
    order = _order(means, facts, token)
    workspace = means.workspaces.prepare(order, os.environ)
    facts |= {"workspace": str(workspace.attempt_dir), "job_token": token}
    records.note(workspace=str(workspace.attempt_dir), job_token=token)
    return _spec(means, records, facts["job"], command, workspace)


def prepared_again(
    means: Means, records: AttemptRecords, facts: dict[str, Any], command: Sequence[str], gate: GateRound
) -> SessionSpec:
    """Give the orders for a further turn in the attempt's own workspace, once the last turn is set aside. Blocks.

    The hard cap is the attempt's: what earlier turns took of it is gone. Raises OSError.
    """
    order = _order(means, facts, facts["job_token"])
    workspace = means.workspaces.again(order, Path(facts["workspace"]), os.environ, gate)
    return _spec(means, records, facts["job"], command, workspace)


def cap_left(records: AttemptRecords, job: dict[str, Any]) -> float | None:
    """Give how many seconds of its hard cap an attempt has left, by the turns that are set aside; None without one."""
    minutes = job.get("hard_cap_minutes")
    if minutes is None:
        return None
    ends = (Session.adopt(path).ended() for path in records.earlier_sessions)
    return float(minutes * 60 - sum(end.wall_seconds for end in ends if end is not None))


def _order(means: Means, facts: dict[str, Any], token: str) -> JobOrder:
    job = facts["job"]
    return JobOrder(
        job_id=job["id"],
        project_id=job["project_id"],
        epoch=job["epoch"],
        attempt=job["attempt"],
        payload=job.get("payload"),
        record=job,
        url=means.config.agent_url or means.config.url,
        token=token,
        worker_id=means.worker_id,
    )


def _spec(
    means: Means, records: AttemptRecords, job: dict[str, Any], command: Sequence[str], workspace: Workspace
) -> SessionSpec:
    config = means.config
    return SessionSpec(
        directory=records.session,
        command=command,
        environment=workspace.environment,
        workspace=workspace.path,
        user=means.workspaces.user,
        home=config.home,
        hard_cap_seconds=cap_left(records, job),
        grace_seconds=config.grace_seconds,
        kill_seconds=KILL_SECONDS,
        output_limit_bytes=config.output_limit_bytes,
        limits=config.limits,
        shared_daemons=config.shared_daemons,
        facts={"job": job["id"], "epoch": job["epoch"], "kind": job["kind"]},
    )
