"""How the client speaks HTTP: one request, sent until it is answered, once carried out; errors as exceptions."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2

from watchkeeper.client.errors import refusal, unreachable
from watchkeeper.domain.errors import UsageError

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
MOST_TRIES = 5
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
NOT_DONE = frozenset({429, 503})
"""Answers that say that nothing was carried out, and to come again."""

_HEADERS = {"idempotency_key": "Idempotency-Key", "if_match": "If-Match", "lease": "Watchkeeper-Lease"}
_QUERY = frozenset({"project", "dry_run"})

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API: where it is, which of what is said goes into the query, whether it takes a key."""

    method: str
    path: str
    query: tuple[str, ...] = ()
    takes_key: bool = False


class Connection:
    """One server, spoken to as one principal. Use it as a context manager, or call `close`.

    `project` is what all requests are about that name none; a token of one project needs none. `sleep` waits between
    the tries of a request.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        project: str | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._project = project
        self._sleep = sleep
        self._http = httpx2.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}", "User-Agent": "watchkeeper-client"},
            timeout=httpx2.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
            transport=transport,
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def json(
        self, operation: Operation, parts: Mapping[str, str], said: Mapping[str, Any], body: Any = None
    ) -> Any:
        """Give the answer as data; raise the error that the server names, or ServerUnreachable."""
        return _document(self._answer(self._request(operation, parts, said, body), operation))

    def content(self, operation: Operation, parts: Mapping[str, str], said: Mapping[str, Any]) -> bytes:
        """Give the answer's bytes as they are."""
        return self._answer(self._request(operation, parts, said, None), operation).content

    def upload(
        self, operation: Operation, parts: Mapping[str, str], said: Mapping[str, Any], files: Files
    ) -> Any:
        """Send files, each under its name; give the answer as data."""
        named = [("files", (name, content)) for name, content in files.items()]
        request = self._request(operation, parts, said, None, files=named)
        return _document(self._answer(request, operation))

    def events(self, operation: Operation, said: Mapping[str, Any]) -> Iterator[Any]:
        """Give each thing that a stream of server-sent events tells, until it ends or the caller leaves."""
        request = self._request(operation, {}, said, None)
        request.extensions["timeout"] = httpx2.Timeout(CONNECT_SECONDS, read=None).as_dict()
        response = self._send(request, stream=True)
        try:
            if not response.is_success:
                response.read()
                raise refusal(_read(response), response.status_code, self._url)
            for line in response.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))
        finally:
            response.close()

    def pages(
        self, operation: Operation, parts: Mapping[str, str], said: Mapping[str, Any], name: str
    ) -> Iterator[Any]:
        """Give the rows of a list to its end, page by page."""
        cursor = None
        while True:
            asked = said if cursor is None else {**said, "cursor": cursor}
            answer = self.json(operation, parts, asked)
            yield from answer[name]
            if (cursor := answer["next_cursor"]) is None:
                return

    def _request(
        self,
        operation: Operation,
        parts: Mapping[str, str],
        said: Mapping[str, Any],
        body: Any,
        files: Any = None,
    ) -> httpx2.Request:
        named = {"project": self._project} | {name: _plain(value) for name, value in said.items()}
        query = {name: named.pop(name) for name in (*operation.query, *_QUERY) if name in named}
        headers = {header: named.pop(name) for name, header in _HEADERS.items() if name in named}
        if operation.takes_key and "Idempotency-Key" not in headers:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        content = None
        if operation.method != "GET" and files is None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(named if body is None else body, default=_plain).encode()
        return self._http.build_request(
            operation.method,
            operation.path.format_map({name: _part(value) for name, value in parts.items()}),
            params={name: value for name, value in query.items() if value is not None},
            headers=headers,
            content=content,
            files=files,
        )

    def _answer(self, request: httpx2.Request, operation: Operation) -> httpx2.Response:
        may_repeat = operation.method == "GET" or operation.takes_key
        for tried in range(1, MOST_TRIES + 1):
            last = tried == MOST_TRIES
            try:
                response = self._send(request)
            except httpx2.ConnectError as error:
                if last:
                    raise unreachable(self._url, error) from error
            except httpx2.HTTPError as error:
                if last or not may_repeat:
                    raise unreachable(self._url, error) from error
            else:
                if response.is_success:
                    return response
                if last or response.status_code not in NOT_DONE:
                    raise refusal(_read(response), response.status_code, self._url)
                self._sleep(_wait(response, tried))
                continue
            self._sleep(_pause(tried))
        raise AssertionError("the last try has ended it")

    def _send(self, request: httpx2.Request, *, stream: bool = False) -> httpx2.Response:
        return self._http.send(request, stream=stream)


class Group:
    """The operations of one tag of the API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection


def _part(value: str) -> str:
    if not value or value in {".", ".."}:
        raise UsageError(f"{value!r} is no name")
    return quote(value, safe="")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def _read(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _document(response: httpx2.Response) -> Any:
    return {"ok": True} if not response.content else response.json()


def _wait(response: httpx2.Response, tried: int) -> float:
    said: str = response.headers.get("retry-after", "")
    return min(int(said), LONGEST_PAUSE_SECONDS) if said.isdigit() else _pause(tried)


def _pause(tried: int) -> float:
    """Give a pause that doubles, its length by chance, so that those who failed together do not return together."""
    return random.uniform(0.5, 1.0) * FIRST_PAUSE_SECONDS * (1 << (tried - 1))  # noqa: S311 - no secret
