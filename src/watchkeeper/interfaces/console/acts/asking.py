"""Asking the API from inside: the same route, in the same process, in the name of who visits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.types import Message

from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.login import ACTING

_KEPT_HEADERS = frozenset({b"cookie", b"host", b"user-agent"})
_KEPT = ("asgi", "http_version", "scheme", "server", "client")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the route answered."""

    status: int
    body: dict[str, Any]

    @property
    def is_done(self) -> bool:
        return self.status < 400

    @property
    def code(self) -> str:
        return str(self.body.get("code", "internal_error"))

    @property
    def detail(self) -> str:
        return str(self.body.get("detail", ""))


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a route. `project` is named by who sees several; `key` makes it happen once."""

    target: Mapping[str, str]
    body: Mapping[str, Any]
    reason: str
    project: str | None = None
    key: str = ""
    is_rehearsal: bool = False


async def ask(request: Request, act: Act, asked: Asked) -> Answer:
    """Ask the act's route, and give what it answers; an error is an answer, too."""
    path, sent_path = act.path(asked.target)
    query = {"project": asked.project} if asked.project else {}
    body = dict(asked.body)
    if act.reason == "body":
        body["reason"] = asked.reason
    elif act.reason == "query":
        query["reason"] = asked.reason
    if asked.is_rehearsal:
        query["dry_run"] = "true"
    content = b"" if act.method == "DELETE" else json.dumps(body).encode()
    scope = {
        **{name: request.scope[name] for name in _KEPT if name in request.scope},
        "type": "http",
        "method": act.method,
        "root_path": "",
        "path": path,
        "raw_path": sent_path.encode(),
        "query_string": urlencode(query).encode(),
        "headers": _headers(request, content, asked.key),
        ACTING: True,
    }
    return await _answered(request, scope, content)


def _headers(request: Request, content: bytes, key: str) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in request.headers.raw if name in _KEPT_HEADERS]
    if key:
        kept.append((b"idempotency-key", key.encode("ascii", "replace")))
    if content:
        kept.append((b"content-type", b"application/json"))
    return [*kept, (b"content-length", str(len(content)).encode())]


async def _answered(request: Request, scope: dict[str, Any], content: bytes) -> Answer:
    status, pieces = 500, [b""]

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            pieces.append(message.get("body", b""))

    await request.app(scope, receive, send)
    return Answer(status, json.loads(b"".join(pieces)))
