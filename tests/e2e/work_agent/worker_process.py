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
from watchkeeper.logs import configure
from watchkeeper.services.supervise import supervise
from watchkeeper.services.supervision.config import SupervisorConfig
from watchkeeper.services.supervision.contract_host import ContractHost as SupervisorsHost


def host_of_tools(
    config: SupervisorConfig, given: bool | str, patience: Sequence[float] | None
) -> SupervisorsHost | None:
    """Give the server of the contract's tools, where the worker has one; `down` is one that nobody reaches."""
    if not given:
        return None
    # Here, not above: it costs three times what all else does, and most workers of these tests have none.
    from watchkeeper.interfaces.mcp.holder import Patience
    from watchkeeper.interfaces.mcp.host import SUPERVISED, ContractHost

    class ToolsDown(ContractHost):
        def start(self, place: Path, adopted: Sequence[Path] = ()) -> None:
            super().start(place, adopted)
            self.stop()

    kind = ToolsDown if given == "down" else ContractHost
    patient = SUPERVISED if patience is None else Patience(*patience)
    return kind(config.url, config.artifact_limit_bytes, patience=patient)


PATHS = ("home", "system_place")

token = sys.stdin.readline().strip()
given = json.load(sys.stdin)
given |= {name: Path(given[name]) for name in PATHS if name in given}
given |= {"repositories": [Path(one) for one in given.get("repositories", ())]}
given_tools = given.pop("contract_tools", False)
given_patience = given.pop("tool_patience", None)
configure(level="info", form="json", redact=str)
scripted = given.pop("scripted", None)
given["limits"] = Limits(**given.pop("limits", {}))
limits = SessionLimits(**given.pop("session_limits", {}))
config = SupervisorConfig(token=token, session_limits=limits, **given)
made = adapter if scripted is None else lambda *_: ScriptedAgent(given["home"].parent, **scripted)
sys.exit(
    asyncio.run(
        supervise(
            config,
            host_of_tools(config, given_tools, given_patience),
            adapter_of=made,
        )
    )
)
