"""The shapes of our routes: guarded, contract commands (recorded), acts (carried out once per key)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from watchkeeper.domain.errors import EXIT_CODE, PermissionDenied, UsageError, WatchkeeperError
from watchkeeper.domain.leases import hash_secret
from watchkeeper.domain.principals import SYSTEM_PROJECT, Principal, Right
from watchkeeper.domain.suggestions import did_you_mean, shown
from watchkeeper.interfaces.api.answers import as_json
from watchkeeper.interfaces.api.auth import Access, admit
from watchkeeper.interfaces.api.bodies import StrictRequest, read_document
from watchkeeper.interfaces.api.errors import refusal, understood
from watchkeeper.interfaces.api.state import state_of
from watchkeeper.interfaces.api.versions import MATCH_HEADER, matching, tagged, wanted
from watchkeeper.interfaces.api.vetting import said_secrets, vet_query, vetted
from watchkeeper.logs import log
from watchkeeper.services.helper_events import HelperEvent
from watchkeeper.services.idempotency import Answer, KeyedRequest, without_secrets
from watchkeeper.services.refusals import Refusal

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Inner = Callable[[Request], Awaitable[Response]]

RIGHTS_KEY = "x-rights"
COMMAND_KEY = "x-command"
FILES_KEY = "x-files"
JOB_TOKEN_KEY = "x-job-token"  # noqa: S105 - the name of a fact
VERSION_KEY = "x-version-of"
KEY_HEADER = "Idempotency-Key"
PROJECT = "project"
DRY_RUN = "dry_run"


class GuardedRoute(APIRoute):
    """Lets in who may, reads the body strictly, and answers every error as a problem.

    The rights stand in `openapi_extra` (see documents.py); a route without rights is closed to all.
    """

    asked_of_all = frozenset({PROJECT})
    """Query parameters that the route takes beside those of its handler."""

    def fact(self, name: str) -> Any:
        return (self.openapi_extra or {}).get(name)

    def get_route_handler(self) -> Handler:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            response = await answered(request)
            if (allowance := getattr(request.state, "allowance", None)) is not None:
                response.headers.update(allowance.headers())
            return response

        async def answered(request: Request) -> Response:
            try:
                rights = tuple(Right(name) for name in self.fact(RIGHTS_KEY))
                in_job = self.path.startswith("/api/worker/jobs/")
                access = await admit(
                    request, rights, in_job=in_job, beside_job=bool(self.fact(JOB_TOKEN_KEY))
                )
                return await self.serve(request, access, inner)
            except Exception as error:  # noqa: BLE001 - whatever it was, the caller gets an answer
                self._note(request, error)
                return refusal(error, request)

        return handle

    def _note(self, request: Request, error: Exception) -> None:
        """Let the audit trail know of an act or a read that was refused to somebody who is known."""
        asking: Principal | None = getattr(request.state, "principal", None)
        if asking is None or not isinstance(error, PermissionDenied):
            return
        act = f"{request.method} {self.path_format}"
        project = asking.project_id or SYSTEM_PROJECT
        state_of(request).app.refusals.note(Refusal("act_refused", project, asking.actor, act))

    async def serve(self, request: Request, access: Access, inner: Inner) -> Response:
        """Carry the request out; subclasses put something around it."""
        prepared = await self.prepared(request, access)
        if (what := self.fact(VERSION_KEY)) is not None:
            return await tagged(what, prepared, access, inner)
        return await inner(prepared)

    async def prepared(self, request: Request, access: Access) -> Request:
        """Check the address and read the body."""
        _refuse_garbled(request)
        vet_query(request, access.app.redactor)
        self._refuse_unknown_query(request)
        if request.method not in ("GET", "HEAD") and not self.fact(FILES_KEY):
            request = await read_document(request, access.app.settings.body_limit_bytes)
            if self.fact(COMMAND_KEY) is not None and "{job" in self.path:
                request.state.secrets = said_secrets(request.document, access.app.redactor)
            request.document = vetted(request.document, access.app.redactor)
        request.state.access = access
        return request

    def _refuse_unknown_query(self, request: Request) -> None:
        known = {*self.asked_of_all, *_query_names(self.dependant)}
        for name in request.query_params:
            if name not in known:
                raise UsageError(f"unknown query parameter {shown(name)}; {did_you_mean(name, known)}")


class ActRoute(GuardedRoute):
    """An act of an operator: needs an Idempotency-Key, and is carried out once per key.

    With `dry_run=true` it goes the same way, is taken back at the end, and needs no key.
    """

    needs_key = True
    asked_of_all = frozenset({PROJECT, DRY_RUN})

    async def serve(self, request: Request, access: Access, inner: Inner) -> Response:
        if _is_dry_run(request):
            access = replace(access, dry_run=True)
            prepared = await self.prepared(request, access)
            return await _rehearse(self._matched(prepared, access, inner), prepared, access)
        prepared = await self.prepared(request, access)
        inner = self._matched(prepared, access, inner)
        if (key := request.headers.get(KEY_HEADER)) is None:
            if not self.needs_key:
                return await inner(prepared)
            raise UsageError(
                f"this needs the header {KEY_HEADER}",
                hint="Send a new random value with each act, and the same one when you repeat it.",
            )
        asked = _keyed(self, prepared, access, key)
        replied = await access.app.idempotency.once(asked, lambda: _answer(inner, prepared))
        return _replied(replied)

    def _matched(self, request: Request, access: Access, inner: Inner) -> Inner:
        """Give the act as it is, or, where the request names a version, one that demands it first."""
        if (tags := wanted(request)) is None:
            return inner
        if (what := self.fact(VERSION_KEY)) is None:
            raise UsageError(f"this takes no {MATCH_HEADER}: what it changes has no version")
        return matching(what, tags, access, inner)


class KeyedRoute(ActRoute):
    """The same where a key may be left out."""

    needs_key = False


class ContractRoute(GuardedRoute):
    """A contract command: kept as a helper event; a key may be sent, though leases make most repeats safe."""

    async def serve(self, request: Request, access: Access, inner: Inner) -> Response:
        document: Any = None
        try:
            prepared = await self.prepared(request, access)
            document = prepared.document if isinstance(prepared, StrictRequest) else None
            response = await self._once(prepared, access, inner)
        except Exception as error:  # noqa: BLE001 - kept, and answered, like any other outcome
            self._note(request, error)
            known = understood(error)
            response = refusal(known, request)
            await _record(self, request, access, document, response, EXIT_CODE.get(known.code, 5))
            return response
        if response.status_code != 202:
            await _record(self, request, access, document, response, 0)
        return response

    async def _once(self, request: Request, access: Access, inner: Inner) -> Response:
        key = request.headers.get(KEY_HEADER)
        if key is None or "{job" not in self.path or not isinstance(request, StrictRequest):
            return await inner(request)
        asked = _keyed(self, request, access, key)
        return _replied(await access.app.idempotency.once_apart(asked, lambda: _answer(inner, request)))


def _is_dry_run(request: Request) -> bool:
    asked = request.query_params.getlist(DRY_RUN) or ["false"]
    if len(asked) > 1 or asked[0] not in ("true", "false"):
        raise UsageError(f"{DRY_RUN} is true or false")
    return asked[0] == "true"


async def _rehearse(inner: Inner, request: Request, access: Access) -> Response:
    async with access.app.database.rehearsed():
        answer = await _answer(inner, request)
    # What it would make is not there, and a token of it opens nothing.
    body, _ = without_secrets(answer.body)
    return as_json({**body, "dry_run": True}, answer.status)


def _query_names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    for needed in dependant.dependencies:
        yield from _query_names(needed)


def _refuse_garbled(request: Request) -> None:
    try:
        # The server has put U+FFFD in the place of what is not UTF-8: that is another name than the one sent.
        unquote_to_bytes(request.scope.get("raw_path") or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(
            "the address is not UTF-8", hint="Encode each part as UTF-8, then percent-encode it."
        ) from None
    if "\0" in request.url.path or "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise UsageError("the address holds a NUL character")


def _keyed(route: APIRoute, request: Request, access: Access, key: str) -> KeyedRequest:
    content = request.document if isinstance(request, StrictRequest) else None
    query = sorted(request.query_params.multi_items())
    said = [request.method, request.scope["path"], query, content, request.headers.get("watchkeeper-lease")]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    access.app.redactor.refuse_in_name(f"the {KEY_HEADER}", key)
    return KeyedRequest(
        access.principal.project_id or SYSTEM_PROJECT,
        access.principal.id,
        f"{request.method} {route.path_format}",
        key.strip(),
        hashlib.sha256(text.encode()).digest(),
    )


async def _answer(inner: Inner, request: Request) -> Answer:
    response = await inner(request)
    return Answer(response.status_code, json.loads(bytes(response.body)), final=response.status_code != 202)


def _replied(answer: Answer) -> Response:
    headers = {"Idempotency-Replayed": "true"} if answer.replayed else {}
    return as_json(answer.body, answer.status, headers)


async def _record(
    route: GuardedRoute, request: Request, access: Access, document: Any, response: Response, exit_code: int
) -> None:
    """Keep the command as a helper event; a failure to do so is logged and changes nothing."""
    command = route.fact(COMMAND_KEY)
    principal = access.principal
    project = principal.project_id or request.query_params.get(PROJECT)
    if command is None or project is None:
        return
    answer = cast("dict[str, Any]", json.loads(bytes(response.body)))
    job: str | None = request.path_params.get("job")
    said = document.get("worker_id") if job is None and isinstance(document, dict) else None
    epoch, _, secret = request.headers.get("watchkeeper-lease", "").partition(".")
    event = HelperEvent(
        command,
        exit_code if answer["ok"] or exit_code else EXIT_CODE["conflict"],
        answer,
        worker_id=said[:200] if isinstance(said, str) else None,
        job=job,
        epoch=principal.job_epoch or (int(epoch) if epoch.isdigit() and len(epoch) < 10 else None),
        token_hash=hash_secret(secret),
        bound_to=principal.job_seq,
        secrets=getattr(request.state, "secrets", ()),
    )
    try:
        await access.app.helper_events.record(project, event)
    except WatchkeeperError as error:
        log("helper_event_lost", command=command, code=error.code, detail=error.message)
