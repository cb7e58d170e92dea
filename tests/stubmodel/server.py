"""The stand-in's server: one for any number of agents, each with the address of its own script."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from stubmodel import messages, responses
from stubmodel.script import Fault, Script, Step

SOONEST_SECONDS = 0.01


@dataclass(frozen=True)
class Asked:
    """One request of an agent: which step it was answered with, and whether a fault befell it."""

    step: int
    fault: bool


class StubModel:
    """Serves scripts on loopback until it is closed.

    `asked` tells what was asked of each; `admits`, where it is set, says which Authorization is good.
    """

    def __init__(self, port: int = 0) -> None:
        self.scripts: dict[str, Script] = {}
        self.asked: dict[str, list[Asked]] = {}
        self.leaving = threading.Event()
        self.admits: Callable[[str], bool] | None = None
        self._numbers = itertools.count(1)
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.model = self
        self._thread = threading.Thread(target=self._server.serve_forever, name="stub model", daemon=True)
        self._thread.start()

    def serve(self, script: Script) -> str:
        """Serve a script; give its address, under which both dialects are spoken."""
        name = f"script-{next(self._numbers)}"
        self.scripts[name], self.asked[name] = script, []
        return f"http://127.0.0.1:{self._server.server_address[1]}/{name}"

    def asked_of(self, address: str) -> list[Asked]:
        return self.asked[address.rsplit("/", 1)[-1]]

    def answer_number(self) -> int:
        return next(self._numbers)

    def close(self) -> None:
        self.leaving.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    model: StubModel

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An agent that goes away in the middle of an answer is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name for it
        """Nobody reads along."""

    def do_GET(self) -> None:
        self._plain(
            200 if self.path.endswith("/models") else 404, {"object": "list", "data": [], "models": []}
        )

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        path = self.path.partition("?")[0]
        name = path.strip("/").partition("/")[0]
        script = self.server.model.scripts.get(name)
        admits = self.server.model.admits
        if admits is not None and not admits(self.headers.get("Authorization", "")):
            self._plain(401, {"error": {"code": "token_expired", "message": "the token has run out"}})
        elif path.endswith("/count_tokens"):
            self._plain(200, {"input_tokens": len(json.dumps(body)) // 4})
        elif script is not None and path.endswith("/responses"):
            number, running = responses.step_of(body)
            answer = f"r{self.server.model.answer_number()}"
            fault = self._fault(name, script, number)
            events = responses.events_of(script.step(number), body, answer, running)
            if fault.refusal is not None:
                events = responses.refusal_of(answer, fault.refusal)
            self._answer(events, fault)
        elif script is not None and path.endswith("/messages"):
            side = not body.get("tools")
            number = messages.step_of(body)
            step: Step = "A title." if side else script.step(number)
            fault = Fault() if side else self._fault(name, script, number)
            self._answer(messages.events_of(step, body, f"m{self.server.model.answer_number()}"), fault)
        else:
            self._plain(404, {"error": {"message": f"nothing is served at {path}"}})

    def _fault(self, name: str, script: Script, number: int) -> Fault:
        asked = self.server.model.asked[name]
        befallen = script.fault is not None and script.fault.befalls(
            number, 1 + sum(one.fault for one in asked)
        )
        asked.append(Asked(number, befallen))
        return script.fault if script.fault is not None and befallen else Fault()

    def _plain(self, status: int, told: Any, headers: Any = None) -> None:
        data = json.dumps(told).encode()
        self.send_response(status)
        for header, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _answer(self, events: Iterator[tuple[str, Any]], fault: Fault) -> None:
        if fault.status is not None:
            error = {"type": fault.code, "code": fault.code, "message": fault.message, **fault.more}
            self._plain(fault.status, {"type": "error", "error": error}, fault.headers)
        elif fault.hang:
            self._hang()
        else:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self._stream(events, fault)

    def _stream(self, events: Iterator[tuple[str, Any]], fault: Fault) -> None:
        while fault.keepalive is not None and not self.server.model.leaving.wait(fault.keepalive):
            self._write(b": keep-alive\n\n")
        for number, (kind, told) in enumerate(events):
            if number == fault.cut_after:
                return self.connection.shutdown(socket.SHUT_RDWR)
            if number == fault.hang_after:
                return self._hang()
            data = json.dumps({**told, "type": kind, "sequence_number": number})
            chunk = f"event: {kind}\ndata: {data}\n\n".encode()
            if fault.drip is None:
                self._write(chunk)
                continue
            for byte in chunk:
                self._write(bytes([byte]))
                if self.server.model.leaving.wait(fault.drip):
                    return None
        return None

    def _write(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def _hang(self) -> None:
        """Say nothing until the agent goes away, or the server does."""
        self.close_connection = True
        self.connection.settimeout(0.2)
        while not self.server.model.leaving.is_set():
            try:
                if not self.connection.recv(4096):
                    return
            except TimeoutError:
                continue
