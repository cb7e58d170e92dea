"""The channels by which people are told: off until a person turns one on, tried at any time.

What a channel needs to send is written once and read by those alone who send; no answer and no record shows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from watchkeeper.domain.alert_facts import FACTS
from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.alert_words import clock as told_time
from watchkeeper.domain.channel_kinds import ChannelKind
from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.suggestions import shown
from watchkeeper.services.alert_texts import AlertTexts
from watchkeeper.services.notifiers.apprise import service_of
from watchkeeper.services.notifiers.port import Address, Checked, Message, NotDelivered, Notifier
from watchkeeper.services.outward import NoAnswer, Outward
from watchkeeper.services.wanted_channel import CONSOLE, WantedChannel
from watchkeeper.storage.database import Database, Row

__all__ = ["Channels", "Tried", "WantedChannel"]


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test message."""

    is_delivered: bool
    detail: str
    receipt: Mapping[str, Any]


class Channels:
    """The channels of one database."""

    def __init__(
        self,
        database: Database,
        redactor: Redactor,
        notifiers: Mapping[str, Notifier],
        outward: Outward,
        texts: AlertTexts,
    ) -> None:
        self._texts = texts
        self._database = database
        self._redactor = redactor
        self._notifiers = notifiers
        self._outward = outward

    async def list(self, project_id: str) -> tuple[list[Row], list[Row]]:
        """Give a project's channels, and by which its alerts go now: its own, or those of the installation."""
        where = {"project_id": project_id}
        rows = await self._database.fetch("list_channels", where)
        return rows, await self._database.fetch("list_routes", where)

    async def turn_on(
        self, project_id: str, wanted: WantedChannel, *, actor: str, reason: str
    ) -> tuple[Row, str | None]:
        """Turn a channel on; give it, and with a new address the key that its messages are signed with, this once.

        Raises UsageError for what is no channel.
        """
        for secret in filter(None, (wanted.url, wanted.signing, *wanted.secrets.values())):
            self._redactor.learn(secret)
        wanted.check()
        where = {"project_id": project_id, "name": wanted.name}
        kept = wanted.kept(await self._database.fetch_one("find_channel", where))
        await self._vet_all(wanted, json.loads(kept["settings"]))
        row = await self._database.fetch_row(
            "turn_channel_on",
            {**where, **kept, "actor": actor, "reason": self._redactor.redact(reason)},
        )
        return row, kept["signing"]

    async def turn_off(self, project_id: str, name: str, *, actor: str, reason: str) -> None:
        """Turn a channel off; what waits for it is dropped. Raises NotFound."""
        arguments = {
            "project_id": project_id,
            "name": name,
            "actor": actor,
            "reason": self._redactor.redact(reason),
        }
        if not await self._database.fetch("turn_channel_off", arguments):
            raise NotFound(f"there is no channel {shown(name)} in this project")

    async def test(self, project_id: str, name: str, *, actor: str, dry_run: bool = False) -> Tried:
        """Send a message at once and say what came of it; raise NotFound. A failure changes nothing.

        A dry run sends nothing: the other side is asked whether it would take the message, where that can be asked.
        """
        where = {"project_id": project_id, "name": name}
        row = await self._database.fetch_one("find_channel", where)
        if row is None and name != CONSOLE:
            raise NotFound(f"there is no channel {shown(name)} in this project")
        notifier = self._notifiers[CONSOLE if row is None else row["kind"]]
        if dry_run and not isinstance(notifier, Checked):
            return Tried(False, "nothing was sent: this is a dry run", {})
        to = await self._address(where, row)
        message = await self._test_message(project_id, name, actor, row)
        if dry_run and isinstance(notifier, Checked):
            try:
                said = await notifier.check(to, message)
            except NotDelivered as failure:
                return Tried(False, self._redactor.redact(failure.detail), {})
            return Tried(False, f"nothing was sent: this is a dry run; {said}", {})
        return await self._sent(where, notifier, to, message)

    async def say(self, project_id: str, name: str, title: str, text: str, *, recipient: str) -> Tried:
        """Send words at once by a channel that is on, past the outbox, so that nothing of them is kept.

        Raises NotFound for a channel that is not there or is off; what else goes wrong is told.
        """
        where = {"project_id": project_id, "name": name}
        row = await self.one_that_is_on(project_id, name)
        now = (await self._database.fetch_row("clock"))["now"]
        message = Message(
            uuid4(),
            project_id,
            "info",
            text,
            recipient,
            0,
            now,
            subject=title,
            moment=Moment.NOTICE,
            language=MessageLanguage(row["language"]),
            title=title,
            lines=tuple(text.splitlines()),
        )
        return await self._sent(where, self._notifiers[row["kind"]], await self._address(where, row), message)

    async def one_that_is_on(self, project_id: str, name: str) -> Row:
        """Give a channel that is on; raise NotFound."""
        row = await self._database.fetch_one("find_channel", {"project_id": project_id, "name": name})
        if row is None or not row["is_on"]:
            raise NotFound(f"there is no channel {shown(name)} in this project that is on")
        return row

    async def _address(self, where: dict[str, Any], row: Row | None) -> Address:
        kept = await self._database.fetch_one("channel_address", where) or {}
        to = Address(
            where["project_id"],
            where["name"],
            kept.get("address") or "",
            kept.get("signing") or "",
            {} if row is None else row["settings"],
            dict(kept.get("secrets") or {}),
        )
        for secret in filter(None, (to.address, to.signing, *to.secrets.values())):
            self._redactor.learn(secret)
        return to

    async def _sent(self, where: dict[str, Any], notifier: Notifier, to: Address, message: Message) -> Tried:
        try:
            receipt = dict(await notifier.send(to, message))
        except NotDelivered as failure:
            return Tried(False, self._redactor.redact(failure.detail), {})
        if moved := receipt.pop("moved_to", None):
            await self._database.fetch("move_channel", {**where, "settings": json.dumps(moved)})
        return Tried(True, "it was taken", receipt)

    async def _test_message(self, project_id: str, name: str, actor: str, row: Row | None) -> Message:
        now = (await self._database.fetch_row("clock"))["now"]
        language = MessageLanguage.EN if row is None else MessageLanguage(row["language"])
        zone = "UTC" if row is None else row["time_zone"]
        facts = {
            **dict.fromkeys(FACTS, ""),
            "channel": name,
            "actor": self._redactor.redact(actor),
            "at": told_time(now, zone),
            "project": project_id,
        }
        plain = "This is a test of the alert channel; nothing is wrong."
        written = self._texts.write(Moment.TEST, language, facts, plain)
        return Message(
            uuid4(),
            project_id,
            "info",
            plain,
            actor,
            0,
            now,
            subject=written.title,
            moment=Moment.TEST,
            language=language,
            title=written.title,
            lines=written.lines,
        )

    async def _vet_all(self, wanted: WantedChannel, settings: Mapping[str, str]) -> None:
        if wanted.address is not None:
            await self._vet(wanted.address)
        if "api" in settings:
            await self._vet(settings["api"])
        if wanted.kind == ChannelKind.EMAIL:
            await self._vet(f"http://{settings['server'].partition(':')[0]}/")
        if wanted.kind == ChannelKind.APPRISE and "url" in wanted.secrets:
            service_of(wanted.secrets["url"])

    async def _vet(self, url: str) -> None:
        """Refuse an address that no message would ever be sent to; one that cannot be looked up now may be later."""
        try:
            await self._outward.vet(url)
        except NoAnswer as refused:
            if refused.is_refused:
                raise UsageError(
                    f"the address is none that is posted to: {refused.detail}",
                    hint="The setting fetch_allow names hosts of your own that may be.",
                ) from None
