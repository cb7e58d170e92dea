"""The buttons of a message, made at the moment when it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.channel_kinds import ChannelKind
from watchkeeper.domain.chat.words import LABELS, Press
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.services.chat.buttons import BUTTON_SECONDS, ButtonFor, make_button
from watchkeeper.services.chat.standing import asked_about
from watchkeeper.services.notifiers.links import LinkButtons
from watchkeeper.services.notifiers.port import Address, Button, Message
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one

OF_A_TROUBLE = (Press.ACKNOWLEDGE, Press.QUIET)
OF_AN_APPROVAL = (Press.APPROVE, Press.REJECT)

ACTS: Mapping[Moment, tuple[Press, ...]] = {
    Moment.OPENED: OF_A_TROUBLE,
    Moment.ESCALATED: OF_A_TROUBLE,
    Moment.STORM: (Press.ACKNOWLEDGE,),
    Moment.APPROVAL: OF_AN_APPROVAL,
}
"""What can be pressed under a message of a moment. All else is only opened."""

PLACE = {ChannelKind.LINE: "to", ChannelKind.TELEGRAM: "chat", ChannelKind.SLACK: "channel"}
"""The setting that names the chat. Where that is one person's own, a button is for that account alone."""

UNCHANGING = frozenset({ChannelKind.LINE})
"""What stands there cannot be changed any more: what asks for a decision is opened on its page instead."""

TAKEN_CARE_OF = frozenset({"acknowledged", "resolved"})
"""Nobody is asked again to take care of what stands so."""

STYLES = {Press.APPROVE: "primary", Press.ACKNOWLEDGE: "primary", Press.REJECT: "danger"}


class ChatButtons:
    """Makes buttons for channels with an open door; for all others a message has only its link."""

    def __init__(self, database: Database, seconds: float = BUTTON_SECONDS) -> None:
        self._database = database
        self._links = LinkButtons()
        self._seconds = seconds

    async def buttons_for(self, to: Address, kind: str, message: Message) -> tuple[Button, ...]:
        """Give the buttons of a message, the page that it is about among them. Each attempt gets new tokens."""
        opened = await self._links.buttons_for(to, kind, message)
        acts = ACTS.get(message.moment, ())
        if kind not in set(PLACE) or not acts or not message.incidents:
            return opened
        async with self._database.transaction() as connection:
            where = {"project_id": to.project_id, "channel": to.name}
            if await fetch_one(connection, "door_of_channel", where) is None:
                return opened
            about = await asked_about(connection, message.project_id, message.incidents[0], None)
            if about["incident_state"] in TAKEN_CARE_OF:
                acts = tuple(act for act in acts if act in OF_AN_APPROVAL)
            made = [
                await self._made(connection, to, ChannelKind(kind), message, act)
                for act in acts
                if act not in OF_AN_APPROVAL or kind not in UNCHANGING
            ]
        return (*(button for button in made if button is not None), *opened)

    async def _made(
        self, connection: Connection, to: Address, kind: ChannelKind, message: Message, act: Press
    ) -> Button | None:
        repair = None
        if act in OF_AN_APPROVAL:
            repair = await self._repair(connection, message.project_id, message.incidents[0])
            if repair is None:
                return None
        meant = ButtonFor(
            act,
            message.project_id,
            to.project_id,
            to.name,
            alert_id=message.id,
            incident_id=message.incidents[0],
            repair_id=None if repair is None else repair["id"],
            plan_digest=None if repair is None else repair["plan_digest"],
            link_id=await self._link(connection, to, kind),
        )
        token = await make_button(connection, meant, self._seconds)
        labels = {language: LABELS[language][act] for language in MessageLanguage}
        return Button(labels, token=token, style=STYLES.get(act))

    async def _repair(self, connection: Connection, project_id: str, incident: UUID) -> Row | None:
        """Give the one repair of an incident that waits for a word; with several, the page tells them apart."""
        asked = {"project_id": project_id, "incident_id": incident}
        rows = await fetch(connection, "repairs_awaiting_word", asked)
        return rows[0] if len(rows) == 1 else None

    async def _link(self, connection: Connection, to: Address, kind: ChannelKind) -> UUID | None:
        account = to.settings.get(PLACE[kind], "")
        where = {"project_id": to.project_id, "channel": to.name, "account": account}
        row = await fetch_one(connection, "link_of_account", where)
        return None if row is None else row["id"]
