"""`stop` and `login`: for the person at the machine where `up` runs."""

from __future__ import annotations

import asyncio

from watchkeeper.app import whole as root
from watchkeeper.domain.errors import ServerUnreachable
from watchkeeper.interfaces.cli.acting import log_reason
from watchkeeper.interfaces.cli.entry import login_link, owner_of
from watchkeeper.interfaces.cli.local import URL, read_secret, read_url, with_database
from watchkeeper.interfaces.cli.options import DryRun, Json, LocalReason
from watchkeeper.interfaces.cli.output import show
from watchkeeper.interfaces.cli.running import find_up, stop_up
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.settings import Settings


def stop(reason: LocalReason = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Stop the 'up' that runs on this home, and wait until all of it has ended."""
    settings = Settings.read()
    if dry_run:
        found = find_up(settings.home)
        pid = None if found is None else found.pid
        text = (
            f"nothing runs on {settings.home}"
            if pid is None
            else f"would stop 'up' (pid {pid}); nothing was done"
        )
        show({"ok": True, "dry_run": True, "pid": pid} if as_json else None, as_json=as_json, empty=text)
        return
    log_reason("stop", reason)
    stopped = stop_up(settings.home)
    text = "stopped; the data stays" if stopped else f"nothing runs on {settings.home}"
    show({"ok": True, "stopped": stopped} if as_json else None, as_json=as_json, empty=text)


def login(as_json: Json = False) -> None:
    """Print a link that opens the console once, within ten minutes; needs the server's own machine."""
    settings = begin()
    if settings.url is None and read_secret(settings.home / URL) is None:
        raise ServerUnreachable(
            f"no server has left its address in {settings.home}",
            hint="Start it with 'watchkeeper up', or set WATCHKEEPER_URL to the console's address.",
        )
    with with_database(settings, note) as complete:
        link = asyncio.run(_link(complete))
    show({"ok": True, "url": link, "valid_seconds": 600} if as_json else None, as_json=as_json, empty=link)


async def _link(settings: Settings) -> str:
    async with root.running(settings) as app:
        return await login_link(app, await owner_of(app, settings.home), read_url(settings))
