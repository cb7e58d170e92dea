"""The channels by which people are told: off until a person turns one on, tried at any time.

What a channel needs to send is written once and read by those alone who send; no answer and no record shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.foreign_addresses import AddressRefused, ForeignUrl
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.suggestions import did_you_mean, shown
from watchkeeper.services.notifiers.port import Address, Message, NotDelivered, Notifier
from watchkeeper.services.notifiers.webhook import is_signing_secret, new_signing_secret
from watchkeeper.services.outward import NoAnswer, Outward
from watchkeeper.storage.database import Database, Row

CONSOLE = "console"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_HOURS = re.compile(r"(\d{1,2}:\d{2})-(\d{1,2}:\d{2})")


@dataclass(frozen=True, slots=True)
class WantedChannel:
    """A channel as a person asks for it. `quiet` is `HH:MM-HH:MM` in its time zone; without `url` that one stays.

    `signing`: the key that its messages are signed with; None makes one.
    """

    name: str
    kind: str
    url: str | None = None
    quiet: str | None = None
    time_zone: str = "UTC"
    signing: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test message."""

    is_delivered: bool
    detail: str
    receipt: Mapping[str, Any]


class Channels:
    """The channels of one database."""

    def __init__(
        self, database: Database, redactor: Redactor, notifiers: Mapping[str, Notifier], outward: Outward
    ) -> None:
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
        self._check(wanted)
        known = await self._database.fetch_one(
            "find_channel", {"project_id": project_id, "name": wanted.name}
        )
        if wanted.kind != CONSOLE and wanted.url is None and (known is None or known["kind"] != wanted.kind):
            raise UsageError(f"a {wanted.kind} needs the address that it posts to", hint="Add --url URL.")
        begins, ends = _hours(wanted)
        if wanted.url is not None:
            await self._vet(wanted.url)
        signing = None if wanted.url is None else wanted.signing or new_signing_secret()
        arguments = {
            "project_id": project_id,
            "name": wanted.name,
            "kind": wanted.kind,
            "shown_address": None if wanted.url is None else _origin(wanted.url),
            "address": wanted.url,
            "signing": signing,
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

        A dry run sends nothing.
        """
        where = {"project_id": project_id, "name": name}
        row = await self._database.fetch_one("find_channel", where)
        if row is None and name != CONSOLE:
            raise NotFound(f"there is no channel {shown(name)} in this project")
        if dry_run:
            return Tried(False, "nothing was sent: this is a dry run", {})
        secrets = await self._database.fetch_one("channel_address", where) or {"address": "", "signing": ""}
        for secret in filter(None, secrets.values()):
            self._redactor.learn(secret)
        clock = await self._database.fetch_row("clock")
        message = Message(
            uuid4(),
            project_id,
            "info",
            "This is a test of the alert channel; nothing is wrong.",
            actor,
            0,
            clock["now"],
            subject="test",
        )
        notifier = self._notifiers[CONSOLE if row is None else row["kind"]]
        try:
            receipt = await notifier.send(Address(project_id, name, **secrets), message)
        except NotDelivered as failure:
            return Tried(False, self._redactor.redact(failure.detail), {})
        return Tried(True, "it was taken", receipt)

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
        if wanted.kind == CONSOLE and wanted.url is not None:
            raise UsageError("the console has no address")
        if wanted.url is not None:
            _origin(wanted.url)
        if wanted.signing is not None and not is_signing_secret(wanted.signing):
            raise UsageError("the key that signs is none: 'whsec_' and the base64 of 24 to 64 bytes")

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
