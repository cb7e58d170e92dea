"""LINE, Telegram and Slack as they answer, on this machine: they check what comes, and fail as they are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

TOKEN = "s3cr3t-t0ken"
BOT = "4711:s3cr3t-t0ken"
LINE_USER = "U" + "0" * 31 + "1"


@dataclass(frozen=True)
class Said:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    document: dict[str, Any]

    @property
    def method(self) -> str:
        return self.path.partition("/message/")[2] or self.path.rpartition("/")[2]


@dataclass
class Refusal:
    """An answer that comes instead of the usual one. `status` 0 answers nothing until the end."""

    status: int
    document: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class ChatServer(ThreadingHTTPServer):
    """All three APIs; `refusals` come first, one for each request that sends something."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.said: list[Said] = []
        self.refusals: list[Refusal] = []
        self.line_keys: set[str] = set()
        self.line_used = 10
        self.line_limit: int | None = None
        self.over = Event()
        self.lock = Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def sent(self, *methods: str) -> list[Said]:
        return [one for one in self.said if one.method in methods]


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_GET(self) -> None:
        self._take({})

    def do_POST(self) -> None:
        self._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _take(self, document: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        said = Said(self.path, headers, document)
        with self.server.lock:
            self.server.said.append(said)
            is_sending = said.method in (
                "push",
                "sendMessage",
                "editMessageText",
                "chat.postMessage",
                "chat.update",
            )
            refusal = self.server.refusals.pop(0) if is_sending and self.server.refusals else None
        if refusal is None:
            refusal = self._usual(said)
        elif refusal.status == 0:
            if "x-line-retry-key" in headers:
                self.server.line_keys.add(headers["x-line-retry-key"])
            self.server.over.wait(30)
            return
        self._answer(refusal)

    def _usual(self, said: Said) -> Refusal:
        if said.path.startswith("/v2/bot/"):
            return self._line(said)
        if said.path.startswith("/bot"):
            return self._telegram(said)
        return self._slack(said)

    def _line(self, said: Said) -> Refusal:
        if said.headers.get("authorization") != f"Bearer {TOKEN}":
            return Refusal(401, {"message": "Authentication failed"})
        if said.path.endswith("/quota"):
            limit = self.server.line_limit
            return Refusal(200, {"type": "none"} if limit is None else {"type": "limited", "value": limit})
        if said.path.endswith("/consumption"):
            return Refusal(200, {"totalUsage": self.server.line_used})
        if problem := line_problem(said.document["messages"]):
            return Refusal(
                400,
                {
                    "message": "A message (messages[0]) in the request body is invalid",
                    "details": [{"message": problem}],
                },
            )
        if said.path.endswith("/validate/push"):
            return Refusal(200, {})
        key = said.headers["x-line-retry-key"]
        if key in self.server.line_keys:
            told = {"x-line-accepted-request-id": "first", "x-line-request-id": "second"}
            return Refusal(
                409, {"message": "The retry key is already accepted", "sentMessages": [{"id": "1"}]}, told
            )
        self.server.line_keys.add(key)
        return Refusal(
            200, {"sentMessages": [{"id": "1", "quoteToken": "q"}]}, {"x-line-request-id": "first"}
        )

    def _telegram(self, said: Said) -> Refusal:
        if not said.path.startswith(f"/bot{BOT}/"):
            return Refusal(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        if said.method == "getChat":
            return Refusal(200, {"ok": True, "result": {"id": 5}})
        problem = html_problem(said.document["text"]) if said.document.get("parse_mode") == "HTML" else None
        if problem:
            return Refusal(400, {"ok": False, "description": f"Bad Request: can't parse entities: {problem}"})
        number = len(self.server.sent("sendMessage"))
        return Refusal(200, {"ok": True, "result": {"message_id": number, "chat": {"id": 5}}})

    def _slack(self, said: Said) -> Refusal:
        if said.headers.get("authorization") != f"Bearer {TOKEN}":
            return Refusal(200, {"ok": False, "error": "invalid_auth"})
        if any(
            len(block["text"]["text"]) > 3000 for block in said.document.get("blocks", []) if "text" in block
        ):
            return Refusal(200, {"ok": False, "error": "invalid_blocks"})
        number = len(self.server.sent("chat.postMessage"))
        return Refusal(200, {"ok": True, "ts": f"17.{number:06}", "channel": "C1"})

    def _answer(self, answer: Refusal) -> None:
        body = json.dumps(answer.document).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def line_problem(messages: list[dict[str, Any]]) -> str | None:
    """Look at what LINE looks at: kinds, sizes, no empty text."""
    (message,) = messages
    if message["type"] == "text":
        return None if 0 < len(message["text"]) <= 5000 else "text"
    if not 0 < len(message["altText"]) <= 1500 or len(json.dumps(message["contents"]).encode()) > 30_000:
        return "size"
    body = message["contents"]["body"]["contents"]
    if not all(one["text"].strip() for one in body):
        return "May not be empty"
    for button in message["contents"].get("footer", {}).get("contents", []):
        action = button["action"]
        if not 0 < len(action["label"]) <= 40 or len(action.get("data", "")) > 300:
            return "action"
    return None


def html_problem(text: str) -> str | None:
    """Look at what Telegram looks at: known marks, balanced, and at most 4,096 units behind them."""
    reader = _Reader()
    reader.feed(text)
    if reader.open or reader.problem:
        return reader.problem or f"<{reader.open[-1]}> is not closed"
    return "message is too long" if len("".join(reader.text).encode("utf-16-le")) // 2 > 4096 else None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text: list[str] = []
        self.problem: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("b", "i", "a", "code", "pre"):
            self.problem = f"unsupported start tag {tag}"
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problem = f"unexpected end tag {tag}"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@contextmanager
def chatting() -> Iterator[ChatServer]:
    server = ChatServer()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()
