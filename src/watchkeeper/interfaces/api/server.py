"""The server process: listens, says where, serves until it is told to stop, and lets what runs end well."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import cast
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from watchkeeper.domain.addresses import DEFAULT_PORT
from watchkeeper.domain.errors import SettingError
from watchkeeper.interfaces.api.state import ApiState
from watchkeeper.logs import log
from watchkeeper.settings import Settings

DRAIN_SECONDS = 25
"""How long requests under way may take after the signal: a little more than a completion is waited for."""

KEEP_ALIVE_SECONDS = 75
BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server listens."""

    socket: socket.socket
    url: str


async def run_server(
    api: FastAPI,
    host: str | None = None,
    port: int | None = None,
    *,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `<home>/url` holds the address meanwhile.

    Port 0 takes a free one. Raises SettingError where the address is taken, is none, or is open to others
    without being declared to stand behind a proxy.
    """
    settings = cast("ApiState", api.state.watchkeeper).app.settings
    listening = listen(settings, host or settings.host, _port(settings, port))
    server = _Server(api, settings, listening, on_listening)
    try:
        await server.serve([listening.socket])
    finally:
        listening.socket.close()
        server.forget_url()


def listen(settings: Settings, host: str, port: int) -> Listening:
    """Bind the address; raise SettingError with what to do about it."""
    if not settings.behind_proxy and not _is_loopback(host):
        raise SettingError(
            f"{host} can be reached from other machines, and this server speaks no TLS itself",
            hint="Listen on 127.0.0.1, or set WATCHKEEPER_BEHIND_PROXY=true behind a proxy that speaks TLS.",
        )
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingError(f"{host}:{port} is no address to listen on: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from None
    shown = f"[{host}]" if ":" in host else host
    return Listening(listener, f"http://{shown}:{listener.getsockname()[1]}")


def _port(settings: Settings, port: int | None) -> int:
    if port is not None:
        return port
    return DEFAULT_PORT if settings.port is None else settings.port


def _cannot_listen(host: str, port: int, error: OSError) -> SettingError:
    if error.errno == errno.EADDRINUSE:
        return SettingError(
            f"port {port} on {host} is taken by another program",
            hint="Stop that one, or set WATCHKEEPER_PORT to another port (0 takes a free one).",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return SettingError(f"this user may not listen on port {port}", hint="Use a port from 1024 on.")
    return SettingError(f"cannot listen on {host}:{port}: {error.strerror}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):  # a name: only localhost is known to stay here
        return ipaddress.ip_address(host).is_loopback
    return False


class _Server(uvicorn.Server):
    """Uvicorn that says where it listens, and lets waiting requests go when it is told to stop."""

    def __init__(
        self,
        api: FastAPI,
        settings: Settings,
        listening: Listening,
        on_listening: Callable[[str], None] | None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                api,
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                lifespan="on",
                proxy_headers=settings.behind_proxy,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=DRAIN_SECONDS,
                backlog=BACKLOG,
            )
        )
        self._state: ApiState = api.state.watchkeeper
        self._listening = listening
        self._on_listening = on_listening
        self._url_file = settings.home / "url"
        self._closing: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            raise SettingError("the server could not start; its log says why")
        if not _is_served(self._url_file, self._listening.url):
            write_url(self._url_file, self._listening.url)
        log("server_listening", url=self._listening.url)
        if self._on_listening is not None:
            self._on_listening(self._listening.url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Claims that wait and event streams would hold the server up until their clients go.
        await self._state.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT while serving; uvicorn would raise them again, before our caller tidies up."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {taken: signal.getsignal(taken) for taken in (signal.SIGTERM, signal.SIGINT)}
        for taken in before:
            loop.add_signal_handler(taken, self.handle_exit, taken, None)
        try:
            yield
        finally:
            for taken, handler in before.items():
                loop.remove_signal_handler(taken)
                signal.signal(taken, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        log("server_stopping", signal=signal.Signals(sig).name)
        super().handle_exit(sig, frame)

    def forget_url(self) -> None:
        """Remove the address, unless another server has put its own there."""
        with contextlib.suppress(OSError):  # a file that is gone, or a home that is, needs no removal
            if self._url_file.read_text(encoding="utf-8").strip() == self._listening.url:
                self._url_file.unlink()


def _is_served(path: Path, own: str) -> bool:
    """Say whether another living server has left its address: the first one of a home keeps its place."""
    with contextlib.suppress(OSError, ValueError):  # no address, or nobody there
        parts = urlsplit(path.read_text(encoding="utf-8").strip())
        if parts.geturl() != own and parts.hostname and parts.port:
            socket.create_connection((parts.hostname, parts.port), timeout=0.5).close()
            return True
    return False


def write_url(path: Path, url: str) -> None:
    """Write the address whole or not at all: readers may look at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".url-{os.getpid()}")
    unfinished.write_text(url + "\n", encoding="utf-8")
    unfinished.replace(path)
