"""What comes of a button that somebody pressed: every press is answered, and only the first one acts.

Who stands in the chat may take care of what was sent there; to silence or to decide it, the account has to be linked to
a person with the right, whose word then goes the same way as from everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from watchkeeper.domain.chat.words import Press, Reply, bare_name
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.principals import Right
from watchkeeper.services.alert_reading import Alerts
from watchkeeper.services.chat.buttons import (
    CONFIRM_SECONDS,
    Pressed,
    make_button,
    pressed_button,
    use_button,
)
from watchkeeper.services.chat.links import Sender
from watchkeeper.services.chat.standing import asked_about, told
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.repairs.desk import Repairs
from watchkeeper.storage.database import Connection, Row

FROM_CHAT = "from a button in a chat"
QUIET_FOR = timedelta(hours=4)

NEEDS: dict[Press, Right | None] = {
    Press.ACKNOWLEDGE: None,
    Press.SHOW: None,
    Press.QUIET: Right.OPERATE,
    Press.APPROVE: Right.DECIDE,
    Press.APPROVE_NOW: Right.DECIDE,
    Press.REJECT: Right.DECIDE,
}
"""The right that a linked account needs; None asks for no link."""


@dataclass(frozen=True, slots=True)
class Came:
    """What came of an event: the answer by name, its facts, and a button that goes with it (act and token)."""

    reply: Reply
    facts: dict[str, Any]
    button: tuple[Press, str] | None = None


@dataclass(frozen=True, slots=True)
class Pressing:
    """Acts on buttons, in the caller's transaction."""

    alerts: Alerts
    incidents: Incidents
    repairs: Repairs
    policy: Callable[[], Policy]

    async def press(self, connection: Connection, event: Row, sender: Sender | None) -> Came:
        """Act on a button, if it is living and theirs; raises as the act itself does."""
        pressed = await pressed_button(connection, event)
        if pressed is None:
            return Came(Reply.BUTTON_UNKNOWN, {})
        came = await self._act(connection, event, pressed, sender)
        meant = pressed.meant
        row = await asked_about(connection, meant.project_id, meant.incident_id, meant.repair_id)
        facts = {"state": told(row, MessageLanguage(event["language"])), **came.facts}
        return replace(came, facts=facts)

    async def _act(self, connection: Connection, event: Row, pressed: Pressed, sender: Sender | None) -> Came:
        meant = pressed.meant
        if meant.link_id is not None and (sender is None or sender.link_id != meant.link_id):
            return Came(Reply.BUTTON_OF_ANOTHER, {})
        if pressed.used_at is not None:
            by = bare_name(pressed.used_by or "?")
            return Came(Reply.BUTTON_USED, {"name": by, "at": self.clock(pressed.used_at)})
        if pressed.is_over:
            return Came(Reply.BUTTON_EXPIRED, {"at": self.clock(pressed.expires_at)})
        if (right := NEEDS[meant.act]) is not None:
            if sender is None:
                return Came(Reply.ON_ITS_PAGE, {})
            sender.principal.project(meant.project_id)
            sender.principal.demand(right)
        actor = sender.principal.actor if sender is not None else actor_of(event)
        await use_button(connection, pressed, actor=actor, account=event["account"])
        return await self._carry_out(connection, pressed, sender, actor)

    async def _carry_out(
        self, connection: Connection, pressed: Pressed, sender: Sender | None, actor: str
    ) -> Came:
        meant, name = pressed.meant, {"name": bare_name(actor)}
        match meant.act:
            case Press.ACKNOWLEDGE if meant.alert_id is not None:
                await self.alerts.acknowledge(meant.project_id, meant.alert_id, actor=actor, note=FROM_CHAT)
                return Came(Reply.ACKNOWLEDGED, name)
            case Press.QUIET if meant.incident_id is not None:
                project, incident = meant.project_id, meant.incident_id
                await self.incidents.quiet(project, incident, actor=actor, reason=FROM_CHAT, until=QUIET_FOR)
                return Came(Reply.QUIETED, name)
            case Press.APPROVE if sender is not None:
                second = replace(meant, act=Press.APPROVE_NOW, link_id=sender.link_id)
                token = await make_button(connection, second, CONFIRM_SECONDS)
                return Came(Reply.CONFIRM, {}, (Press.APPROVE_NOW, token))
            case Press.APPROVE_NOW | Press.REJECT if sender is not None and meant.repair_id is not None:
                await self._decide(meant.act, pressed, sender)
                return Came(Reply.DECIDED, name)
        return Came(Reply.PRESENT, {})

    async def _decide(self, act: Press, pressed: Pressed, sender: Sender) -> None:
        meant = pressed.meant
        if meant.repair_id is None:
            return
        if act is Press.REJECT:
            await self.repairs.reject(meant.project_id, meant.repair_id, sender.principal, FROM_CHAT)
            return
        # Without a digest the plan that was seen is not known: then none is the one that was seen.
        await self.repairs.approve(
            meant.project_id,
            meant.repair_id,
            sender.principal,
            digest=meant.plan_digest or "none was shown",
            reason=FROM_CHAT,
        )

    def clock(self, at: datetime) -> str:
        """Say a time of day by the policy's zone."""
        zone = self.policy().time_zone
        return f"{at.astimezone(ZoneInfo(zone)):%H:%M} {zone}"


def actor_of(event: Row) -> str:
    """Give the name under which the trail knows somebody whose account is linked to nobody."""
    return f"{event['platform']}:{event['account'] or 'unknown'}"
