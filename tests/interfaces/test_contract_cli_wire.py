"""The contract CLI on the wire: whole answers are read in every form, broken ones told, and nothing heavy
is imported.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from interfaces.contract_program import Program
from watchkeeper.domain.errors import ServerUnreachable
from watchkeeper.interfaces.cli.contract.server import Body, Patience, Server, Tokens

OK = b'{"ok": true}'
ASKED = Body.of_json({"a": 1})


@contextlib.contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[Server]:
    """A listener that treats one connection as `answer` says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(10)


def saying(*parts: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        asked = b""
        while not asked.endswith(b'{"a": 1}'):
            asked += connection.recv(65536)
        for part in parts:
            connection.sendall(part)

    return answer


@pytest.mark.parametrize(
    "parts",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", OK],
        [b"HTTP/1.0 200 OK\r\n\r\n", OK],
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"5;x=y\r\n",
            OK[:5],
            b"\r\n7\r\n",
            OK[5:],
            b"\r\n0\r\nT: 1\r\n\r\n",
        ],
        [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", OK],
    ],
    ids=["length", "until closed", "chunked", "after a hint"],
)
def test_answers_are_read_in_every_form(parts: list[bytes]) -> None:
    """An answer is whole whether its end is told by a length, by chunks or by the end of the connection."""
    with raw_server(saying(*parts)) as server:
        assert server.ask("/x", ASKED, Tokens(None)).ok


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\xff" * 50_000,
    ],
    ids=[
        "nothing",
        "head",
        "short",
        "no number",
        "huge",
        "no chunk",
        "short chunk",
        "headers",
        "ssh",
        "binary",
    ],
)
def test_broken_answers_are_told(said: bytes) -> None:
    """An answer that is cut or garbled counts as none: the server cannot be reached."""
    with raw_server(saying(said)) as server, pytest.raises(ServerUnreachable):
        server.ask("/x", ASKED, Tokens(None))


def test_a_silent_server_is_given_up() -> None:
    """A server that accepts and never answers is given up after the time that was granted."""
    over = threading.Event()
    with raw_server(lambda _: over.wait(10)) as server:
        with pytest.raises(ServerUnreachable, match="no answer came in time"):
            server.ask("/x", ASKED, Tokens(None), Patience(answer_seconds=0.05))
        over.set()


def test_an_early_answer_to_a_long_body_is_heard() -> None:
    """A refusal that comes before the whole body was read is told as that refusal."""

    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        body = b'{"ok": false, "error": {"code": "permission_denied", "message": "no", "hint": ""}}'
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    long = Body("application/octet-stream", 20_000_000, lambda: (b"x" * 100_000 for _ in range(200)))
    with raw_server(refuse) as server:
        assert server.ask("/x", long, Tokens(None)).code == "permission_denied"


def test_only_the_standard_library_is_imported(program: Program) -> None:
    """A contract command imports no third-party module, and none of the server's or the operators' side."""

    def imported_by(*command: str) -> set[str]:
        told = subprocess.run(
            [sys.executable, "-X", "importtime", *command],
            env=program.environ,
            capture_output=True,
            check=True,
        ).stderr.decode()
        return {
            line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")
        }

    imported = imported_by("-m", "watchkeeper", "claim")
    foreign = {
        name for name in imported if name.partition(".")[0] not in {*sys.stdlib_module_names, "watchkeeper"}
    }
    # What the interpreter's own site brings in is there before any program.
    assert foreign - imported_by("-c", "pass") == set()
    ours = {name for name in imported if name.startswith("watchkeeper.")}
    allowed = ("watchkeeper.interfaces.cli.contract", "watchkeeper.domain")
    packages = {"watchkeeper.interfaces", "watchkeeper.interfaces.cli"}
    assert {name for name in ours if not name.startswith(allowed)} == packages
    assert imported.isdisjoint(
        {"ssl", "asyncio", "argparse", "email", "http", "http.client", "tempfile", "logging"}
    )
