"""The same tools over standard input and output, for agents that people start themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from anyio import to_thread
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.interfaces.mcp import contract, operate
from watchkeeper.interfaces.mcp.bounds import short
from watchkeeper.interfaces.mcp.desk import Desk
from watchkeeper.interfaces.mcp.fence import fenced
from watchkeeper.interfaces.mcp.holder import Holder, Means, Patience
from watchkeeper.interfaces.mcp.toolbox import Answered, Context, Tool, answered, described_error, server_of
from watchkeeper.services.supervision.contract_host import ContractSession
from watchkeeper.services.supervision.server_link import ServerLink, client_of_many

CONNECTIONS = 8


@dataclass(frozen=True)
class Surroundings:
    """What the contract's tools need of the process that serves them over stdio.

    `session` gives the session and its lease token, asked anew for each call, and raises WatchkeeperError where
    there is none. `deliver` delivers what waits in the outbox before a call, and gives what to report of that.
    """

    url: str
    token: str
    session: Callable[[], tuple[ContractSession, str | None]]
    deliver: Callable[[str], dict[str, Any]]
    limit_bytes: int
    patience: Patience


async def serve_contract(around: Surroundings) -> None:
    """Serve the contract's tools until standard input ends."""
    link = ServerLink(around.url, around.token, client=client_of_many(CONNECTIONS))

    async def call(context: Context, tool: Tool[Holder], given: Mapping[str, Any] | None) -> Answered:
        try:
            session, lease = await to_thread.run_sync(around.session)
        except WatchkeeperError as error:
            return Answered(described_error(error, contract.HINTS))
        waiting = await to_thread.run_sync(around.deliver, tool.name)
        means = Means(link, lease, around.limit_bytes, around.patience)
        done = await contract.call_contract(session, means, context, tool, given)
        return Answered(done.answer | {"outbox": waiting}) if waiting else done

    try:
        await _serve(server_of("watchkeeper", contract.INSTRUCTIONS, contract.TOOLS, call, short))
    finally:
        await link.close()


async def serve_operate(url: str, token: str, project: str | None) -> None:
    """Serve the tools of a person's own agent until standard input ends."""
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "watchkeeper-mcp"}
    async with httpx2.AsyncClient(headers=headers, timeout=30.0, trust_env=False) as http:
        desk = Desk(http, url, project)

        async def call(
            context: Context,  # noqa: ARG001 - there is one caller
            tool: Tool[Desk],
            given: Mapping[str, Any] | None,
        ) -> Answered:
            return await answered(tool, desk, given, operate.HINTS)

        await _serve(server_of("watchkeeper", operate.INSTRUCTIONS, operate.TOOLS, call, fenced))


async def _serve(server: Server[Any]) -> None:
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())
