"""The console's routes: each reads a request, asks for a view, and answers with a page."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from watchkeeper.app.whole import App
from watchkeeper.domain.errors import (
    HTTP_STATUS,
    PermissionDenied,
    RateLimited,
    StaleLease,
    Unauthenticated,
    UsageError,
    WatchkeeperError,
)
from watchkeeper.domain.principals import Principal, Right
from watchkeeper.interfaces.console import login, views, words
from watchkeeper.interfaces.console.assets import Assets
from watchkeeper.interfaces.console.i18n import LANGUAGES, choose, load_all
from watchkeeper.interfaces.console.rendering import HEADERS, Renderer, Visit, address
from watchkeeper.services.failed_logins import FailedLogins, source_of
from watchkeeper.services.login_links import ConsoleSession
from watchkeeper.services.refusals import Refusal

Handler = Callable[[Visit], Awaitable[Response]]
MAX_FORM_BYTES = 8192

FOR_READERS = {"/": "overview", "/jobs": "jobs", "/jobs/{job}": "job"}
"""Pages that need a session of somebody who may read."""

FOR_ALL = {
    ("GET", "/login"): "login_form",
    ("POST", "/login"): "log_in",
    ("POST", "/logout"): "log_out",
    ("GET", "/language"): "change_language",
}
"""The door: open to all; what it is sent must come from a page of ours."""

ASSETS = "/static/{name}"


class Console:
    """The pages of one installation."""

    def __init__(self, app: App, failed_logins: FailedLogins) -> None:
        self._insights = app.insights
        self._identity = app.identity
        self._redactor = app.redactor
        self._logins = app.login_links
        self._failed = failed_logins
        self._refusals = app.refusals
        self._languages = load_all()
        self._assets = Assets()
        self._renderer = Renderer(self._languages, self._assets)

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        for path, name in FOR_READERS.items():
            router.add_route(path, self._for_readers(getattr(self, name)), ["GET"])
        for (method, path), name in FOR_ALL.items():
            router.add_route(path, self._for_all(getattr(self, name)), [method])
        router.add_route(ASSETS, self._assets.serve, ["GET"])
        return router

    async def overview(self, visit: Visit) -> Response:
        scope = await self._scope(visit)
        watch = await self._insights.watch()
        view = await views.overview(self._insights, scope)
        view |= {"scope": scope, "watch": watch, "still": await self._insights.standstill()}
        return self._page(visit, "overview.html", view, watch["now"])

    async def jobs(self, visit: Visit) -> Response:
        asked = visit.request.query_params
        filters = {
            "state": asked.get("state") or None,
            "kind": asked.get("kind") or None,
            "before": _cursor(asked.get("before")),
        }
        scope = await self._scope(visit)
        view = await views.jobs_page(self._insights, scope, filters)
        now = (await self._insights.watch())["now"]
        return self._page(visit, "jobs.html", view | {"scope": scope, "filters": filters}, now)

    async def job(self, visit: Visit) -> Response:
        scope = await self._scope(visit)
        view = await views.job_page(
            self._insights,
            self._redactor,
            scope,
            visit.request.path_params["job"],
            whole_timeline="all" in visit.request.query_params,
        )
        now = (await self._insights.watch())["now"]
        return self._page(visit, "job.html", view | {"scope": scope}, now)

    async def login_form(self, visit: Visit) -> Response:
        asked = visit.request.query_params
        view = {
            "code": asked.get("code", "")[: login.MAX_CREDENTIAL_CHARS],
            "next": login.own_path(asked.get("next")),
            "problem": None,
        }
        return self._login_page(visit, view, 200)

    async def log_in(self, visit: Visit) -> Response:
        """Consume a code or a token; a refused one shows the form again and says why."""
        request = visit.request
        login.demand_same_origin(request)
        form = await _form(request)
        following = login.own_path(form.get("next"))
        client = request.client.host if request.client else ""
        code = form.get("code", "").strip()
        try:
            async with self._failed.look(client):
                session = await self._session(code, form.get("token", "").strip())
        except (Unauthenticated, StaleLease, PermissionDenied) as error:
            self._refusals.note(Refusal.of_login(source_of(client), "console"))
            await self._failed.slow_down(client)
            problem = "role" if isinstance(error, PermissionDenied) else "code" if code else "token"
            return self._login_page(visit, {"code": "", "next": following, "problem": problem}, 401)
        response = login.go_to(following)
        login.set_session(response, request, session)
        return response

    async def _session(self, code: str, token: str) -> ConsoleSession:
        if code:
            return await self._logins.consume_code(code)
        return await login.login_by_token(self._identity, self._logins, token)

    async def log_out(self, visit: Visit) -> Response:
        login.demand_same_origin(visit.request)
        if secret := visit.request.cookies.get(login.SESSION_COOKIE):
            await self._logins.end_session(secret)
        response = login.go_to("/login")
        response.headers["Clear-Site-Data"] = '"cache"'
        login.clear_session(response, visit.request)
        return response

    async def change_language(self, visit: Visit) -> Response:
        asked = visit.request.query_params
        response = login.go_to(login.own_path(asked.get("next")))
        if (code := asked.get("to")) in LANGUAGES:
            login.set_language(response, visit.request, str(code))
        return response

    def _for_readers(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Let in who has a session and may read; others are asked to log in."""

        async def guarded(visit: Visit) -> Response:
            try:
                principal = await login.who(visit.request, self._logins)
            except Unauthenticated:
                return self._ask_to_log_in(visit)
            known = Visit(visit.request, visit.language, principal)
            try:
                principal.demand(Right.READ)
                return await handler(known)
            except WatchkeeperError as error:
                return self._problem(known, error)

        return self._for_all(guarded)

    def _for_all(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Choose the language, and answer an error with a page that says what to do."""

        async def endpoint(request: Request) -> Response:
            code = choose(request.cookies, request.headers.get("accept-language"))
            visit = Visit(request, self._languages[code])
            try:
                return await handler(visit)
            except WatchkeeperError as error:
                return self._problem(visit, error)

        return endpoint

    def _ask_to_log_in(self, visit: Visit) -> Response:
        if visit.wants_fragment:
            return Response("Log in again.\n", 401, HEADERS, "text/plain")
        if visit.request.headers.get("sec-fetch-site") == "cross-site":
            # A link from a chat brings no SameSite=Strict cookie along; the page asks once more by itself.
            return self._page(visit, "again.html", {}, datetime.now(UTC))
        return login.go_to(address("/login", {"next": visit.here if visit.here != "/" else None}))

    def _login_page(self, visit: Visit, view: dict[str, Any], status: int) -> Response:
        response = self._page(visit, "login.html", view, datetime.now(UTC), status)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _problem(self, visit: Visit, error: WatchkeeperError) -> Response:
        title, advice = words.error_words(error.code)
        view = {"title": title, "advice": advice, "code": error.code}
        response = self._page(visit, "error.html", view, datetime.now(UTC), HTTP_STATUS.get(error.code, 500))
        if isinstance(error, RateLimited):
            response.headers["Retry-After"] = str(max(1, math.ceil(error.details.get("retry_after", 1))))
        return response

    def _page(
        self, visit: Visit, template: str, view: dict[str, Any], now: datetime, status: int = 200
    ) -> Response:
        return self._renderer.page(visit, template, view, now=now, status=status)

    async def _scope(self, visit: Visit) -> views.Scope:
        asked = visit.request.query_params.get("project") or None
        return await views.scope_of(self._insights, _known(visit), asked)


def create_console(app: App, failed_logins: FailedLogins) -> APIRouter:
    """Give the console's routes, to be mounted at the root of a server; asks nothing of the database yet.

    `failed_logins` are the API's of the same server: who guesses at one door waits at the other.
    """
    return Console(app, failed_logins).router()


def session_reader(app: App) -> Callable[[Request], Awaitable[Principal]]:
    """Give what finds out who visits by the console's cookie, for other routes that browsers read."""
    return partial(login.who, logins=app.login_links)


def _known(visit: Visit) -> Principal:
    if visit.principal is None:
        raise Unauthenticated
    return visit.principal


def _cursor(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise UsageError("the cursor is not a job's id") from None


async def _form(request: Request) -> dict[str, str]:
    """Read a small form; raise UsageError for a large one or one with files."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise UsageError("a form is expected")
    if int(request.headers.get("content-length") or MAX_FORM_BYTES + 1) > MAX_FORM_BYTES:
        raise UsageError("the form is too large")
    async with request.form(max_files=0, max_fields=10) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}
