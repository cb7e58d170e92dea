"""`serve`: the HTTP server, API and console on one address, as a process of its own."""

from __future__ import annotations

import asyncio
import gc
import signal
from dataclasses import replace
from typing import Annotated

import typer

from watchkeeper import logs
from watchkeeper.app import whole as root
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.interfaces.api.server import run_server
from watchkeeper.interfaces.api.state import ApiState
from watchkeeper.interfaces.cli.local import with_database
from watchkeeper.interfaces.cli.parent import Parent, tied_to
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.interfaces.console import add_console, session_reader
from watchkeeper.services.duties import Duties
from watchkeeper.services.exposure import Exposure
from watchkeeper.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 8470 by default.")
    ] = None,
    behind_proxy: Annotated[
        bool,
        typer.Option("--behind-proxy", help="A proxy before it speaks TLS: other addresses are allowed."),
    ] = False,
    parent: Parent = None,
) -> None:
    """Run the HTTP server: the API and the console."""
    settings = begin()
    if behind_proxy:
        settings = replace(settings, behind_proxy=True)
    if port is not None:
        settings = replace(settings, port=port)
    with tied_to(parent, settings.home), with_database(settings, note) as complete:
        # uvicorn raises the signal that ended it once more in the end; that one must not cut our own end short.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        asyncio.run(_serve(complete, host))


async def _serve(settings: Settings, host: str | None) -> None:
    async with root.running(settings) as app:
        app.watchdog.policies.current()  # a document that is refused is told before anything is done
        logs.redact_with(app.redactor.redact_data)
        app.diagnosis.look_further(Exposure(settings).checks)
        api = create_app(app, session=session_reader(app))
        state: ApiState = api.state.watchkeeper
        add_console(api, app, state.failed_logins)
        duties = Duties(app.watchdog.policies.duty(app.database, "serve", app.watchdog.alerting.channels))
        duties.start()
        # What is there now stays: to look through it for garbage would hold an answer up by a tenth of a second.
        gc.freeze()
        try:
            await run_server(api, host)
        finally:
            await duties.stop()
