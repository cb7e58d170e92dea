"""What Prometheus is told: its own program accepts it, each project sees itself alone, what is unknown is no zero."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

from interfaces.api_client import Api
from prometheus_programs import tool
from watchkeeper.domain.exposition import CONTENT_TYPE
from watchkeeper.services.metrics import HELP

PAGE = Path(__file__).parents[2] / "docs/reference/metrics.md"


async def said(api: Api, token: str | None = None) -> str:
    """Give the answer as Prometheus gets it."""
    bearer = token or await api.token("viewer")
    answered = await api.http.get("/metrics", headers={"Authorization": f"Bearer {bearer}"})
    assert (answered.status_code, answered.headers["content-type"]) == (200, CONTENT_TYPE)
    return answered.text


async def scrape(api: Api, token: str | None = None) -> dict[str, float]:
    """Give the values by name and labels."""
    lines = [line for line in (await said(api, token)).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_the_metrics_tell_how_the_queue_stands(api: Api) -> None:
    """Depth and age by kind, leases by risk; a watchdog that never looked has no lag, and is not ok."""
    await api.enqueue()
    await api.enqueue()
    await api.worker("claim", kinds=["report"])
    async with asyncio.timeout(30):
        while await api.app.overview.indicators.get("p") is None:
            pass  # the first reading is waited for; a scrape never does so for long
    found = await scrape(api)
    assert found['watchkeeper_queue_jobs{project="p",kind="report",state="ready"}'] == 1
    assert found['watchkeeper_queue_jobs{project="p",kind="report",state="running"}'] == 1
    assert found['watchkeeper_leases{project="p",risk="normal"}'] == 1
    assert found["watchkeeper_watchdog_ok"] == 0
    assert not any(name.startswith("watchkeeper_watchdog_lag_seconds") for name in found)
    assert found['watchkeeper_indicator_samples{project="p",name="gate_pass_rate"}'] == 0
    assert 'watchkeeper_indicator{project="p",name="gate_pass_rate"}' not in found


async def test_a_project_sees_itself_alone(api: Api) -> None:
    """A token of another project tells of that one; one of the whole of all, and of the seal."""
    await api.enqueue()
    await api.app.kinds.ensure_project("q")
    theirs = await scrape(api, token=await api.token("viewer", "q"))
    assert not any('project="p"' in name for name in theirs)
    assert "watchkeeper_audit_unsealed_rows" not in theirs
    whole = await scrape(api, token=await api.token("viewer", None))
    assert any('project="p"' in name for name in whole)
    assert whole["watchkeeper_audit_unsealed_rows"] > 0
    assert whole["watchkeeper_projects_left_out"] == 0


async def test_promtool_finds_nothing_to_complain_of(api: Api) -> None:
    """`promtool check metrics` accepts the whole answer."""
    await api.enqueue()
    await api.worker("claim", kinds=["report"])
    text, command = await said(api), [tool("promtool"), "check", "metrics"]
    done = await asyncio.to_thread(
        subprocess.run, command, input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_metric_is_documented() -> None:
    """docs/reference/metrics.md has a row for each metric, and for no other."""
    rows = re.findall(r"^\| `watchkeeper_(\w+)(?:\{[\w,]+\})?` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(HELP)
