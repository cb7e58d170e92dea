"""What attempts say while they run, as it is kept."""

from __future__ import annotations

from raw_sql import rows
from services.handler_runs import ask, reaches, working
from watchkeeper.app.whole import App
from watchkeeper.services.handlers import JobContext, job

PASSWORD = "correct-horse-battery"


async def test_progress_of_a_python_handler_is_kept_without_its_secrets(app: App) -> None:
    """A handler that tells of a password leaves neither message nor payload with it in the record."""

    @job("k")
    async def handle(context: JobContext) -> None:
        await context.progress(f"login with password={PASSWORD}", "begin", {"password": PASSWORD, "n": 1})

    async with working(app, handle):
        await reaches(app, await ask(app, "k"), "completed")
    [kept] = await rows(app.database, "SELECT phase, message, payload FROM watchkeeper.worker_runs")
    assert (kept["phase"], kept["payload"]) == ("begin", {"password": "[redacted:secret]", "n": 1})
    assert kept["message"].startswith("login with password=[redacted:")
    assert PASSWORD not in kept["message"]
