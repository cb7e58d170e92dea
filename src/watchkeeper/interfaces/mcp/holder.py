"""One session's calls to the server: patient while it is away, no longer than the client of a tool waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from watchkeeper.agents.artifacts import Produced, ProducedFile, produced
from watchkeeper.domain.errors import ServerUnreachable, UsageError, WatchkeeperError
from watchkeeper.logs import log
from watchkeeper.services.supervision.contract_host import ContractSession
from watchkeeper.services.supervision.results import Results
from watchkeeper.services.supervision.server_link import Json, Refused, ServerLink

T = TypeVar("T")

STILL_CHECKING = 202
TELL_SECONDS = 5.0
"""How often a call that goes on says so."""

CHECK_SECONDS = 660.0
"""How long a request may stay unanswered: a little more than the gate's longest check."""

SETTLED_BY_WAITING = frozenset({"rate_limited"})


class Queued(WatchkeeperError):
    """The end of the job is on its way."""

    code = "queued"
    hint = "Nothing is lost. Call it again with the same arguments to learn the end, or end your turn."


class Patience(NamedTuple):
    """How long one call may take, and the pause between two tries, in seconds.

    The shortest default of a client for a tool is a minute (Codex). `keep_seconds`: how long a server may be away until
    an end of the job is kept, where that can be done, and the agent let go.
    """

    call_seconds: float = 45.0
    pause_seconds: float = 2.0
    keep_seconds: float = 30.0


PATIENT = Patience()


@dataclass(frozen=True)
class Means:
    """With what to ask the server: the link of a token, a lease token where the token is a worker's own.

    `limit_bytes` is the size of the largest file.
    """

    link: ServerLink
    lease: str | None
    limit_bytes: int
    patience: Patience = PATIENT


