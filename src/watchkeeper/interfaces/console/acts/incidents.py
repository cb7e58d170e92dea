"""What a person does about an incident: take it in hand, call it right for a while, close it."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.cause_words import cause
from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Fact, Field, Seen
from watchkeeper.interfaces.console.ground import Ground
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.trouble import INCIDENTS, SEVERITIES
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.interfaces.console.words import UNKNOWN
from watchkeeper.interfaces.console.written_words import rule
from watchkeeper.services.operations import as_uuid

ROUTE = "POST /api/watchdog/incidents/{incident_id}"
HOURS = message("For how many hours")


async def look(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:
    if (asked := as_uuid(target["incident_id"])) is None:
        raise NotFound("there is no such incident here")
    row = await ground.app.watchdog.incident_reading.show(project, asked)
    facts: list[Fact] = [
        (message("State"), INCIDENTS.get(row["state"], UNKNOWN)),
        (message("Severity"), SEVERITIES.get(row["severity"], UNKNOWN)),
        (message("Cause"), cause(row["cause"] or "–", MessageLanguage(visit.language.code))),
        (message("Opened"), row["opened_at"]),
        (message("Last seen"), row["last_seen_at"]),
        (message("Symptoms"), str(len(row["symptoms"]))),
    ]
    if row["acknowledged_until"] is not None:
        facts += [
            (message("In the hands of"), row["acknowledged_by"]),
            (message("Until"), row["acknowledged_until"]),
        ]
    if row["quiet_until"] is not None:
        facts += [
            (message("Called right by"), row["quiet_by"]),
            (message("Quiet until"), row["quiet_until"]),
        ]
    version = f"{row['state']} {row['acknowledged_until']} {row['quiet_until']}"
    return Seen(
        rule(row["rule"], visit.language) or row["rule"], tuple(facts), version, frozenset({str(row["id"])})
    )


ACKNOWLEDGE = Act(
    name="incident-ack",
    route=f"{ROUTE}/ack",
    right=Right.OPERATE,
    title=message("Take it in hand"),
    plan=message("It is in your hands until then: people are not called to it before."),
    touches=message("One incident, and the messages about it."),
    stays=message("The trouble itself, its repairs and its record go on."),
    undo=message("It ends by itself at its time, or when the trouble is over."),
    otherwise=message("The next person is called when the next stage is due."),
    look=look,
    target=("incident_id",),
    fields=(Field("seconds", HOURS, "number", default="1", is_required=True, scale=3600),),
    is_gentle=True,
)
QUIET = Act(
    name="incident-quiet",
    route=f"{ROUTE}/quiet",
    right=Right.OPERATE,
    title=message("This silence is right"),
    plan=message("Nobody is called to it until then, also if it comes back. All is recorded."),
    touches=message("The messages about this trouble, for that time."),
    stays=message("The record goes on, and repairs that need nobody."),
    undo=message("Ending the silence lets people be called again."),
    otherwise=message("People are called as the policy says."),
    look=look,
    target=("incident_id",),
    fields=(Field("seconds", HOURS, "number", default="4", is_required=True, scale=3600),),
    reverse="incident-unquiet",
)
UNQUIET = Act(
    name="incident-unquiet",
    route=f"{ROUTE}/quiet",
    right=Right.OPERATE,
    title=message("End the silence"),
    plan=message("People are called to it again, as the policy says."),
    touches=message("The messages about this trouble."),
    stays=message("The record, and repairs that need nobody."),
    undo=message("It can be called right again, for a new time."),
    otherwise=message("It stays silent until its time."),
    look=look,
    target=("incident_id",),
)
RESOLVE = Act(
    name="incident-resolve",
    route=f"{ROUTE}/resolve",
    right=Right.OPERATE,
    title=message("It is over"),
    plan=message("The incident is closed on your word, and what it explained stands for itself again."),
    touches=message("One incident, its symptoms and its waiting messages."),
    stays=message("Its record. If the trouble is seen again, a new incident tells of this one."),
    undo=message("A closed incident is not opened again; a new finding opens another."),
    otherwise=message("It stays open until a person decides, or evidence closes it."),
    look=look,
    target=("incident_id",),
)

ACTS = (ACKNOWLEDGE, QUIET, UNQUIET, RESOLVE)
