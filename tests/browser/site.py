"""One console to look at: a server process of its own over planted data, and the people who look."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from browser.planted import Planted, plant
from waiting import wait_until
from watchkeeper.app import whole as root
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces.console.login import SESSION_COOKIE
from watchkeeper.settings import Settings


@dataclass
class Site:
    """A running console. `planted` knows what stands where."""

    app: root.App
    url: str
    database_url: str
    planted: Planted
    _sessions: dict[tuple[Role, str | None], dict[str, str]] = field(default_factory=dict)

    async def signed_in(
        self, role: Role = Role.OWNER, project: str | None = "p", name: str = "lin"
    ) -> dict[str, str]:
        """Give the cookies of somebody who has signed in."""
        if (role, project) not in self._sessions:
            made = await self.app.identity.create_token(f"{name}-{role}", role, project, actor="test")
            code = await self.app.login_links.create_code(await self.app.identity.authenticate(made.secret))
            session = await self.app.login_links.consume_code(code.code)
            self._sessions[role, project] = {SESSION_COOKIE: session.secret}
        return self._sessions[role, project]


@contextmanager
def serving(url: str, home: Path, port: str = "0") -> Iterator[str]:
    """Run `watchkeeper serve`, on a free port unless told otherwise, and give its address."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("WATCHKEEPER_")}
    settings = {"WATCHKEEPER_HOME": str(home), "WATCHKEEPER_DATABASE_URL": url}
    settings["WATCHKEEPER_FETCH_ALLOW"] = "127.0.0.1"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "watchkeeper", "serve", "--port", port], env=own | settings, stderr=log
        )
    address = home / "url"

    def listening() -> str:
        assert process.poll() is None, (home / "serve.log").read_text()
        return address.read_text().strip() if address.exists() else ""

    try:
        yield wait_until(listening, 60, "the server to listen")
    finally:
        process.terminate()
        process.wait(40)


@asynccontextmanager
async def console_site(url: str, home: Path, **planting: Any) -> AsyncIterator[Site]:
    """Plant everything in a migrated database, as `plant` is told, and serve it."""
    settings = Settings(home=home, database_url=url, fetch_allow=("127.0.0.1",))
    async with root.running(settings) as app:
        planted = await plant(app, url, **planting)
        with serving(url, home) as address:
            yield Site(app, address, url, planted)
