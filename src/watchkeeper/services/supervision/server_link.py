"""The supervisor's way to the server: JSON over HTTP, with every answer sorted into taken, refused and unreachable."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx2

from watchkeeper.domain.errors import ServerUnreachable, WatchkeeperError

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
STORE_SECONDS = 180.0
"""How long the store may take to hash and sync what it was sent."""

NOT_THERE = frozenset({502, 503, 504})
NOT_ABOUT_THE_JOB = frozenset({401, 403, 408, 425, 429})
"""Refusals that may pass: a token is renewed, a rate falls."""

Json = dict[str, Any]
Upload = tuple[str, BinaryIO]


class Refused(WatchkeeperError):
    """The server refused."""

    def __init__(
        self, status: int, code: str, message: str, details: Mapping[str, Any], hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.details = dict(details)
        self.status = status
        self.refusal = code

    @property
    def definite(self) -> bool:
        """Say whether the same request will be refused for ever."""
        return 400 <= self.status < 500 and self.status not in NOT_ABOUT_THE_JOB

    @property
    def stale(self) -> bool:
        """Say whether the lease is over, or the job is gone with all that it had."""
        return self.refusal in {"stale_lease", "job_not_found"}

    @property
    def failed_checks(self) -> str:
        """Name the checks that failed, in one line; "" where none are named."""
        failed = self.details.get("failed")
        return one_line(failed if isinstance(failed, list) else [])


class ServerLink:
    """The calls of a supervisor, or of the agent that a job token is for; a job token needs no `lease` token.

    Each raises ServerUnreachable or Refused.
    """

    def __init__(self, url: str, token: str, *, client: httpx2.AsyncClient | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = client or client_of_many()
        self._bearer = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def as_holder(self, token: str) -> ServerLink:
        """Give the same way to the server for another token; it closes with this one."""
        return ServerLink(self._url, token, client=self._client)

    async def close(self) -> None:
        await self._client.aclose()

    async def post(self, command: str, body: Json, answer_seconds: float = ANSWER_SECONDS) -> Json:
        """Call a command that comes before a job: register, claim."""
        return await self._send("POST", f"/api/worker/{command}", body, None, answer_seconds)

    async def on_job(
        self, job: str, command: str, body: Json, lease: str | None, answer_seconds: float = ANSWER_SECONDS
    ) -> Json:
        """Call a command on a job that is held."""
        return await self._send("POST", job_path(job, command), body, lease, answer_seconds)

    async def context(self, job: str, lease: str | None) -> Json:
        return await self._send("GET", job_path(job, "context"), None, lease, ANSWER_SECONDS)

    async def upload(self, job: str, files: Sequence[Upload], lease: str | None) -> list[Json]:
        """Send files, as (name, open file), in one request that reads them piece by piece."""
        try:
            response = await self._client.post(
                self._url + job_path(job, "files"),
                files=[("files", (name, file, "application/octet-stream")) for name, file in files],
                headers=self._bearer | headers_of(None, lease),
                timeout=timeouts(STORE_SECONDS),
            )
        except httpx2.HTTPError as error:
            raise unreachable(self._url, error) from error
        stored = understand(response).get("artifacts")
        return stored if isinstance(stored, list) else []

    async def record(
        self, path: str, body: Json | Sequence[Json], answer_seconds: float, lease: str | None = None
    ) -> Json:
        """Report what happened outside of the server's own queue; a repeat with the same ids is kept once."""
        return await self._send("POST", path, body, lease, answer_seconds)

    async def _send(
        self,
        method: str,
        path: str,
        body: Json | Sequence[Json] | None,
        lease: str | None,
        answer_seconds: float,
    ) -> Json:
        try:
            response = await self._client.request(
                method,
                self._url + path,
                content=None if body is None else json.dumps(body).encode(),
                headers=self._bearer | headers_of(body, lease),
                timeout=timeouts(answer_seconds),
            )
        except httpx2.HTTPError as error:
            raise unreachable(self._url, error) from error
        return understand(response)


def client_of_many(most_connections: int = 64) -> httpx2.AsyncClient:
    """Make the connections that links of one event loop share."""
    return httpx2.AsyncClient(
        timeout=timeouts(ANSWER_SECONDS),
        # Proxy variables are not read: a proxy must not see lease tokens.
        trust_env=False,
        limits=httpx2.Limits(max_connections=most_connections, max_keepalive_connections=8),
    )


def one_line(checks: Sequence[Any]) -> str:
    """Name failed checks with what is wrong, in one line."""
    return "; ".join(
        f"{check.get('check')}: {check.get('detail') or check.get('message') or ''}".rstrip(": ")
        for check in checks
        if isinstance(check, dict)
    )


def timeouts(answer_seconds: float) -> httpx2.Timeout:
    return httpx2.Timeout(answer_seconds, connect=min(CONNECT_SECONDS, answer_seconds))


def job_path(job: str, command: str) -> str:
    return f"/api/worker/jobs/{quote(job, safe='')}/{command}"


def headers_of(body: Json | Sequence[Json] | None, lease: str | None) -> dict[str, str]:
    headers = {} if body is None else {"Content-Type": "application/json"}
    return headers if lease is None else headers | {"Watchkeeper-Lease": lease}


def unreachable(url: str, error: Exception) -> ServerUnreachable:
    return ServerUnreachable(f"the server at {url} cannot be reached: {str(error) or type(error).__name__}")


def understand(response: httpx2.Response) -> Json:
    """Give a good answer's object; raise Refused, or ServerUnreachable for what is no answer of a server."""
    if response.status_code in NOT_THERE:
        raise ServerUnreachable(f"the server or its database is away: status {response.status_code}")
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ServerUnreachable(
            f"what answers is not Watchkeeper: status {response.status_code} without JSON"
        )
    if response.status_code < 400 and answer.get("ok") is True:
        return answer | {"status_code": response.status_code}
    given = answer.get("error")
    error: Json = given if isinstance(given, dict) else {}
    details = error.get("details")
    raise Refused(
        response.status_code,
        str(error.get("code") or "internal_error"),
        str(error.get("message") or f"the server answered with status {response.status_code}"),
        details if isinstance(details, dict) else {},
        hint if isinstance(hint := error.get("hint"), str) else None,
    )
