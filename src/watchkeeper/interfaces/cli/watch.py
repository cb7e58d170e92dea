"""`watch`: the queue's upkeep and its watchdog as a process of its own; several on several machines share the work."""

from __future__ import annotations

import asyncio

from watchkeeper.app import whole as root
from watchkeeper.app.host_guard import host_guard
from watchkeeper.interfaces.cli.local import with_database
from watchkeeper.interfaces.cli.parent import Parent, stop_asked, tied_to
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.logs import log
from watchkeeper.services.duties import Duties
from watchkeeper.settings import Settings


def watch(parent: Parent = None) -> None:
    """Run the queue's upkeep: reap lost leases, wake due jobs, fire schedules, forget what is old."""
    settings = begin()
    with tied_to(parent, settings.home), with_database(settings, note) as complete:
        asyncio.run(_watch(complete))


async def _watch(settings: Settings) -> None:
    stop = stop_asked()
    async with root.running(settings) as app:
        app.watchdog.policies.current()  # a document that is refused is told before anything is done
        periodic = [
            app.watchdog.policies.duty(app.database, "watch", app.watchdog.alerting.channels),
            *app.maintenance.duties(),
            app.retention.duty(),
            app.overview.counts.duty(),
            app.artifact_upkeep.duty(),
            app.audit_sealer.duty(),
            *app.watchdog.alerting.duties(),
            *app.watchdog.knowledge.duties(),
            app.watchdog.chat.handling.duty(),
            app.watchdog.incidents.duty(),
            app.watchdog.watch.duty(),
            app.watchdog.repair.duty(),
            *host_guard(app).duties(),
            app.bulk.duty(),
            app.watchdog.reporting.slo_counting.duty(),
            app.watchdog.reporting.slo_alerts.duty(),
        ]
        if app.audit_webhook is not None:
            periodic.append(app.audit_webhook.duty())
        duties = Duties(*periodic, stands_still=app.standstill.holds)
        duties.start()
        log("watch_started")
        await stop.wait()
        await duties.stop()
        log("watch_stopped")
