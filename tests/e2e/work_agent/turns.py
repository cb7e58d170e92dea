"""Jobs for the scripted agent, and what it was told in its turns."""

from __future__ import annotations

import json
from typing import Any

from e2e.work_agent.desk import Desk

PAGE_WANTED = {"required_kinds": ["html_page"]}
AGENT: dict[str, Any] = {"scripted": {}}

Step = tuple[str, Any]


def put_turns(desk: Desk, *turns: list[Step], payload: dict[str, Any] | None = None, **more: Any) -> str:
    """Put in a job for the scripted agent; each list of steps is a turn of it."""
    prompt = f"Do it. <script>{json.dumps(turns)}</script>"
    return desk.put(None, payload={"prompt": prompt} | (payload or {}), **more)


def turns_of(desk: Desk, job: str) -> list[dict[str, Any]]:
    """Give what the agent was told in each turn of a job."""
    (memory,) = desk.place.glob(f"**/workspaces/*/{job}/*/agent/turns.json")
    return list(json.loads(memory.read_text()))
