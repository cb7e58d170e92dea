"""`relay` and `supervise`: guard somebody else's helper, one command or whole heartbeats. docs/helper.md."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.agents import known
from watchkeeper.agents.user import SYSTEM_PATH
from watchkeeper.documents import read_file
from watchkeeper.domain.config_document import read_document
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.interfaces.cli.local import as_token, read_secret, read_url
from watchkeeper.interfaces.cli.output import write
from watchkeeper.interfaces.cli.session_limits import session_limits
from watchkeeper.interfaces.cli.starting import begin
from watchkeeper.interfaces.cli.work_agent import own_document, passed_on_variables
from watchkeeper.services.fetch_settings import fetch_config
from watchkeeper.services.relay.guarded import HelperGuard
from watchkeeper.services.relay.heartbeats import Supervision, supervise_helper
from watchkeeper.services.relay.relaying import relay as relay_command
from watchkeeper.services.relay.served_agent import AgentOrder
from watchkeeper.services.supervision.config import SessionConfig
from watchkeeper.settings import FIELDS, Settings

COMMAND = "command"

Helper = Annotated[
    str, typer.Option(help="The helper's command line; the contract's command is put behind it.")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="A document whose 'helper' section says more of it.")
]
WorkerId = Annotated[str | None, typer.Option(help="The worker that it is for; else WATCHKEEPER_WORKER_ID.")]
TokenFile = Annotated[str | None, typer.Option(help="The file of our worker's token.")]


def relay(
    helper: Helper,
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND ARGS...", help="What to run of it.")],
    config: ConfigFile = None,
    worker_id: WorkerId = None,
    token_file: TokenFile = None,
) -> None:
    """Run one command of a foreign helper, guarded and recorded; print its last JSON object and give its exit code."""
    settings = begin()
    guard = _guard(settings, helper, config, worker_id, token_file)
    done = asyncio.run(relay_command(guard, command[0], command[1:]))
    if done.text is not None:
        write(done.text)
    raise typer.Exit(done.exit_code)


def supervise(
    helper: Helper,
    work: Annotated[
        str | None,
        typer.Option(help="What does a job: gets it as JSON on stdin, leaves files in its workspace."),
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(help="What does a job instead: codex, claude; command runs what its payload names."),
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- ARGUMENTS...", help="With --agent: further arguments of the agent."),
    ] = None,
    agent_env: Annotated[
        list[str] | None,
        typer.Option(help="With --agent: a variable of this process that agents get; may be repeated."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(help="With --agent: what a session may use, NAME=VALUE; see work --limit."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End after one heartbeat.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on after a stop condition: a person decided so.")
    ] = False,
    config: ConfigFile = None,
    worker_id: WorkerId = None,
    token_file: TokenFile = None,
) -> None:
    """Run whole heartbeats of a foreign helper; without --work and --agent only watch, and claim nothing."""
    if work is not None and agent is not None:
        raise UsageError("--work and --agent say the same thing twice; name one")
    if agent in (None, COMMAND) and (arguments or agent_env or limit):
        raise UsageError("arguments, --agent-env and --limit belong to --agent codex or claude")
    settings = begin()
    order = Supervision(
        guard=_guard(settings, helper, config, worker_id, token_file),
        work=work,
        from_payload=agent == COMMAND,
        once=once,
        resumes=resume,
        agent_user=settings.agent_user,
        artifact_limit_bytes=settings.artifact_limit_bytes,
        agent=None
        if agent in (None, COMMAND)
        else _agent(settings, agent, arguments or (), agent_env or (), limit or ()),
    )
    raise typer.Exit(asyncio.run(supervise_helper(order)))


def _agent(
    settings: Settings,
    name: str,
    arguments: Sequence[str],
    passed_on: Sequence[str],
    limits: Sequence[str],
) -> AgentOrder:
    # What serves an agent's tools is loaded where there is an agent only.
    from watchkeeper.interfaces.mcp.foreign import ForeignHost

    known.check(name)
    document = own_document(settings)
    return AgentOrder(
        name=name,
        host=ForeignHost(read_url(settings), settings.artifact_limit_bytes),
        sessions=SessionConfig(
            home=settings.home,
            agent_environ=passed_on_variables(passed_on),
            session_limits=document.policy.sessions,
            shared_daemons=document.shared_daemons,
            **session_limits(limits),
        ),
        path=os.environ.get("PATH", SYSTEM_PATH),
        arguments=arguments,
    )


def _guard(
    settings: Settings, helper: str, config: Path | None, worker_id: str | None, token_file: str | None
) -> HelperGuard:
    given = read_secret(Path(token_file)) if token_file else os.environ.get("WATCHKEEPER_TOKEN", "").strip()
    return HelperGuard(
        helper=helper,
        home=settings.home,
        worker_id=worker_id or settings.worker_id or socket.gethostname(),
        url=read_url(settings),
        token=as_token(given, token_file or "WATCHKEEPER_TOKEN") if given else None,
        config=HelperConfig() if config is None else _helper_section(config),
        fetch=fetch_config(settings),
        http_statuses=settings.gate_http_statuses,
        markers=settings.pending_markers,
    )


def _helper_section(path: Path) -> HelperConfig:
    """Read the `helper` section of a config document; raises DocumentRefused with every error in it."""
    return read_document(read_file(path), str(path), FIELDS).helper or HelperConfig()
