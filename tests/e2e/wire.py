"""A wire to the test's PostgreSQL that can be cut, or fall silent as one does whose other end has no power."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Wire:
    """Forwards a UNIX socket of its own in `directory` to the database at `url`; its own `url` leads through it."""

    def __init__(self, url: str, directory: Path) -> None:
        given = conninfo_to_dict(url)
        name = f".s.PGSQL.{given['port']}"
        self._target = str(Path(str(given["host"])) / name)
        self._listener = socket.socket(socket.AF_UNIX)
        self._path = directory / name
        self._silent = threading.Event()
        self._ends: list[socket.socket] = []
        self.url = make_conninfo(url, host=str(directory))

    def __enter__(self) -> Self:
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        self._path.unlink(missing_ok=True)
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):  # ended by itself
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def fall_silent(self) -> None:
        """Pass nothing on any more; connections stay, and new ones are taken and never answered."""
        self._silent.set()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            self._ends += [near, far]
            threading.Thread(target=self._forward, args=(near, far), daemon=True).start()

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):  # cut
            while not self._silent.is_set():
                for ready in select.select([near, far], [], [], 0.05)[0]:
                    data = ready.recv(65536)
                    if not data:
                        near.close()
                        far.close()
                        return
                    if not self._silent.is_set():
                        (far if ready is near else near).sendall(data)
