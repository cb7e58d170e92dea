"""LINE, Telegram and Slack as we meet them: requests signed as theirs are, and their APIs on this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Post:
    """A request as a platform sends it."""

    body: bytes
    headers: dict[str, str]


@dataclass
class Answered:
    """One call of a platform's API."""

    path: str
    document: dict[str, Any]
    bearer: str | None


def line(secret: str, *events: dict[str, Any]) -> Post:
    body = json.dumps({"destination": "Ubot", "events": list(events)}, ensure_ascii=False).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return Post(body, {"X-Line-Signature": base64.b64encode(digest).decode(), "Content-Type": JSON})


def telegram(secret: str, update: dict[str, Any]) -> Post:
    body = json.dumps({"update_id": uuid4().int % 10**9, **update}, ensure_ascii=False).encode()
    return Post(body, {"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": JSON})


def slack(secret: str, at: float, *, payload: Any = None, form: Any = None, event: Any = None) -> Post:
    """Sign a pressed button (`payload`), a slash command (`form`) or an event, at a time."""
    if event is not None:
        body, kind = json.dumps(event).encode(), JSON
    else:
        told = form if payload is None else {"payload": json.dumps(payload)}
        body, kind = urlencode(told).encode(), FORM
    stamp = str(int(at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return Post(
        body,
        {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}", "Content-Type": kind},
    )


def line_event(
    kind: str, account: str | None = "U1", *, group: str | None = None, **more: Any
) -> dict[str, Any]:
    source = {"type": "user", "userId": account}
    if group is not None:
        source = {"type": "group", "groupId": group, "userId": account}
    told = {"type": kind, "webhookEventId": uuid4().hex, "timestamp": 1, "mode": "active", "source": source}
    return {**told, "replyToken": uuid4().hex, "deliveryContext": {"isRedelivery": False}, **more}


def line_text(text: str, account: str | None = "U1", *, group: str | None = None) -> dict[str, Any]:
    return line_event("message", account, group=group, message={"type": "text", "id": "1", "text": text})


def line_press(token: str, account: str | None = "U1", *, group: str | None = None) -> dict[str, Any]:
    return line_event("postback", account, group=group, postback={"data": token})


def telegram_text(text: str, account: int = 7, chat: int = 7) -> dict[str, Any]:
    kind = "private" if chat > 0 else "group"
    sender = {"id": account, "first_name": "Lin", "username": "lin"}
    return {"message": {"message_id": 5, "from": sender, "chat": {"id": chat, "type": kind}, "text": text}}


def telegram_press(token: str, account: int = 7, chat: int = -9) -> dict[str, Any]:
    message = {"message_id": 31, "chat": {"id": chat, "type": "group", "title": "Ops"}}
    sender = {"id": account, "first_name": "Lin"}
    return {"callback_query": {"id": uuid4().hex, "from": sender, "message": message, "data": token}}


def slack_press(token: str, url: str, account: str = "U7") -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": account, "username": "lin"},
        "channel": {"id": "C1", "name": "ops"},
        "container": {"message_ts": "17.1"},
        "trigger_id": uuid4().hex,
        "response_url": url,
        "actions": [{"action_id": "watchkeeper:0", "value": token, "action_ts": "17.2"}],
    }


@dataclass
class Apis:
    """The platforms' APIs on this machine: keeps what was called, answers that all is well."""

    url: str
    calls: list[Answered] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [_text(call.document) for call in self.calls]

    @property
    def last(self) -> str:
        return self.texts[-1]

    @property
    def token(self) -> str:
        """The token of the button that stands under the last answer."""
        found = _tokens(self.calls[-1].document)
        return found[-1]


def _text(document: dict[str, Any]) -> str:
    if "messages" in document:
        told = document["messages"][0]
        return str(told.get("text") or told["template"]["text"])
    return str(document["text"])


def _tokens(document: Any) -> list[str]:
    if isinstance(document, list):
        return [token for part in document for token in _tokens(part)]
    if not isinstance(document, dict):
        return []
    own = [str(document[name]) for name in ("data", "callback_data", "value") if name in document]
    return own + [token for part in document.values() for token in _tokens(part)]


@contextmanager
def platform_apis() -> Iterator[Apis]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            apis.calls.append(Answered(self.path, document, self.headers.get("Authorization")))
            status = apis.statuses.pop(0) if apis.statuses else 200
            body = b'{"ok": true, "ts": "17.1", "channel": "C1", "result": {"message_id": 31}}'
            self.send_response(status)
            self.send_header("Content-Type", JSON)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    apis = Apis(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield apis
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
