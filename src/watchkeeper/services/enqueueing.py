"""Adds jobs: checks and encodes what is asked for, a batch while the server writes the one before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.kinds import checked_kind_name
from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.domain.redaction import Redactor
from watchkeeper.storage import new_jobs as store
from watchkeeper.storage.database import Connection, Database, fetch
from watchkeeper.storage.new_jobs import Enqueued, NewJob, NewJobs

ENQUEUE_BATCH = 500
"""Rows a statement: few enough that one is encoded while the server works on the one before."""

_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), ensure_ascii=False)


@dataclass(slots=True)
class JobRequest:
    """A job as a caller asks for it. `priority` is higher for sooner; None takes the kind's.

    `reason` is kept in the audit trail.
    """

    kind: str
    payload: Any = None
    contract: Mapping[str, Any] | None = None
    priority: int | None = None
    run_at: datetime | None = None
    unique_key: str | None = None
    external_id: str | None = None
    deliverable_id: str | None = None
    reason: str | None = None


class Enqueuer:
    """Adds jobs to the projects of one database."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    async def enqueue(
        self,
        project_id: str,
        requests: Sequence[JobRequest],
        *,
        actor: str,
        connection: Connection | None = None,
        is_shadow: bool = False,
    ) -> list[Enqueued]:
        """Add jobs and give them in order; in the caller's transaction where a connection is given.

        Raises UsageError for a payload that is not JSON, or holds a secret where its kind refuses that, and Conflict
        for a foreign id that another kind or payload has. The installation's own project has no jobs: UsageError.
        """
        if project_id == SYSTEM_PROJECT:
            raise UsageError(f"{SYSTEM_PROJECT!r} is the installation's own project: it has no jobs")
        if connection is not None:
            # Without a transaction of the caller's, all of it is one of its own: a key must not stand without its job.
            async with connection.transaction() if connection.autocommit else nullcontext():
                return await self._enqueue(connection, project_id, requests, actor, is_shadow)
        runs = set(map(_run, requests)) if len(requests) <= ENQUEUE_BATCH else set()
        if len(runs) == 1 and not any(keyed for keyed, _ in runs):
            suspected: set[str] = set()
            batch = self._new_batch(list(requests), suspected)
            if not suspected:
                # One statement is a transaction of its own, and one trip: who waits for a wake-up waits less.
                async with self._database.statement() as own:
                    return await store.enqueue_batch(own, project_id, actor, batch, is_shadow=is_shadow)
        async with self._database.transaction() as own:
            return await self._enqueue(own, project_id, requests, actor, is_shadow)

    async def _enqueue(
        self,
        connection: Connection,
        project_id: str,
        requests: Sequence[JobRequest],
        actor: str,
        is_shadow: bool,
    ) -> list[Enqueued]:
        enqueued: list[Enqueued] = []
        suspected: set[str] = set()
        for (keyed, _), run in groupby(requests, key=_run):
            if keyed:
                enqueued += [
                    await store.enqueue_keyed(
                        connection, project_id, actor, self._new_job(request, suspected), is_shadow=is_shadow
                    )
                    for request in run
                ]
            else:
                batches = (self._new_batch(batch, suspected) for batch in _batches(run))
                enqueued += await store.enqueue(connection, project_id, actor, batches, is_shadow=is_shadow)
        await self._refuse_secrets(connection, project_id, suspected)
        return enqueued

    def _new_job(self, request: JobRequest, suspected: set[str]) -> NewJob:
        """Check and encode a job; add its kind to `suspected` where its payload seems to hold a secret."""
        payload = json_text({} if request.payload is None else request.payload, "payload")
        contract = None if request.contract is None else _contract_text(request.contract)
        for what in ("kind", "unique_key", "external_id", "deliverable_id"):
            self._redactor.refuse_in_name(f"'{what}'", getattr(request, what))
        self._redactor.refuse_in_name("'contract'", contract)
        if secret_suspected := self._redactor.suspects(payload):
            suspected.add(request.kind)
        return NewJob(
            checked_kind_name(request.kind),
            payload,
            contract,
            request.priority,
            request.run_at,
            request.unique_key,
            request.external_id,
            request.deliverable_id,
            secret_suspected,
            reason=self._redactor.kept_if_any(request.reason),
        )

    def _new_batch(self, requests: list[JobRequest], suspected: set[str]) -> NewJobs:
        """The same for a batch, as columns: one document and one search for all cost far less than one each."""
        payloads = json_text(
            [{} if request.payload is None else request.payload for request in requests], "payload"
        )
        contracts = [None if one.contract is None else _contract_text(one.contract) for one in requests]
        kinds = {request.kind for request in requests}
        names = [*kinds, *{one.deliverable_id or "" for one in requests}, *{one or "" for one in contracts}]
        if self._redactor.suspects(payloads) or self._redactor.suspects("\n".join(names)):
            return NewJobs.of([self._new_job(request, suspected) for request in requests])
        for kind in kinds:
            checked_kind_name(kind)
        return NewJobs(
            [request.kind for request in requests],
            payloads,
            contracts,
            [request.priority for request in requests],
            [request.run_at for request in requests],
            [request.deliverable_id for request in requests],
            [False],
            self._redactor.kept_if_any(requests[0].reason) if requests else None,
        )

    async def _refuse_secrets(self, connection: Connection, project_id: str, suspected: set[str]) -> None:
        if not suspected:
            return
        rows = await fetch(connection, "refusing_kinds", {"project_id": project_id})
        if refused := suspected & {row["kind"] for row in rows}:
            raise UsageError(
                f"the payload looks as if it held a secret, which kind {min(refused)!r} refuses",
                hint="Give the agent the secret in another way and put a reference into the payload.",
            )


def json_text(value: Any, what: str) -> str:
    """Write a value as JSON for the database; raise UsageError for what JSON or PostgreSQL cannot hold."""
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the {what} is not JSON: {error}") from error
    if "\\u0000" in text and "\x00" in _all_text(value):
        raise UsageError(
            f"the {what} holds a NUL character", hint="Send binary data as a file, or as base64."
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"the {what} is not valid Unicode text") from error
    return text


def _all_text(value: Any) -> str:
    match value:
        case str():
            return value
        case Mapping():
            return "".join(_all_text(part) for pair in value.items() for part in pair)
        case list() | tuple():
            return "".join(_all_text(part) for part in value)
    return ""


def _contract_text(contract: Mapping[str, Any]) -> str:
    return json_text(ResultContract.parse(contract).to_json(), "contract")


def _run(request: JobRequest) -> tuple[bool, str | None]:
    """Say what jobs share that are added together: whether they have keys, and why they are added."""
    return request.unique_key is not None or request.external_id is not None, request.reason


def _batches(requests: Iterable[JobRequest]) -> Iterator[list[JobRequest]]:
    rest = iter(requests)
    while batch := list(islice(rest, ENQUEUE_BATCH)):
        yield batch
