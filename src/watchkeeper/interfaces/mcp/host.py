"""The contract's MCP server of a worker: streamable HTTP on loopback, in a thread and an event loop of its own.

No state is kept between calls but who may call, so that a restarted worker on the same port is the same server.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.lowlevel.server import Server

from watchkeeper.interfaces.mcp.bounds import short
from watchkeeper.interfaces.mcp.contract import INSTRUCTIONS, TOOLS, call_contract
from watchkeeper.interfaces.mcp.door import SESSION, SLOW_SECONDS, Door, Guest, Guests
from watchkeeper.interfaces.mcp.holder import Holder, Means, Patience
from watchkeeper.interfaces.mcp.toolbox import Answered, Context, Tool, server_of
from watchkeeper.logs import log
from watchkeeper.services.supervision.contract_host import ContractSession
from watchkeeper.services.supervision.server_link import ServerLink, client_of_many

LOOPBACK = "127.0.0.1"
PATH = "/mcp"
PORT_FILE = "mcp-port"
BODY_LIMIT_BYTES = 4 * 1024 * 1024
START_SECONDS = 30.0
DRAIN_SECONDS = 2
FILE_THREADS = 16
MOST_CONNECTIONS = 1000

SUPERVISED = Patience(call_seconds=300.0)
"""Agents that we start ourselves are told to wait longer for a tool than this (agents/codex.py, agents/claude.py)."""


class ContractHost:
    """See services/supervision/contract_host.ContractHost. `url` is the Watchkeeper server's.

    `patience` is for one tool call: less than the agents' clients wait. `slow_seconds` is how long a refusal takes.
    """

    def __init__(
        self,
        url: str,
        limit_bytes: int,
        *,
        patience: Patience = SUPERVISED,
        slow_seconds: float = SLOW_SECONDS,
    ) -> None:
        self._url = url
        self._limit = limit_bytes
        self._patience = patience
        self._slow = slow_seconds
        self._guests = Guests()
        self._address = ""
        self._adopted: dict[Path, str] = {}
        self._thread: threading.Thread | None = None
        self._server: _Server | None = None

    @property
    def address(self) -> str:
        return self._address

    def address_at(self, place: Path) -> str:
        return self._adopted.get(place, self._address)

    def start(self, place: Path, adopted: Sequence[Path] = ()) -> None:
        listeners = [listen(one / PORT_FILE) for one in (place, *adopted)]
        self._address, *others = (_url(listener) for listener in listeners)
        self._adopted = dict(zip(adopted, others, strict=True))
        listening = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(listeners, listening), name="contract tools", daemon=True
        )
        self._thread.start()
        listening.wait(START_SECONDS)
        if self._server is None or not self._server.started:
            raise OSError("the server of the contract's tools did not begin to serve")
        for url in (self._address, *others):
            log("mcp_listening", url=url)

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None and self._server is not None:
            self._server.should_exit = True
            thread.join()

    def register(self, token: str, session: ContractSession) -> None:
        self._guests.add(token, session)

    def forget(self, token: str) -> None:
        self._guests.remove(token)

    def _run(self, listeners: list[socket.socket], listening: threading.Event) -> None:
        try:
            asyncio.run(self._serve(listeners, listening))
        finally:
            for listener in listeners:
                listener.close()
            listening.set()

    async def _serve(self, listeners: list[socket.socket], listening: threading.Event) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(FILE_THREADS, "contract files"))
        link = ServerLink(self._url, "none", client=client_of_many(MOST_CONNECTIONS))
        app = self._tools(link).streamable_http_app(
            streamable_http_path=PATH,
            stateless_http=True,
            max_request_body_size=BODY_LIMIT_BYTES,
            host=LOOPBACK,
        )
        self._server = _Server(Door(app, self._guests, self._slow), listening)
        try:
            await self._server.serve(listeners)
        finally:
            await link.close()

    def _tools(self, link: ServerLink) -> Server[Any]:
        return server_of("watchkeeper", INSTRUCTIONS, TOOLS, lambda *call: self._call(link, *call), short)

    async def _call(
        self, link: ServerLink, context: Context, tool: Tool[Holder], given: Mapping[str, Any] | None
    ) -> Answered:
        guest = guest_of(context)
        means = Means(link.as_holder(guest.token), None, self._limit, self._patience)
        return await call_contract(guest.session, means, context, tool, given)


def guest_of(context: Context) -> Guest:
    """Give who calls, whom the door has let in."""
    guest = None if context.request is None else context.request.scope.get(SESSION)
    if not isinstance(guest, Guest):
        raise RuntimeError("a call came past the door")  # noqa: TRY004 - a fault of ours, not of a type
    return guest


def listen(remembered: Path) -> socket.socket:
    """Listen where a former server of this place did, or at a free port, which is noted for the next one.

    Raises OSError where there is none.
    """
    former = _noted(remembered)
    if former:
        try:
            return _bound(former)
        except OSError as error:
            log("mcp_port_taken", port=former, detail=error.strerror)
    listener = _bound(0)
    unfinished = remembered.with_name(f".{remembered.name}")
    unfinished.write_text(f"{listener.getsockname()[1]}\n")
    unfinished.replace(remembered)
    return listener


def _url(listener: socket.socket) -> str:
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}{PATH}"


def _noted(remembered: Path) -> int:
    try:
        port = int(remembered.read_text())
    except (FileNotFoundError, ValueError):
        return 0
    return port if 1024 <= port < 65536 else 0


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    """Uvicorn in a thread: it says when it serves, and leaves the process's signals alone."""

    def __init__(self, app: Door, listening: threading.Event) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                lifespan="on",
                proxy_headers=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
