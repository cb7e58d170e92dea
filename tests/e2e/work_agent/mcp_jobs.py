"""A job that was claimed for an agent, as the worker that claimed it hands it on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx2

from e2e.work_agent.desk import Desk


@dataclass
class HeldJob:
    """A claimed job with its job token, and a workspace for it."""

    job: str
    token: str
    lease: str
    workspace: Path

    def write(self, name: str, text: str | bytes) -> None:
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)


def held_job(desk: Desk, **more: Any) -> HeldJob:
    """Put in a job and claim it as a worker does; a new worker each time."""
    desk.worker_token = desk.worker_token or desk.token()
    job = desk.put(None, **more)
    claimed = as_worker(desk, "claim", {"worker_id": f"w-{uuid4().hex[:8]}"})["job"]
    assert claimed["id"] == job
    lease = claimed["lease_token"]
    token = as_worker(desk, f"jobs/{job}/token", {}, lease)["token"]
    workspace = desk.place / f"workspace-{uuid4().hex[:8]}"
    workspace.mkdir()
    return HeldJob(job, token, lease, workspace)


def as_worker(desk: Desk, path: str, body: Any, lease: str | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {desk.worker_token}"}
    if lease is not None:
        headers["Watchkeeper-Lease"] = lease
    response = httpx2.post(f"{desk.url}/api/worker/{path}", json=body, headers=headers, trust_env=False)
    assert response.status_code < 400, response.text
    return cast("dict[str, Any]", response.json())
