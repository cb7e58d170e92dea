"""The door, open to all: coming in by a link or a token, going out, and choosing how the console looks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Response

from watchkeeper.app.whole import App
from watchkeeper.domain.errors import PermissionDenied, StaleLease, Unauthenticated
from watchkeeper.interfaces.console import choices, login
from watchkeeper.interfaces.console.forms import read_form
from watchkeeper.interfaces.console.ground import View
from watchkeeper.interfaces.console.i18n import LANGUAGE_COOKIE
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.failed_logins import FailedLogins, source_of
from watchkeeper.services.login_links import ConsoleSession
from watchkeeper.services.refusals import Refusal

Answering = Callable[[Visit], Awaitable[View | Response]]

DOOR = {
    ("GET", "/login"): "login_form",
    ("POST", "/login"): "log_in",
    ("POST", "/logout"): "log_out",
    ("GET", "/language"): "change_language",
    ("POST", "/choices"): "choose",
}
"""What is open to all."""


class Door:
    """Logins and choices of one installation; what it is sent must come from a page of ours."""

    def __init__(self, app: App, failed_logins: FailedLogins) -> None:
        self._identity = app.identity
        self._logins = app.login_links
        self._refusals = app.refusals
        self._failed = failed_logins

    def routes(self) -> list[tuple[str, str, Answering]]:
        return [(method, path, getattr(self, name)) for (method, path), name in DOOR.items()]

    async def login_form(self, visit: Visit) -> View:
        asked = visit.request.query_params
        code = asked.get("code", "")[: login.MAX_CREDENTIAL_CHARS]
        return _login_page({"code": code, "next": login.own_path(asked.get("next")), "problem": None}, 200)

    async def log_in(self, visit: Visit) -> View | Response:
        """Consume a code or a token; a refused one shows the form again and says why."""
        request = visit.request
        login.demand_same_origin(request)
        form = await read_form(request)
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
            return _login_page({"code": "", "next": following, "problem": problem}, 401)
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
        choices.keep(response, visit.request, {LANGUAGE_COOKIE: asked.get("to")})
        return response

    async def choose(self, visit: Visit) -> Response:
        """Keep language, colours and time zone as the form of the settings says them."""
        login.demand_same_origin(visit.request)
        form = await read_form(visit.request)
        response = login.go_to(login.own_path(form.get("next")))
        chosen = {
            LANGUAGE_COOKIE: form.get("language"),
            choices.THEME_COOKIE: form.get("theme"),
            choices.ZONE_COOKIE: form.get("zone"),
        }
        choices.keep(response, visit.request, chosen)
        return response


def _login_page(facts: dict[str, str | None], status: int) -> View:
    return View("login.html", facts, status=status, is_secret=True)
