"""The server as operators' commands see it: HTTP with the owner's token, answers as data, errors as ours."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx2

from watchkeeper.client.errors import refusal, unreachable
from watchkeeper.domain.errors import SettingError, Unauthenticated, UsageError
from watchkeeper.interfaces.cli.contract.arguments import UNDELIVERABLE
from watchkeeper.interfaces.cli.local import own_token, read_url
from watchkeeper.settings import Settings

DEFAULT_PROJECT = "default"
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0


class Client:
    """One server, spoken to as one principal. Every act carries an idempotency key of its own."""

    def __init__(self, http: httpx2.Client, url: str, project: str | None) -> None:
        self._http = http
        self._url = url
        self._project = project

    def get(self, path: str, **query: Any) -> Any:
        """Read; raise the error that the server names, or ServerUnreachable."""
        return self._send("GET", path, query, None)

    def pages(self, path: str, name: str, **query: Any) -> list[Any]:
        """Read a list to its end, page by page."""
        rows: list[Any] = []
        cursor = None
        while True:
            answer = self.get(path, cursor=cursor, **query)
            rows += answer[name]
            # A server of before pages gives all at once and no cursor.
            cursor = answer.get("next_cursor")
            if cursor is None:
                return rows

    def act(self, method: str, path: str, body: Any = None, *, dry_run: bool = False, **query: Any) -> Any:
        """Change something, once, however often the request must be sent.

        In a dry run the server goes the same way and takes it back; one that knows no dry run refuses the request.
        """
        return self._send(method, path, {**query, **({"dry_run": "true"} if dry_run else {})}, body)

    def nothing(self, what: str) -> str:
        """Say that there are none of these, and where else they may be: who asks may think of another project."""
        if self._project is None:
            return f"no {what}"
        return f"no {what} in project {self._project!r}; 'watchkeeper projects list' names the others"

    def _send(self, method: str, path: str, query: Mapping[str, Any], body: Any) -> Any:
        wanted = {name: value for name, value in query.items() if value is not None}
        if self._project is not None:
            wanted.setdefault("project", self._project)
        headers = {} if method == "GET" else {"Idempotency-Key": str(uuid.uuid4())}
        try:
            response = self._http.request(method, path, params=wanted, json=body, headers=headers)
        except httpx2.HTTPError as error:
            raise unreachable(self._url, error) from error
        answer = _json(response)
        if response.is_success and answer is not None:
            return answer
        raise refusal(answer, response.status_code, self._url)


@contextmanager
def connected(project: str | None = None, *, whole: bool = False) -> Iterator[Client]:
    """Give a client for the server and token that this command was given, or that this home has.

    With `whole` the request is about all that the token sees, not about one project.

    Raises SettingError for a wrong setting, Unauthenticated where there is no token.
    """
    settings = Settings.read()
    if project is not None and UNDELIVERABLE.search(project):
        raise UsageError("the project's name is not UTF-8")
    token, is_of_this_home = own_token(settings)
    if token is None:
        raise Unauthenticated(
            f"there is no token: WATCHKEEPER_TOKEN is not set, and {settings.home / 'owner-token'} is not there",
            hint="Set WATCHKEEPER_TOKEN, or WATCHKEEPER_HOME to the home of a running 'watchkeeper up'.",
        )
    if project is None and is_of_this_home and not whole:
        project = DEFAULT_PROJECT
    url = read_url(settings)
    timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "watchkeeper-cli"}
    try:
        http = httpx2.Client(base_url=url, headers=headers, timeout=timeout, trust_env=False)
    except (httpx2.InvalidURL, ValueError) as error:
        raise SettingError(f"the server's address {url!r} is not one: {error}") from error
    with http:
        yield Client(http, url, project)


def part(name: str) -> str:
    """Quote a name as one part of a path."""
    if not name or name in {".", ".."}:
        raise UsageError(f"{name!r} is no name")
    return quote(name, safe="")


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
