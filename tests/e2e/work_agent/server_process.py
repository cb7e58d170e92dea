"""A server with its upkeep, for workers to talk to: prints {url, token} of an owner, then serves until SIGTERM.

Argument: JSON of {database_url, home}, and `dies_after` for one that is to die after an act (crash_server.py).
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from e2e.crash_server import die_after
from watchkeeper.app.whole import running
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.interfaces.api.server import run_server
from watchkeeper.logs import configure
from watchkeeper.services.duties import Duties
from watchkeeper.settings import Settings


async def serve(order: dict[str, str]) -> None:
    settings = Settings(home=Path(order["home"]), database_url=order["database_url"])
    async with running(settings, migrated=False) as app:
        owner = await app.identity.create_token("owner", Role.OWNER, None, actor="test")
        duties = Duties(*app.maintenance.duties(), stands_still=app.standstill.holds)
        duties.start()
        try:
            await run_server(
                create_app(app),
                port=int(order.get("port", 0)),
                on_listening=lambda url: print(json.dumps({"url": url, "token": owner.secret}), flush=True),
            )
        finally:
            await duties.stop()


configure(level="warning", form="json", redact=str)
given = json.loads(sys.argv[1])
if "dies_after" in given:
    die_after(given["dies_after"])
asyncio.run(serve(given))
