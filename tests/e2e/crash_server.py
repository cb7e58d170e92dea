"""An HTTP server that dies by SIGKILL right after a named service act has been committed, before it can answer."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from watchkeeper import logs
from watchkeeper.app.whole import running
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.interfaces.api.server import run_server
from watchkeeper.services.checking import Checking
from watchkeeper.services.claims import Claims
from watchkeeper.settings import Settings

ACTS = {"claim": (Claims, "_claim_once"), "complete": (Checking, "_conclude")}


def die_after(act: str) -> None:
    """Let this process die when the act has come back from the database."""
    owner, name = ACTS[act]
    original = getattr(owner, name)

    async def last_act(*args: Any) -> Any:
        if await original(*args):
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, last_act)


async def main(url: str, home: Path) -> None:
    async with running(Settings(home=home, database_url=url)) as app:
        await run_server(
            create_app(app), "127.0.0.1", 0, on_listening=lambda address: print(address, flush=True)
        )


if __name__ == "__main__":
    logs.configure(level="INFO", form="json", redact=str)
    if len(sys.argv) > 3:
        die_after(sys.argv[3])
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
