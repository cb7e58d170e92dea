"""The outbox: what was sent, what waits and why, what was not sent and why; one alert with its receipt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Fact, Seen
from watchkeeper.interfaces.console.ground import Ground, Row, View
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.pages.alerts import words
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.interfaces.console.written_words import tell
from watchkeeper.services.alert_reading import STATES
from watchkeeper.services.operations import as_uuid

ALERTS_A_PAGE = 30


async def alerts(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    state, before = visit.asked("state"), visit.asked("before")
    cursor = as_uuid(before or "")
    if before is not None and cursor is None:
        raise UsageError("the cursor is not an alert's id")
    reader = ground.app.watchdog.alerting.alerts
    rows: list[Row] = []
    following: UUID | None = None
    if scope.project_id is not None:
        rows, following = await reader.page(scope.project_id, state=state, before=cursor, limit=ALERTS_A_PAGE)
    facts = {
        "scope": scope,
        "alerts": rows,
        "next": following,
        "filters": {"state": state, "before": before},
        "states": STATES,
        "said": words,
    }
    return View("alerts/list.html", facts)


async def alert(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    found = as_uuid(visit.request.path_params["alert"])
    if found is None or scope.project_id is None:
        raise NotFound("there is no such alert in this project")
    reader = ground.app.watchdog.alerting.alerts
    row = await reader.show(scope.project_id, found)
    story: dict[str, Any] | None = None
    if row["incident_id"] is not None:
        story = await reader.of_incident(scope.project_id, row["incident_id"])
    receipt = ground.redactor.redact_data(row["receipt"])
    tries = [{**one, "at": datetime.fromisoformat(one["at"])} for one in row["tries"]]
    facts = {"scope": scope, "alert": row, "tries": tries, "receipt": receipt, "story": story, "said": words}
    return View("alerts/alert.html", facts)


async def look_at_alert(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:
    found = as_uuid(target["alert_id"])
    if found is None:
        raise NotFound("there is no such alert in this project")
    row = await ground.app.watchdog.alerting.alerts.show(project, found)
    facts: tuple[Fact, ...] = (
        (message("State"), words.STATES[row["state"]]),
        (message("Severity"), words.SEVERITIES.get(row["severity"])),
        (message("What it says"), (tell(row["body"], visit.language) or row["body"])[:300]),
        (message("Sent"), row["sent_at"]),
        (message("Acknowledged by"), row["acknowledged_by"] or message("nobody yet")),
    )
    marks = frozenset({str(row["id"]), str(row["incident_id"])})
    subject = row["subject"] or row["channel"]
    return Seen(tell(subject, visit.language) or subject, facts, str(row["acknowledged_by"]), marks)


async def look_at_project(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    return Seen(project)


ACKNOWLEDGE = Act(
    name="alert-acknowledge",
    route="POST /api/alerts/{alert_id}/acknowledge",
    right=Right.OPERATE,
    title=message("Take care of it"),
    plan=message("It is written down that you have seen it, and take care of its incident for four hours."),
    touches=message("This alert and the others of its incident: people are not called again meanwhile."),
    stays=message("The incident, its repairs, and everything that the watchdog does."),
    undo=message("After four hours the next stage follows by itself, if the incident is still open."),
    otherwise=message("The next stage calls the next person."),
    look=look_at_alert,
    target=("alert_id",),
    is_gentle=True,
)
TEST_ALL = Act(
    name="alert-test",
    route="POST /api/alerts/test",
    right=Right.OPERATE,
    title=message("Send a test through the outbox"),
    plan=message(
        "A test message is put into the outbox of every channel that carries this project's alerts."
    ),
    touches=message("Everybody whom these channels reach gets one message."),
    stays=message("Incidents, and what waits to be sent."),
    undo=message("What was sent cannot be taken back."),
    otherwise=message("Nobody is disturbed."),
    look=look_at_project,
    is_gentle=True,
)
ACTS = (ACKNOWLEDGE, TEST_ALL)
