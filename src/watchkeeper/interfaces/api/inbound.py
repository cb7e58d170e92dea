"""Where chat platforms post to: proved by their own signatures, kept, answered at once, and acted on afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.routing import APIRoute
from starlette.background import BackgroundTask

from watchkeeper.domain.errors import NotFound, Unauthenticated
from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import address_of
from watchkeeper.interfaces.api.bodies import read_limited
from watchkeeper.interfaces.api.documents import PROBLEM
from watchkeeper.interfaces.api.errors import refusal
from watchkeeper.interfaces.api.state import state_of
from watchkeeper.services.chat.receiving import Incoming
from watchkeeper.services.failed_logins import source_of
from watchkeeper.services.refusals import Refusal

MAX_BODY_BYTES = 256 * 1024
PATH = "/api/inbound/{platform}/{door_id}"

Inner = Callable[[Request], Coroutine[Any, Any, Response]]


class SignedRoute(APIRoute):
    """Open to all; what is sent is believed by its signature alone. Who sends what is not proved has to be patient."""

    def get_route_handler(self) -> Inner:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await _patiently(request, inner)
            except Exception as error:  # noqa: BLE001 - whatever it was, the platform gets an answer
                return refusal(error, request)

        return handle


signed = APIRouter(tags=["chat"], route_class=SignedRoute)

TAKEN: dict[int | str, Any] = {
    200: {
        "description": "It was kept; or the word that a platform asks for to know that we are there.",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Answer"}},
            "text/plain": {"schema": {"type": "string"}},
        },
    }
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {}},
            "application/x-www-form-urlencoded": {"schema": {}},
        },
    }
}


@signed.post(PATH, responses=TAKEN | PROBLEM, openapi_extra=_BODY)
async def receive(
    platform: Annotated[str, Path(max_length=20)],
    door_id: Annotated[str, Path(max_length=60)],
    request: Request,
) -> Response:
    """Take what LINE, Telegram or Slack tells; the answer says only that it was kept."""
    app = state_of(request).app
    body = await read_limited(request, MAX_BODY_BYTES)
    incoming = Incoming(body, {name.lower(): value for name, value in request.headers.items()})
    received = await app.watchdog.chat.receiving.receive(platform, door_id, incoming)
    if received.challenge is not None:
        return Response(received.challenge, media_type="text/plain")
    taken = answer()
    taken.background = BackgroundTask(app.watchdog.chat.handling.handle, received.keys)
    return taken


async def _patiently(request: Request, inner: Callable[[Request], Awaitable[Response]]) -> Response:
    state, address = state_of(request), address_of(request)
    try:
        async with state.failed_logins.look(address):
            return await inner(request)
    except (NotFound, Unauthenticated):
        what = request.path_params.get("platform", "")[:20]
        state.app.refusals.note(
            Refusal("inbound_refused", SYSTEM_PROJECT, f"address:{source_of(address)}", what)
        )
        await state.failed_logins.slow_down(address)
        raise
