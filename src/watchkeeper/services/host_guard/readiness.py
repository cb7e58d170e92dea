"""The readiness document of the host guard's loop, counted in the live database."""

from __future__ import annotations

from typing import Any

from watchkeeper import __version__
from watchkeeper.domain.host_guard.lanes import OF_RULE
from watchkeeper.domain.host_guard.readiness import Deployed, HostNow, Readiness, document
from watchkeeper.domain.host_guard.readiness_parts import COUNTED
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.services.host_guard.reading import STALE_SECONDS, HostReading
from watchkeeper.storage.database import Database

ACTS = (
    "host_written",
    "host_signal_sent",
    "docker_restarted",
    "systemd_restarted",
    "nginx_reloaded",
    "firewall_changed",
    "kubectl_called",
    "production_written",
)
"""Events by which the trail would tell of an act on a host; most have no code that could write them."""

NO_HOST = "unknown"


class HostReadiness:
    """Makes the document of one project; `revision` is the build's."""

    def __init__(self, database: Database, reading: HostReading, revision: str = __version__) -> None:
        self._database = database
        self._reading = reading
        self._revision = revision

    async def report(self, project_id: str, routes: int) -> dict[str, Any]:
        """Give the document; `routes` is how many addresses the server answers."""
        asked = {"project_id": project_id}
        holds = await self._database.fetch_row("readiness_holds", {**asked, "stale_seconds": STALE_SECONDS})
        counts = await self._database.fetch_row("readiness_counts", {**asked, "events": list(ACTS)})
        firing = await self._database.fetch_row("firing_of_project", asked)
        return document(
            Readiness(
                holds["now"],
                await self._host(project_id),
                Deployed(self._revision, routes),
                {**holds, "every_rule_has_a_runbook": all(RULES[rule].runbook for rule in OF_RULE)},
                {name: int(counts[name]) for name in COUNTED},
                firing["firing"],
                int(counts["forbidden_hits"]),
                holds["has_fixture"],
                holds["has_drill"],
            )
        )

    async def _host(self, project_id: str) -> HostNow:
        """Give the host that was scanned last; with several the one that is in the most trouble."""
        readings = [one for one in await self._reading.readings(project_id) if one["monitor_up"]]
        if not readings:
            return HostNow(NO_HOST, is_up=False)
        worst = max(readings, key=lambda one: (not one["is_stale"], one["orphan_browser_groups"] or 0))
        return HostNow(
            worst["host_id"],
            not worst["is_stale"],
            worst["orphan_browser_groups"] or 0,
            worst["active_ci_containers"] or 0,
            worst["load5_upper"] or 0.0,
            worst["swap_upper"] or 0.0,
        )
