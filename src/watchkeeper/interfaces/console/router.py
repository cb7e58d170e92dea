"""The console's routes: who may, in which language, and one page for each way in which a page can fail."""

from __future__ import annotations

import math
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from watchkeeper.app.whole import App
from watchkeeper.domain.errors import HTTP_STATUS, NotFound, RateLimited, Unauthenticated, WatchkeeperError
from watchkeeper.domain.principals import Principal
from watchkeeper.interfaces.console import login, words
from watchkeeper.interfaces.console.acts.desk import ActDesk
from watchkeeper.interfaces.console.assets import Assets
from watchkeeper.interfaces.console.door import Door
from watchkeeper.interfaces.console.families import ACTS, PAGES
from watchkeeper.interfaces.console.ground import Ground, Page, View
from watchkeeper.interfaces.console.headers import HEADERS
from watchkeeper.interfaces.console.i18n import choose, load_all
from watchkeeper.interfaces.console.navigation import Navigation
from watchkeeper.interfaces.console.rendering import Renderer
from watchkeeper.interfaces.console.visit import Visit, address
from watchkeeper.logs import log
from watchkeeper.services.failed_logins import FailedLogins

Answering = Callable[[Visit], Awaitable[View | Response]]
Endpoint = Callable[[Request], Awaitable[Response]]

TRACEBACK_FRAMES = 30
ASSETS = "/static/{name}"
NOT_FOR_BROWSERS = ("/api/", "/events", "/healthz", "/readyz", "/metrics", "/openapi.json")
"""Addresses of programs: what is not there is told them as a problem, never as a page."""


class Console:
    """The pages of one installation."""

    def __init__(self, app: App, failed_logins: FailedLogins) -> None:
        self._ground = Ground(app)
        self._logins = app.login_links
        self._languages = load_all()
        self._assets = Assets()
        self._renderer = Renderer(
            self._languages, self._assets, Navigation(page.path for page in PAGES), ACTS
        )
        self._door = Door(app, failed_logins)
        self._acts = ActDesk(self._ground, ACTS)

    def routes(self) -> list[tuple[str, str, Endpoint]]:
        """Give method, path and endpoint of everything that the console answers, its files apart."""
        door = [(method, path, self._for_all(answer)) for method, path, answer in self._door.routes()]
        pages = [("GET", page.path, self._page(page)) for page in PAGES]
        acts = [(method, path, self._for_known(answer)) for method, path, answer in self._acts.routes()]
        return [*door, *acts, *pages]

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        for method, path, endpoint in self.routes():
            router.add_route(path, endpoint, [method])
        router.add_route(ASSETS, self._assets.serve, ["GET"])
        return router

    async def nothing_here(self, request: Request) -> Response:
        """Answer a browser that asks for an address that nobody has."""

        async def missing(_: Visit) -> View | Response:
            raise NotFound

        return await self._for_known(missing)(request)

    def _page(self, page: Page) -> Endpoint:
        async def answer(visit: Visit) -> View | Response:
            if not page.is_open:
                visit.known.demand(page.right)
            return await page.handler(self._ground, visit)

        return self._for_all(answer) if page.is_open else self._for_known(answer)

    def _for_known(self, answer: Answering) -> Endpoint:
        """Let in who has a session; others are asked to log in."""

        async def guarded(visit: Visit) -> View | Response:
            try:
                principal = await login.who(visit.request, self._logins)
            except Unauthenticated:
                return await self._ask_to_log_in(visit)
            known = visit.by(principal)
            try:
                return await self._shown(known, await answer(known))
            except WatchkeeperError as error:
                return self._problem(known, error)

        return self._for_all(guarded)

    def _for_all(self, answer: Answering) -> Endpoint:
        """Choose the language, and answer an error with a page that says what to do."""

        async def endpoint(request: Request) -> Response:
            code = choose(request.cookies, request.headers.get("accept-language"))
            visit = Visit.of(request, self._languages[code])
            try:
                return await self._shown(visit, await answer(visit))
            except WatchkeeperError as error:
                return self._problem(visit, error)
            except Exception as error:  # noqa: BLE001 - a person gets a page, whatever it was; the log has it all
                trace = "".join(traceback.format_exception(error, limit=-TRACEBACK_FRAMES))
                log("internal_error", path=request.url.path, detail=str(error), traceback=trace)
                return self._problem(visit, WatchkeeperError())

        return endpoint

    async def _shown(self, visit: Visit, answer: View | Response) -> Response:
        if isinstance(answer, Response):
            return answer
        now = answer.now
        if now is None:
            now = datetime.now(UTC) if visit.principal is None else await self._ground.now()
        response = self._renderer.page(visit, answer, now=now)
        if answer.is_secret:
            response.headers["Cache-Control"] = "no-store"
        return response

    async def _ask_to_log_in(self, visit: Visit) -> Response:
        if visit.wants_fragment:
            return Response("Log in again.\n", 401, HEADERS, "text/plain")
        if visit.request.headers.get("sec-fetch-site") == "cross-site":
            # A link from a chat brings no SameSite=Strict cookie along; the page asks once more by itself.
            return await self._shown(visit, View("again.html"))
        return login.go_to(address("/login", {"next": visit.here if visit.here != "/" else None}))

    def _problem(self, visit: Visit, error: WatchkeeperError) -> Response:
        title, advice = words.error_words(error)
        facts = {"title": title, "advice": advice, "code": error.code}
        view = View("error.html", facts, status=HTTP_STATUS.get(error.code, 500))
        response = self._renderer.page(visit, view, now=datetime.now(UTC))
        if isinstance(error, RateLimited):
            response.headers["Retry-After"] = str(max(1, math.ceil(error.details.get("retry_after", 1))))
        return response


def add_console(api: FastAPI, app: App, failed_logins: FailedLogins) -> Console:
    """Put the console's pages into a server; asks nothing of the database yet.

    `failed_logins` are the API's of the same server: who guesses at one door waits at the other. A browser that asks
    for an address that nobody has gets a page, a program what the API answers.
    """
    console = Console(app, failed_logins)
    api.include_router(console.router())
    of_api = cast("Callable[..., Awaitable[Response]]", api.exception_handlers[HTTPException])

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 404 and _is_browser(request):
            return await console.nothing_here(request)
        return await of_api(request, error)

    api.add_exception_handler(HTTPException, answer)
    return console


def _is_browser(request: Request) -> bool:
    path = request.scope["path"]
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not path.startswith(NOT_FOR_BROWSERS)
    )


def session_reader(app: App) -> Callable[[Request], Awaitable[Principal]]:
    """Give what finds out who visits by the console's cookie, for the API's routes.

    By the cookie alone nothing is changed: a browser may only read, unless the console itself asks for what it has
    shown, and has been sent from a page of its own.
    """

    async def reader(request: Request) -> Principal:
        if request.method not in ("GET", "HEAD") and not login.is_acting(request):
            raise Unauthenticated("no token came with the request")
        return await login.who(request, app.login_links)

    return reader
