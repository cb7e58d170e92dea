"""The five assets of a host incident, where no process was ended: whole, once, and before it is closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.guarded_host import PROJECT, Host
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import Conflict, NotFound, UsageError
from watchkeeper.domain.host_guard.assets import REQUIRED
from watchkeeper.domain.host_guard.telling import Said


@pytest.fixture
def host(app: App, tmp_path: Path) -> Host:
    return Host(app, tmp_path)


async def test_no_host_incident_is_closed_without_its_five_assets(host: Host) -> None:
    """CI asked too much: nobody's process is ended, a person says why, and only then it can be closed."""
    incident, other = await host.incident("host_ci_saturation"), await host.incident("host_monitor_stale")
    by, _ = await host.people()
    desk = host.app.watchdog
    with pytest.raises(Conflict, match="five assets"):
        await desk.incidents.resolve(PROJECT, incident, actor="t", reason="r")
    await desk.incidents.resolve(PROJECT, other, actor="t", reason="r")
    said = Said("a big build", "well", "lin: another runner", by.actor)
    written = await desk.host_assets.write(PROJECT, incident, said, review_days=7, reason="r")
    assert {row["asset"]: set(row["fields"]) >= set(REQUIRED[row["asset"]]) for row in written} == (
        dict.fromkeys(REQUIRED, True)
    )
    with pytest.raises(Conflict, match="written already"):
        await desk.host_assets.write(PROJECT, incident, said, review_days=7, reason="r")
    with pytest.raises(NotFound):
        await desk.host_assets.show(PROJECT, other)
    await desk.incidents.resolve(PROJECT, incident, actor="t", reason="r")


async def test_an_asset_that_says_nothing_is_not_kept(host: Host) -> None:
    """All five are written or none: one empty field, and the database has no row of them."""
    incident = await host.incident()
    said = Said("", "well", "somebody", "t")
    with pytest.raises(UsageError) as refused:
        await host.app.watchdog.host_assets.write(PROJECT, incident, said, review_days=7, reason="r")
    assert refused.value.details["missing"] == ["knowledge_base_incident_summary.root_cause"]
    assert await host.app.watchdog.host_assets.show(PROJECT, incident) == []
