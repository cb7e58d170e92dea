"""What `watchkeeper work --app bench.noop:handlers` runs."""

from __future__ import annotations

from watchkeeper import JobContext, job


@job("noop")
async def noop(context: JobContext) -> None:
    """Do nothing."""


handlers = [noop]
