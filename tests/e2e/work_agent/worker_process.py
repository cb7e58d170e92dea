"""One `work --agent`, with its config as JSON on stdin; the token is the first line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from e2e.work_agent.scripted_agent import ScriptedAgent
from watchkeeper.agents.known import adapter
from watchkeeper.agents.scope import Limits
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.interfaces.mcp.holder import Patience
from watchkeeper.interfaces.mcp.host import SUPERVISED, ContractHost
from watchkeeper.logs import configure
from watchkeeper.services.supervise import supervise
from watchkeeper.services.supervision.config import SupervisorConfig


class ToolsDown(ContractHost):
    """A server of tools that nobody reaches: its address is refused."""

    def start(self, place: Path, adopted: Sequence[Path] = ()) -> None:
        super().start(place, adopted)
        self.stop()


PATHS = ("home", "system_place")

token = sys.stdin.readline().strip()
given = json.load(sys.stdin)
given |= {name: Path(given[name]) for name in PATHS if name in given}
given |= {"repositories": [Path(one) for one in given.get("repositories", ())]}
given_tools = given.pop("contract_tools", False)
patience = Patience(*given.pop("tool_patience", SUPERVISED))
configure(level="info", form="json", redact=str)
scripted = given.pop("scripted", None)
given["limits"] = Limits(**given.pop("limits", {}))
limits = SessionLimits(**given.pop("session_limits", {}))
config = SupervisorConfig(token=token, session_limits=limits, **given)
host = {False: None, True: ContractHost, "down": ToolsDown}[given_tools]
made = adapter if scripted is None else lambda *_: ScriptedAgent(given["home"].parent, **scripted)
sys.exit(
    asyncio.run(
        supervise(
            config,
            host and host(config.url, config.artifact_limit_bytes, patience=patience),
            adapter_of=made,
        )
    )
)
