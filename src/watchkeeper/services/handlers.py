"""What a Python handler is: the `@job` decorator, and the context that a handler gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.kinds import KindDeclaration


class JobServices(Protocol):
    """What a context needs from the worker that runs it."""

    async def progress(self, job: ClaimedJob, message: str, phase: str, payload: Any) -> None: ...

    async def upload(self, job: ClaimedJob, name: str, content: bytes | Path, kind: str | None) -> str: ...


@dataclass(slots=True)
class JobContext:
    """A handler's view of its job: what to do, and how to say that it moves.

    `cancel_requested` turns true when a person asked for the job's end; a handler that sees it returns early, and the
    job is cancelled. One that never looks runs to its end, and the job is completed.
    `requested` is what repairs ask of who holds the job, as of the last renewal: `repair`, `action`, `job`, `due_at`.
    """

    job: ClaimedJob
    _services: JobServices = field(repr=False)
    summary: str | None = None
    requested: Sequence[Mapping[str, Any]] = field(default=(), init=False, repr=False)
    _asked_to_cancel: bool = field(default=False, init=False, repr=False)
    _told_to_cancel: bool = field(default=False, init=False, repr=False)

    @property
    def cancel_requested(self) -> bool:
        self._told_to_cancel = self._asked_to_cancel
        return self._asked_to_cancel

    def ask_to_cancel(self) -> None:
        self._asked_to_cancel = True

    @property
    def gave_up(self) -> bool:
        """Whether the handler knows that it was to stop."""
        return self._told_to_cancel

    @property
    def payload(self) -> Any:
        return self.job.payload

    async def progress(self, message: str, phase: str = "progress", payload: Any = None) -> None:
        """Record that the job moves, and renew its lease.

        Raises StaleLease when the lease is lost: stop then, another worker may hold the job.
        """
        await self._services.progress(self.job, message, phase, payload)

    async def upload(self, name: str, content: bytes | Path, *, kind: str | None = None) -> str:
        """Store an artifact of this job and give its id; the first openable one becomes the primary.

        `kind` is one of the artifact kinds; None guesses it from the name. Raises StaleLease as `progress` does.
        """
        return await self._services.upload(self.job, name, content, kind)


HandlerFunction = Callable[[JobContext], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Handler:
    """An async function with the declaration of the kind of jobs that it does."""

    kind: KindDeclaration
    function: HandlerFunction

    async def __call__(self, context: JobContext) -> Any:
        return await self.function(context)


def job(kind: str, **declaration: Any) -> Callable[[HandlerFunction], Handler]:
    """Mark an async function as the handler of a kind; keywords are the kind's declaration.

    Raises InvalidContract or UsageError at import time for a declaration that is not valid.
    """
    declared = KindDeclaration.parse({"name": kind, **declaration})

    def decorate(function: HandlerFunction) -> Handler:
        return Handler(declared, function)

    return decorate


def handlers_by_kind(handlers: Iterable[Handler]) -> Mapping[str, Handler]:
    """Index handlers; raise UsageError where two claim one kind, or what was given is no handler."""
    found: dict[str, Handler] = {}
    for handler in handlers:
        if not isinstance(handler, Handler):
            raise UsageError(f"{handler!r} is not a handler", hint='Mark the function with @job("kind").')
        if handler.kind.name in found:
            raise UsageError(f"two handlers are marked as kind {handler.kind.name!r}")
        found[handler.kind.name] = handler
    return found
