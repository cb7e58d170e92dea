"""The channels by which people are told: off until a person turns one on, tried at any time.

What a channel needs to send is written once and read by those alone who send; no answer and no record shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from watchkeeper.domain.alert_facts import FACTS
from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.alert_words import clock as told_time
from watchkeeper.domain.channel_kinds import KINDS, ChannelKind
from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.foreign_addresses import AddressRefused, ForeignUrl
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.suggestions import did_you_mean, shown
from watchkeeper.services.alert_texts import AlertTexts
from watchkeeper.services.notifiers.apprise import service_of
from watchkeeper.services.notifiers.port import Address, Checked, Message, NotDelivered, Notifier
from watchkeeper.services.notifiers.webhook import is_signing_secret, new_signing_secret
from watchkeeper.services.outward import NoAnswer, Outward
from watchkeeper.storage.database import Database, Row

CONSOLE = "console"
PER_HOUR = 30
"""So many messages a channel carries in an hour unless somebody says otherwise; what is more goes together."""

MOST_PER_HOUR = 10_000
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_HOURS = re.compile(r"(\d{1,2}:\d{2})-(\d{1,2}:\d{2})")


@dataclass(frozen=True, slots=True)
class WantedChannel:
    """A channel as a person asks for it. `quiet` is `HH:MM-HH:MM` in its time zone; secrets that are not said stay.

    `settings` and `secrets` are those of domain/channel_kinds.py. A webhook's `url` is one of its secrets; `signing` is
    the key that its messages are signed with, None makes one.
    """

    name: str
    kind: str
    url: str | None = None
    quiet: str | None = None
    time_zone: str = "UTC"
    signing: str | None = field(default=None, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str = MessageLanguage.EN
    per_hour: int = PER_HOUR


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
        self._check(wanted)
        where = {"project_id": project_id, "name": wanted.name}
        known = await self._database.fetch_one("find_channel", where)
        is_other = known is None or known["kind"] != wanted.kind
        kept = frozenset() if known is None or is_other else frozenset(known["secrets"])
        url = wanted.url or wanted.secrets.get("url")
        settings, secrets, signing = dict(wanted.settings), dict(wanted.secrets), None
        if wanted.kind == ChannelKind.WEBHOOK:
            if url is None and is_other:
                raise UsageError(f"a {wanted.kind} needs the address that it posts to", hint="Add --url URL.")
            signing = None if url is None else wanted.signing or new_signing_secret()
            secrets = {}
        else:
            if known is not None and not is_other:
                settings = {**known["settings"], **settings}
            settings, secrets = KINDS[ChannelKind(wanted.kind)].checked(settings, secrets, kept)
        begins, ends = _hours(wanted)
        await self._vet_all(wanted.kind, url, settings, secrets)
        arguments = {
            **where,
            "kind": wanted.kind,
            "shown_address": _shown_address(wanted.kind, url, settings),
            "address": url if wanted.kind == ChannelKind.WEBHOOK else None,
            "signing": signing,
            "settings": json.dumps(settings),
            "secrets": json.dumps(secrets),
            "is_other": is_other,
            "language": wanted.language,
            "per_hour": wanted.per_hour,
            "quiet_from": begins,
            "quiet_to": ends,
            "time_zone": wanted.time_zone,
            "actor": actor,
            "reason": self._redactor.redact(reason),
        }
        row = await self._database.fetch_row("turn_channel_on", arguments)
        return row, signing

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
        kept = await self._database.fetch_one("channel_address", where) or {}
        to = Address(
            project_id,
            name,
            kept.get("address") or "",
            kept.get("signing") or "",
            {} if row is None else row["settings"],
            dict(kept.get("secrets") or {}),
        )
        for secret in filter(None, (to.address, to.signing, *to.secrets.values())):
            self._redactor.learn(secret)
        message = await self._test_message(project_id, name, actor, row)
        try:
            if dry_run and isinstance(notifier, Checked):
                said = await notifier.check(to, message)
                return Tried(False, f"nothing was sent: this is a dry run; {said}", {})
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

    def _check(self, wanted: WantedChannel) -> None:
        if not _NAME.fullmatch(wanted.name):
            raise UsageError(
                f"{shown(wanted.name)} is no name for a channel: small letters, digits, '.', '_', '-'"
            )
        if wanted.kind not in self._notifiers:
            raise UsageError(
                f"unknown kind of channel {shown(wanted.kind)}; {did_you_mean(wanted.kind, self._notifiers)}"
            )
        if (wanted.kind == CONSOLE) != (wanted.name == CONSOLE):
            raise UsageError("the console is one channel, and its name is 'console'")
        if wanted.kind != ChannelKind.WEBHOOK and wanted.url is not None:
            raise UsageError(f"a channel of the kind {wanted.kind} takes no --url")
        if (url := wanted.url or wanted.secrets.get("url")) and wanted.kind == ChannelKind.WEBHOOK:
            _origin(url)
        if wanted.language not in set(MessageLanguage):
            raise UsageError(
                f"unknown language {shown(wanted.language)}; it is one of {', '.join(MessageLanguage)}"
            )
        if not 1 <= wanted.per_hour <= MOST_PER_HOUR:
            raise UsageError(f"a channel carries 1 to {MOST_PER_HOUR:,} messages in an hour")
        if wanted.signing is not None and not is_signing_secret(wanted.signing):
            raise UsageError("the key that signs is none: 'whsec_' and the base64 of 24 to 64 bytes")

    async def _vet_all(
        self, kind: str, url: str | None, settings: Mapping[str, str], secrets: Mapping[str, str]
    ) -> None:
        if kind == ChannelKind.WEBHOOK and url is not None:
            await self._vet(url)
        if "api" in settings:
            await self._vet(settings["api"])
        if kind == ChannelKind.EMAIL:
            await self._vet(f"http://{settings['server'].partition(':')[0]}/")
        if kind == ChannelKind.APPRISE and "url" in secrets:
            service_of(secrets["url"])

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


def _shown_address(kind: str, url: str | None, settings: Mapping[str, str]) -> str | None:
    """Give the part of where a channel leads to that people may see."""
    if kind == ChannelKind.WEBHOOK:
        return None if url is None else _origin(url)
    return next((settings[name] for name in ("to", "chat", "channel") if name in settings), None)


def _origin(url: str) -> str:
    """Give the part of an address that is no secret; raise UsageError for one that is none."""
    try:
        target = ForeignUrl.parse(url)
    except AddressRefused:
        raise UsageError(
            "the address is no http(s) address that can be posted to",
            hint="Without a name and password in it; what is secret belongs into its path.",
        ) from None
    return f"{target.scheme}://{target.authority}"


def _hours(wanted: WantedChannel) -> tuple[str | None, str | None]:
    try:
        ZoneInfo(wanted.time_zone)
    except (ValueError, OSError, LookupError):
        raise UsageError(
            f"there is no time zone {shown(wanted.time_zone)}",
            hint="Use a name of the IANA database, such as 'UTC' or 'Asia/Taipei'.",
        ) from None
    if wanted.quiet is None:
        return None, None
    found = _HOURS.fullmatch(wanted.quiet)
    try:
        begins, ends = (
            (time.fromisoformat(part.zfill(5)) for part in found.groups()) if found else (None, None)
        )
    except ValueError:
        begins, ends = None, None
    if begins is None or ends is None or begins == ends:
        raise UsageError(f"{shown(wanted.quiet)} are no quiet hours", hint="Write them as '22:00-07:00'.")
    return begins.isoformat(), ends.isoformat()
