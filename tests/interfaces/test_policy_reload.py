"""What a config document says takes effect while the server runs, and a refused one is told where people look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from interfaces.api_client import serving
from interfaces.foreign_results import checks, primary
from watchkeeper.app import whole as root
from watchkeeper.app.whole import App
from watchkeeper.settings import Settings

FIRST = "version: one\n"
SECOND = """version: two
checks: {artifact: {pass: "primary_artifact_url_http_status in [200, 302]"}}
policy: {on_gate_failed: pause}
retention: {job_days: 3, orphan_hours: 2}
"""


async def test_gate_and_retention_go_by_a_new_document_at_once(
    app: App, settings: Settings, tmp_path: Path
) -> None:
    """What passes the gate, what becomes of a failure, how long rows stay: no restart; refused texts change nothing."""
    document = tmp_path / "it.yaml"
    document.write_text(FIRST)
    pinned = frozenset({"orphan_retention_hours"})
    whole = root.build(replace(settings, document=document, pinned=pinned), app.database)
    duty = whole.watchdog.policies.duty(whole.database, "serve")

    async def written(text: str) -> None:
        (fresh := tmp_path / "fresh").write_text(text)
        fresh.rename(document)
        for _ in range(3):
            await duty.run_once()

    async with serving(whole) as api:
        await duty.run_once()

        async def checked(job: str) -> bool:
            body = {
                "job_id": job, "primary_url": "https://x.example/", "http_status": 302, "file_count": 1,
                "origin": "helper", "kind": "page",
            }  # fmt: skip
            return bool((await api.post("/api/watchdog/artifact-checks", body)).body["passed"])

        async def blocked() -> str:
            await api.enqueue(contract={})
            job = (await api.worker("claim")).job
            refused = await api.command(
                "complete", job, summary="done!", artifacts=primary("http://127.0.0.1:9/")
            )
            assert checks(refused) == ["refused_address"]
            return str(refused.body["error"]["details"]["status"])

        assert (await checked("far-1"), await blocked()) == (False, "stuck")
        await written(SECOND)
        assert (await checked("far-2"), await blocked()) == (True, "paused")
        assert (whole.in_force().job_retention_days, whole.in_force().orphan_retention_hours) == (3, 24)
        for wrong in ("version: three\nownr: x\n", "version: three\nretention: {job_days: 0}\n"):
            await written(wrong)
            assert (await checked(f"far-{len(wrong)}"), whole.in_force().job_retention_days) == (True, 3)
            told = (await api.get("/api/watchdog/queue-health")).body["policy"]
            assert (told["ok"], "its document is refused" in told["detail"]) == (False, True)
        await written(FIRST)
        assert (await api.get("/api/watchdog/queue-health")).body["policy"]["ok"]
        assert not await checked("far-9")
