"""What the workers of the fault matrix run: jobs that take a while, under the shortest lease there is."""

from __future__ import annotations

import asyncio

from watchkeeper import job
from watchkeeper.services.handlers import JobContext

LEASE_SECONDS = 2
KIND, HELD_KIND = "steady", "held"


@job(KIND, lease_seconds=LEASE_SECONDS, on_lost="requeue", max_lost_leases=50, max_attempts=50)
async def steady(context: JobContext) -> None:
    await asyncio.sleep(context.payload["seconds"])


handlers = [steady]
