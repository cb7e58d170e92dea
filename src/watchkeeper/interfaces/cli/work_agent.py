"""`work --agent`: hands what the command line and the settings say to the supervisor of agent sessions."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from watchkeeper.agents.command import NAME
from watchkeeper.documents import read_file
from watchkeeper.domain.config_document import Document, read_document
from watchkeeper.domain.errors import SettingError, Unauthenticated, UsageError
from watchkeeper.interfaces.cli.local import as_token, read_secret, read_url
from watchkeeper.interfaces.cli.session_limits import session_limits
from watchkeeper.interfaces.cli.work_options import WorkOptions
from watchkeeper.services.supervise import supervise
from watchkeeper.services.supervision.config import HOW_TO_GET_ONE, SupervisorConfig
from watchkeeper.services.supervision.contract_host import ContractHost
from watchkeeper.settings import FIELDS, Settings

DEFAULT_SLOTS = 2
DEFAULT_GATE_ROUNDS = 3


def work_agent(
    agent: str, settings: Settings, options: WorkOptions, arguments: list[str], token_file: str | None
) -> int:
    """Run a supervisor until it is stopped; give its exit code.

    Raises Unauthenticated where no worker's token is given. The project is the token's own.
    """
    document = own_document(settings)
    config = SupervisorConfig(
        url=read_url(settings),
        token=_token(token_file),
        home=settings.home,
        agent=agent,
        arguments=arguments,
        repositories=options.repositories,
        agent_environ=passed_on_variables(options.agent_env),
        slots=options.slots or DEFAULT_SLOTS,
        kinds=options.kinds or None,
        worker_id=options.worker_id,
        pool=options.pool,
        max_gate_rounds=DEFAULT_GATE_ROUNDS if options.max_gate_rounds is None else options.max_gate_rounds,
        agent_user=settings.agent_user,
        session_limits=document.policy.sessions,
        artifact_limit_bytes=settings.artifact_limit_bytes,
        shared_daemons=document.shared_daemons,
        **session_limits(options.limits),
    )
    return asyncio.run(supervise(config, None if agent == NAME else _tools(config)))


def own_document(settings: Settings) -> Document:
    """Read what this machine's document says of sessions; raises DocumentRefused with every error in it."""
    path = settings.document
    return Document() if path is None else read_document(read_file(path), str(path), FIELDS)


def _tools(config: SupervisorConfig) -> ContractHost:
    # A worker of plain commands serves no tools, and does without what serves them.
    from watchkeeper.interfaces.mcp.host import ContractHost as Host

    return Host(config.url, config.artifact_limit_bytes)


def passed_on_variables(names: Sequence[str]) -> dict[str, str]:
    """Give the variables that agents are to get; raises UsageError where one is not there."""
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise UsageError(f"--agent-env names {', '.join(missing)}, which this process does not have")
    return {name: os.environ[name] for name in names}


def _token(token_file: str | None) -> str:
    if token_file:
        _demand_closed(Path(token_file))
    token = read_secret(Path(token_file)) if token_file else os.environ.get("WATCHKEEPER_TOKEN", "").strip()
    if not token:
        where = f"{token_file} holds none" if token_file else "WATCHKEEPER_TOKEN is not set"
        raise Unauthenticated(f"a worker needs its token, and {where}", hint=HOW_TO_GET_ONE)
    return as_token(token, token_file or "WATCHKEEPER_TOKEN")


def _demand_closed(path: Path) -> None:
    """Refuse a token that agents could read: as root they run as another user, whom the file's mode has to keep out."""
    if os.geteuid() == 0 and path.is_file() and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
        raise SettingError(
            f"the agents could read this worker's token: {path} has mode {mode:o}",
            hint=f"chmod 600 {path}",
        )
