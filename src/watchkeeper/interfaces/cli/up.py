"""`up`: everything on one machine, each concern in a process of its own, until a person ends it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from watchkeeper.app import whole as root
from watchkeeper.app.whole import App
from watchkeeper.domain.addresses import DEFAULT_PORT
from watchkeeper.domain.errors import SettingError, WatchkeeperError
from watchkeeper.interfaces.cli.entry import login_link, owner_of, worker_token
from watchkeeper.interfaces.cli.example_run import ExampleRun
from watchkeeper.interfaces.cli.local import URL, database_user, has_database, read_secret
from watchkeeper.interfaces.cli.parent import stop_asked
from watchkeeper.interfaces.cli.processes import Child, Processes, Program
from watchkeeper.interfaces.cli.running import find_up, sole_up, wait_for_leftovers
from watchkeeper.interfaces.cli.screen import Screen
from watchkeeper.interfaces.cli.starting import begin
from watchkeeper.settings import Settings

READY_SECONDS = 60.0
LOOK_SECONDS = 0.05
PORTS_TRIED = 100
WORKER_GRACE_SECONDS = 50.0
"""A worker interrupts its agents, 10 s, and ends them, 10 s, before it is through."""

DEFAULT_PROJECT = "default"

Publish = Callable[[str], None]


def up(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the console; 8470 or the next free one by default."),
    ] = None,
    example: Annotated[bool, typer.Option("--example/--no-example", help="Work the example project.")] = True,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show all that the processes say.")
    ] = False,
) -> None:
    """Run it all on this machine: database, server, watchdog, workers. Ctrl-C ends it and keeps the data."""
    settings = begin()
    screen = Screen(verbose=verbose)
    with sole_up(settings.home) as publish:
        if publish is None:
            _already_running(settings, screen)
            return
        wait_for_leftovers(settings.home, screen.say)
        (settings.home / URL).unlink(missing_ok=True)
        port = _free_port(settings, settings.port if port is None else port, screen)
        is_new = not has_database(settings)
        with database_user(settings, screen.say) as start_database:
            run = _Run(settings, port, screen)
            failure = asyncio.run(run.run(start_database, publish, is_new=is_new, with_example=example))
        screen.say("stopped; the data stays" if failure is None else f"stopped: {failure}")
    if failure is not None:
        raise WatchkeeperError(failure, hint=f"The logs are in {settings.home / 'logs'}.")


class _Run:
    """One run of `up`, from a database that answers to the end of the last child."""

    def __init__(self, settings: Settings, port: int, screen: Screen) -> None:
        self._home = settings.home
        self._settings = settings
        self._port = port
        self._screen = screen
        self._processes = Processes(self._home / "logs", _environment(self._home), screen.child_said)

    async def run(
        self, start_database: Callable[[], Settings], publish: Publish, *, is_new: bool, with_example: bool
    ) -> str | None:
        """Run until asked to stop; give what else made it stop, if anything did."""
        stop = stop_asked()
        work = asyncio.create_task(
            self._work(start_database, publish, is_new=is_new, with_example=with_example), name="work"
        )
        ends = [asyncio.create_task(event.wait(), name="end") for event in (stop, self._processes.failed)]
        try:
            await asyncio.wait([work, *ends], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            return self._processes.failure or None
        finally:
            for task in (work, *ends):
                task.cancel()
            await asyncio.gather(work, *ends, return_exceptions=True)
            await self._end()

    async def _work(
        self, start_database: Callable[[], Settings], publish: Publish, *, is_new: bool, with_example: bool
    ) -> None:
        """Start everything and go on until cancelled."""
        if not is_new:
            # These wait for the database themselves, and need most of their time to be loaded.
            await self._start_server()
        settings = await asyncio.to_thread(start_database)
        if is_new:
            await self._start_server()
        async with root.running(settings) as app:
            await self._serve_people(app, publish, with_example=with_example)

    async def _start_server(self) -> None:
        address = ["--host", self._settings.host, "--port", str(self._port)]
        await self._processes.start(Program("serve", ["serve", *address]))
        await self._processes.start(Program("watch", ["watch"]))

    async def _serve_people(self, app: App, publish: Publish, *, with_example: bool) -> None:
        """Let the owner in, start the workers, and work the example; goes on until cancelled."""
        owner = await owner_of(app, self._home)
        await app.kinds.ensure_project(DEFAULT_PROJECT)
        url = await self._until_ready()
        publish(url)
        self._screen.welcome(url, await login_link(app, owner, url), self._home)
        await self._start_worker(app, "work", DEFAULT_PROJECT)
        if with_example:
            await ExampleRun(app, self._screen, self._start_worker, self._processes).run()
        await asyncio.Event().wait()

    async def _start_worker(
        self, app: App, name: str, project: str, *arguments: str, **environment: str
    ) -> Child:
        token = await worker_token(app, self._home, project)
        command = ["work", "--agent", "command", "--token-file", str(token), *arguments]
        return await self._processes.start(
            Program(name, command, WORKER_GRACE_SECONDS, needed=False, environment=environment)
        )

    async def _until_ready(self) -> str:
        """Wait for the server; give the address that it has left in the home."""
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as http:
            while True:
                url = read_secret(self._home / URL)
                with suppress(httpx2.HTTPError):  # it does not listen yet
                    if url is not None and (await http.get(f"{url}/readyz")).is_success:
                        return url
                if asyncio.get_running_loop().time() > deadline:
                    raise WatchkeeperError(f"the server was not ready within {READY_SECONDS:g} s")
                await asyncio.sleep(LOOK_SECONDS)

    async def _end(self) -> None:
        self._screen.say("stopping; once more Ctrl-C: without waiting for what runs")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._processes.hurry)
        await self._processes.stop_all()


def _free_port(settings: Settings, port: int | None, screen: Screen) -> int:
    """Give the port to serve on: the one that was asked for, else the usual or the next free one.

    It is chosen once, so that a server that is started again has the address of the first. Raises SettingError where
    the one that was asked for is taken.
    """
    if port is not None:
        if (free := _bindable(settings.host, port)) is None:
            raise SettingError(
                f"port {port} on {settings.host} is taken by another program",
                hint="Stop that one, or choose another by --port or WATCHKEEPER_PORT (0 takes a free one).",
            )
        return free
    for candidate in (*range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED), 0):
        if (free := _bindable(settings.host, candidate)) is not None:
            if free != DEFAULT_PORT:
                screen.say(f"port {DEFAULT_PORT} is taken; using {free}")
            return free
    return DEFAULT_PORT


def _bindable(host: str, port: int) -> int | None:
    """Give the port if it is free, for 0 any free one; None where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            # Whatever else may be wrong with the address, the server says best.
            return None if error.errno == errno.EADDRINUSE else port
        return int(probe.getsockname()[1])


def _already_running(settings: Settings, screen: Screen) -> None:
    found = find_up(settings.home)
    where = f"at {found.url}" if found is not None and found.url else "and is still starting"
    screen.say(f"already running {where} (home {settings.home})")
    screen.say("'watchkeeper login' prints a login link, 'watchkeeper stop' ends it")


def _environment(home: Path) -> dict[str, str]:
    """Give what children get: our environment without our token, this home, and logs that `up` can read."""
    passed_on = {name: value for name, value in os.environ.items() if name != "WATCHKEEPER_TOKEN"}
    return {
        **passed_on,
        "WATCHKEEPER_LOG_FORMAT": "json",
        "WATCHKEEPER_HOME": str(home),
        "PYTHONUNBUFFERED": "1",
    }
