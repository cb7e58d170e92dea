"""The outbox's closed lists in words."""

from __future__ import annotations

from watchkeeper.domain.alerting import Dropped, Untold, Withheld
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.words import Badge

STATES = {
    "waiting": Badge("wait", "clock", message("Waiting to be sent")),
    "sent": Badge("ok", "check", message("Sent")),
    "dropped": Badge("stopped", "square", message("Not sent")),
}
SEVERITIES = {
    "info": Badge("stopped", "square", message("Information")),
    "low": Badge("wait", "clock", message("Low")),
    "medium": Badge("warn", "alert", message("Medium")),
    "high": Badge("warn", "alert", message("High")),
    "critical": Badge("bad", "alert", message("Critical")),
}
ON = Badge("ok", "check", message("On"))
OFF = Badge("stopped", "square", message("Off"))
REFUSED = Badge("bad", "cross", message("Turned off: it refused an alert"))
FAILING = Badge("warn", "alert", message("On, and failing"))

HELD: dict[str, str] = {
    Withheld.QUIET_HOURS: message("the channel's quiet hours"),
    Withheld.QUIET_UNTIL: message("a person wants no word of it until then"),
    Withheld.REPAIR_UNDER_WAY: message("it is being mended"),
    Withheld.GROUPED: message("the same cause was told a moment ago: the next message tells of all"),
    Withheld.BACK_OFF: message("the last attempt failed"),
    Withheld.BEING_SENT: message("it is being sent"),
    Withheld.RATE_LIMITED: message("the other side asks us to wait"),
    Withheld.CAPPED: message("the channel's messages of this hour are used up: what waits goes together"),
    Withheld.QUOTA: message("the channel's messages of this month run out: what waits goes together"),
}
DROPPED: dict[str, str] = {
    Dropped.RESOLVED: message("its incident was over before"),
    Dropped.SYMPTOM: message("its cause was told instead"),
    Dropped.ACKNOWLEDGED: message("somebody took care before"),
    Dropped.CHANNEL_OFF: message("the channel was turned off"),
    Dropped.REFUSED: message("the other side refused it for good"),
    Dropped.GAVE_UP: message("every attempt failed"),
}
UNTOLD: dict[str, str] = {
    Untold.RESOLVED: message("it is over"),
    Untold.SYMPTOM: message("its cause is told instead"),
    Untold.SHADOW: message("its job runs in shadow"),
    Untold.NOT_NOTIFIED: message("the policy tells nobody of this rule"),
    Untold.QUIET_UNTIL: message("a person wants no word of it until then"),
    Untold.ACKNOWLEDGED: message("somebody takes care until then"),
    Untold.WAITS_IN_OUTBOX: message("an alert of it waits to be sent"),
    Untold.REPAIR_UNDER_WAY: message("it is being mended"),
    Untold.NO_PERSON_CAN_ACT: message("there is nothing that a person could do"),
    Untold.BACKLOG_EMPTY: message("no job waits; one proposal says so"),
    Untold.REPAIR_FIRST: message("a repair comes first"),
    Untold.SETTLING: message("it has only just begun"),
    Untold.NEXT_STAGE: message("it was told; the next stage follows then"),
    "no_channel": message("no channel is on"),
}
