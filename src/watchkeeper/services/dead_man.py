"""The dead-man ping: somebody outside is told that the watchdog ticks, and raises the alarm when that stops."""

from __future__ import annotations

from watchkeeper.logs import log
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.storage.database import Database

TIMEOUT_SECONDS = 10.0


class DeadMan:
    """Gets an address while the watch's own ticks are good. Silence is the alarm: so a bad tick sends nothing."""

    def __init__(self, url: str, database: Database, *, interval_seconds: float, gap_seconds: float) -> None:
        self._url = url
        self._database = database
        self._interval = interval_seconds
        self._gap = gap_seconds
        self._failing = False

    def duty(self) -> Duty:
        return Duty("dead_man", self.run_once, self._interval, when_still=True)

    async def run_once(self) -> Ran:
        """Ping unless ticks stay away or the watchdog says that it is blind; a failure is logged once."""
        import httpx2  # 2 MB that nobody without a ping needs

        facts = await self._database.fetch_row("dead_man_facts", {"gap_seconds": self._gap})
        if not facts["ok"]:
            self._fail("the watchdog does not tick")
            return Ran({"withheld": 1})
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                (await client.get(self._url)).raise_for_status()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # The text of an error may hold the address, and that a secret.
            self._fail(type(error).__name__)
        else:
            self._failing = False
        return Ran({})

    def _fail(self, detail: str) -> None:
        if not self._failing:
            log("dead_man_failed", detail=detail)
        self._failing = True
