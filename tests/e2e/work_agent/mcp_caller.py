"""An agent as the contract's MCP server sees it: a job that was claimed for it, and the official client's calls."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

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


@dataclass
class Agent:
    """One connection of an agent's MCP client."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; give its JSON, whose `ok` the protocol's own flag must match."""
        result = await self.client.call_tool(tool, arguments)
        (content,) = result.content
        answer = json.loads(content.text)
        assert answer["ok"] is not result.is_error
        return cast("dict[str, Any]", answer)

    async def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must be refused; give the error, which says what to do."""
        answer = await self.call(tool, **arguments)
        assert answer["ok"] is False, answer
        error = answer["error"]
        assert all(error[part] for part in ("code", "message", "hint"))
        return cast("dict[str, Any]", error)


@asynccontextmanager
async def agent_over_http(address: str, token: str, mode: str = "auto") -> AsyncIterator[Agent]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        transport = streamable_http_client(address, http_client=http)
        async with Client(transport, mode=cast("Any", mode), cache=None) as client:
            yield Agent(client)