class Holder:
    """Who holds a job, for one tool call. `tell` says in words that the call goes on."""

    def __init__(
        self, session: ContractSession, means: Means, tell: Callable[[float, str], Awaitable[None]]
    ) -> None:
        self._session = session
        self._means = means
        self._link = means.link
        self._tell = tell
        self._began = time.monotonic()
        self._may_be_kept = False
        self.artifacts = 0

    async def get_context(self) -> Json:
        return _told(await self._patiently(lambda: self._link.context(self._session.job, self._means.lease)))

    async def post(self, command: str, body: Json) -> Json:
        """Call a command until it is answered. Raises what the server refuses, ServerUnreachable in the end."""
        return _told(await self._patiently(lambda: self._send(command, body)))

    async def verify(self, body: Json) -> Json:
        """Ask for a check; raise Queued where it takes longer than the client waits."""
        try:
            async with asyncio.timeout(self._left()):
                return await self.post("verify", body)
        except TimeoutError:
            text = "the check takes longer than this call may"
            raise Queued(
                text, hint="Call verify again in a while, or call complete: it follows the check."
            ) from None

    async def find(self, entry: Json) -> Produced:
        """Find the files that an artifact's path means, without following links. Raises ArtifactRefused."""
        if self._session.workspace is None:
            raise UsageError(
                "this session has no workspace to take files from",
                hint="Set WATCHKEEPER_WORKSPACE for the MCP server, or name results by url.",
            )
        return await asyncio.to_thread(produced, self._session.workspace, entry, self._means.limit_bytes)

    async def upload(self, files: Sequence[ProducedFile]) -> list[Json]:
        """Store files of the workspace; give what the store says of each."""
        _check_names(files)
        workspace = self._workspace
        stored = await self._patiently(lambda: self._results().upload(workspace, files, []))
        self.artifacts += len(stored)
        return stored

    async def complete(self, summary: str, artifacts: Sequence[Json]) -> Json:
        """Upload what is named by path, and complete. Raises Queued while the end is not known yet."""
        found = [await self.find(entry) if "path" in entry else Produced(entry) for entry in artifacts]
        self.artifacts += len(found)
        self._may_be_kept = self._session.keep is not None
        try:
            claimed = await self._claimed(found)
        except ServerUnreachable as error:
            body = {"summary": summary, "artifacts": list(artifacts)}
            raise await self._kept("complete", body, error) from error
        return await self.end("complete", {"summary": summary, "artifacts": claimed})

    async def end(self, command: str, body: Json) -> Json:
        """Tell the end of the job, following its check; raises Queued where it is kept or still being checked."""
        self._may_be_kept = self._session.keep is not None
        try:
            while True:
                answer = await self._patiently(lambda: self._send(command, body))
                if answer["status_code"] != STILL_CHECKING:
                    return _told(answer)
                if not await self._wait("the gate is checking the results"):
                    raise Queued("the gate is still checking the results")
        except ServerUnreachable as error:
            raise await self._kept(command, body, error) from error

    async def _claimed(self, found: Sequence[Produced]) -> list[Json]:
        if not any(one.files for one in found):
            return [one.entry for one in found]
        results, workspace = self._results(), self._workspace
        stored = await self._patiently(results.stored)
        return [await self._patiently(partial(results.claimed, workspace, one, stored)) for one in found]

    async def _kept(self, command: str, body: Json, error: ServerUnreachable) -> WatchkeeperError:
        """Keep an end that cannot be told now, if that can be done, and give what the agent is told."""
        if self._session.keep is None:
            return error
        try:
            await asyncio.to_thread(self._session.keep, command, body)
        except (OSError, WatchkeeperError) as problem:
            log("end_not_kept", job=self._session.job, detail=str(problem))
            return error
        return Queued(
            f"the server is away; '{command}' is kept and will be delivered when it is back",
            hint="End your turn; there is nothing left for you to do.",
        )

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Repeat a call while the server is away or asks to wait, as long as the client may wait."""
        away_since: float | None = None
        while True:
            try:
                return await self._spoken_of(call)
            except ServerUnreachable:
                away_since = time.monotonic() if away_since is None else away_since
                away = time.monotonic() - away_since
                is_kept = self._may_be_kept and away >= self._means.patience.keep_seconds
                if is_kept or not await self._wait("the server is away; trying again"):
                    raise
            except Refused as refused:
                if refused.refusal not in SETTLED_BY_WAITING or not await self._wait(
                    "asked too often; waiting"
                ):
                    raise

    async def _spoken_of(self, call: Callable[[], Awaitable[T]]) -> T:
        """Await a call, telling now and then that it goes on."""
        task = asyncio.ensure_future(call())
        try:
            while not (await asyncio.wait([task], timeout=TELL_SECONDS))[0]:
                await self._tell(time.monotonic() - self._began, "waiting for the server")
            return task.result()
        finally:
            task.cancel()

    async def _wait(self, why: str) -> bool:
        """Pause before another try; False where the client's patience would not last."""
        pause = self._means.patience.pause_seconds
        if self._left() < pause:
            return False
        await self._tell(time.monotonic() - self._began, why)
        await asyncio.sleep(pause)
        return True

    def _left(self) -> float:
        return self._began + self._means.patience.call_seconds - time.monotonic()

    async def _send(self, command: str, body: Json) -> Json:
        return await self._link.on_job(self._session.job, command, body, self._means.lease, CHECK_SECONDS)

    def _results(self) -> Results:
        return Results(self._link, {"id": self._session.job}, self._means.lease, self._means.limit_bytes)

    @property
    def _workspace(self) -> Path:
        if self._session.workspace is None:
            raise UsageError("this session has no workspace")
        return self._session.workspace


def _told(answer: Json) -> Json:
    return {name: value for name, value in answer.items() if name not in {"ok", "status_code"}}


def _check_names(files: Sequence[ProducedFile]) -> None:
    seen: dict[str, str] = {}
    for file in files:
        if seen.setdefault(file.name, file.path) != file.path:
            text = f"two files would be named {file.name!r}: {seen[file.name]} and {file.path}"
            raise UsageError(text, hint="Upload them in separate calls of their directory, or rename one.")
