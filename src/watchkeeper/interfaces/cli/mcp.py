"""`mcp contract` and `mcp operate`: MCP servers over stdio, for agents that people start themselves. docs/mcp.md."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import Unauthenticated, UsageError
from watchkeeper.interfaces.cli.client import DEFAULT_PROJECT
from watchkeeper.interfaces.cli.contract import environment, waiting
from watchkeeper.interfaces.cli.contract.environment import Environment
from watchkeeper.interfaces.cli.contract.leases import LeaseStore
from watchkeeper.interfaces.cli.contract.outbox import Entry, Outbox
from watchkeeper.interfaces.cli.contract.program import TERMINAL
from watchkeeper.interfaces.cli.contract.server import Server
from watchkeeper.interfaces.cli.local import own_token, read_url
from watchkeeper.interfaces.cli.options import Project
from watchkeeper.interfaces.mcp.holder import PATIENT, Patience
from watchkeeper.services.supervision.config import HOW_TO_GET_ONE
from watchkeeper.services.supervision.contract_host import ContractSession
from watchkeeper.settings import Settings

mcp = typer.Typer(no_args_is_help=True, help="Serve agents that people start themselves, over MCP and stdio.")


@mcp.command()
def contract(
    patience: Annotated[
        float,
        typer.Option(
            min=1.0,
            max=3600.0,
            help="Seconds that one call may take: less than your client waits for a tool.",
        ),
    ] = PATIENT.call_seconds,
) -> None:
    """Serve the contract's tools for the job that was claimed: of WATCHKEEPER_JOB_ID, else the latest claim here."""
    from watchkeeper.interfaces.mcp.stdio import Surroundings, serve_contract  # half a second, for this alone

    settings = Settings.read()
    around = environment.read(os.environ)
    if around.token is None:
        raise Unauthenticated(
            "an agent needs its token, and WATCHKEEPER_TOKEN is not set", hint=HOW_TO_GET_ONE
        )
    claimed = _Claimed(around, around.token)
    _serve(
        serve_contract(
            Surroundings(
                url=Server(around.url).url,
                token=around.token,
                session=claimed.session,
                deliver=claimed.deliver,
                patience=Patience(patience),
                limit_bytes=settings.artifact_limit_bytes,
            )
        )
    )


@mcp.command()
def operate(project: Project = None) -> None:
    """Serve a person's own agent: it reads what the person may read, and suggests; it never decides or acts."""
    from watchkeeper.interfaces.mcp.stdio import serve_operate  # half a second, for this alone

    settings = Settings.read()
    token, is_of_this_home = own_token(settings)
    if token is None:
        raise Unauthenticated(
            "there is no token: WATCHKEEPER_TOKEN is not set, and this home has none",
            hint="An owner makes one with 'watchkeeper token create --role viewer', or supervisor to suggest.",
        )
    if project is None and is_of_this_home:
        project = DEFAULT_PROJECT
    _serve(serve_operate(read_url(settings), token, project))


def _serve(serving: Coroutine[Any, Any, None]) -> None:
    # A read of standard input that waits cannot be called off, and nothing needs tidying: Ctrl-C just ends it all.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(serving)


class _Claimed:
    """The job that a worker holds, as the contract's commands keep it: lease, workspace, outbox."""

    def __init__(self, around: Environment, token: str) -> None:
        self._around = around
        self._token = token

    def session(self) -> tuple[ContractSession, str | None]:
        leases = None
        if self._around.home is not None:
            leases = LeaseStore(self._around.state, self._around.worker_id)
        job = self._around.job_id or (leases.latest() if leases else None)
        if job is None:
            raise UsageError(
                "there is no job: WATCHKEEPER_JOB_ID is not set, and no claim is kept here",
                hint="Tell the person to run 'watchkeeper claim' with the same WATCHKEEPER_HOME, then call again.",
            )
        lease = leases.token(job) if leases else None

        def keep(command: str, body: dict[str, Any]) -> None:
            self._keep(Entry("", command, job, lease, None if lease else self._token, body))

        return ContractSession(job, self._around.workspace or Path.cwd(), keep=keep), lease

    def deliver(self, tool: str) -> dict[str, Any]:
        """Deliver what waits, before a tool that does not itself end the job; give what to report of it."""
        if tool in TERMINAL or not waiting.anything_waits(self._around):
            return {}
        return waiting.deliver_before(tool, self._around, Server(self._around.url))[0]

    def _keep(self, entry: Entry) -> None:
        outbox = Outbox(self._around.state, self._around.worker_id)
        outbox.prepare()
        place = self._around.workspace or Path.cwd()
        artifacts = [
            {**one, "path": str(place / one["path"])} if "path" in one else one
            for one in entry.body.get("artifacts", ())
        ]
        body = entry.body | ({"artifacts": artifacts} if "artifacts" in entry.body else {})
        outbox.put(entry._replace(body=body), keep_files=True)
