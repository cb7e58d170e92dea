"""The scripted agent as an order, and `supervise` with it as a process of its own, which a test may kill."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from e2e.work_agent.scripted_agent import ScriptedAgent
from relay.scenes import FAST, Scene
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.interfaces.mcp.foreign import ForeignHost
from watchkeeper.services.relay.guarded import HelperGuard
from watchkeeper.services.relay.heartbeats import Supervision, supervise_helper
from watchkeeper.services.relay.served_agent import AgentOrder
from watchkeeper.services.supervision.config import SessionConfig


def scripted_agent(home: Path, **limits: Any) -> AgentOrder:
    return AgentOrder(
        name="codex",
        host=ForeignHost("http://127.0.0.1:1", 1024 * 1024),
        sessions=SessionConfig(
            home=home, session_limits=SessionLimits(**limits), sample_seconds=0.2, grace_seconds=1.0
        ),
        adapter_of=lambda _, setup: ScriptedAgent(setup.place),
    )


def killable_supervisor(scene: Scene) -> subprocess.Popen[bytes]:
    """Start one heartbeat of a scene in a process of its own."""
    told = {"helper": scene.helper.words, "home": str(scene.home), "system": str(scene.directory / "system")}
    tests = Path(__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-m", "relay.killable", json.dumps(told)],
        env=os.environ | {"PYTHONPATH": str(tests)},
    )


def main() -> None:
    told = json.loads(sys.argv[1])
    home = Path(told["home"])
    guard = HelperGuard(
        helper=told["helper"],
        home=home,
        worker_id="w1",
        url="http://127.0.0.1:1",
        config=HelperConfig(**FAST),
    )
    order = Supervision(guard=guard, once=True, system_place=Path(told["system"]), agent=scripted_agent(home))
    sys.exit(asyncio.run(supervise_helper(order)))


if __name__ == "__main__":
    main()
