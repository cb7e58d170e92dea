"""Hosts: what runs on them and whose it is, what alerts opened, the packets that stand with it, and how far all is."""

from __future__ import annotations

from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.interfaces.console.ground import Family, Ground, Page, Row, View
from watchkeeper.interfaces.console.pages.incidents import cursor, item
from watchkeeper.interfaces.console.visit import Visit

ROWS_A_PAGE = 20
PACKETS_SHOWN = 10


async def host(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    project = scope.chosen or visit.known.project_id or SYSTEM_PROJECT
    desk, before = ground.app.watchdog.host, visit.asked("before")
    incidents, following = await desk.reading.incidents(project, before=cursor(before), limit=ROWS_A_PAGE)
    packets, _ = await desk.packets.list(project, limit=PACKETS_SHOWN)
    readings = await desk.reading.readings(project)
    facts: Row = {
        "scope": scope,
        "project_id": project,
        "readings": ground.redactor.redact_data(readings),
        "incidents": incidents,
        "packets": packets,
        "left": await desk.reading.left(project),
        "readiness": await desk.readiness.report(project, 0),
        "before": before,
        "next": following,
    }
    return View("host/host.html", facts)


async def packet(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    project = scope.chosen or visit.known.project_id or SYSTEM_PROJECT
    found = await ground.app.watchdog.host.packets.show(project, item(visit.request.path_params["packet"]))
    facts = {"scope": scope, "project_id": project, "packet": ground.redactor.redact_data(found)}
    return View("host/packet.html", facts)


FAMILY = Family("host", pages=(Page("/host", host), Page("/host/packets/{packet}", packet)))
