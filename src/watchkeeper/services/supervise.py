"""`work --agent command`: claims jobs over HTTP and runs each as an agent session, until it is stopped."""

from __future__ import annotations

from watchkeeper.services.supervision.config import SupervisorConfig


async def supervise(config: SupervisorConfig) -> int:
    """Work until SIGTERM or SIGINT; give the exit code."""
    raise NotImplementedError(config.home)
