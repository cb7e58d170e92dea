"""A door between a worker and the server that can be shut: connections are cut, and new ones refused."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Door:
    """Forwards TCP to the server at `url` while it is open; `url` of the door is for the worker."""

    def __init__(self, url: str) -> None:
        self.lead_to(url)
        self._listener: socket.socket | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shut()

    def lead_to(self, url: str) -> None:
        """Lead to another server from the next connection on."""
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 80))

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port), reuse_port=False)
        self._start(self._accept, self._listener)

    def shut(self) -> None:
        """Cut every connection and refuse new ones; returns when it is done."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):  # the other side was faster
                    end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._pairs.clear()
        self._threads.clear()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target)
            except ConnectionRefusedError:
                near.close()
                continue
            self._pairs.append((near, far))
            self._start(self._forward, near, far)

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        with near, far:
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    other = far if ready is near else near
                    try:
                        data = ready.recv(65536)
                        if not data:
                            return
                        other.sendall(data)
                    except OSError:
                        return
