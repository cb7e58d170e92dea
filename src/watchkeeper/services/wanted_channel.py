"""A channel as a person asks for it, and what is kept of it; a wrong wish is refused before anything is written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from watchkeeper.domain.channel_kinds import KINDS, ChannelKind
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.foreign_addresses import AddressRefused, ForeignUrl
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.suggestions import did_you_mean, shown
from watchkeeper.services.notifiers.webhook import is_signing_secret, new_signing_secret
from watchkeeper.storage.database import Row

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

    @property
    def address(self) -> str | None:
        """Give where a webhook posts to, however it was said."""
        return self.url or self.secrets.get("url") if self.kind == ChannelKind.WEBHOOK else None

    def check(self) -> None:
        """Raise UsageError for what is no channel, whatever is known of it."""
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"{shown(self.name)} is no name for a channel: small letters, digits, '.', '_', '-'"
            )
        if self.kind not in set(ChannelKind):
            raise UsageError(
                f"unknown kind of channel {shown(self.kind)}; {did_you_mean(self.kind, [*ChannelKind])}"
            )
        if (self.kind == CONSOLE) != (self.name == CONSOLE):
            raise UsageError("the console is one channel, and its name is 'console'")
        if self.kind != ChannelKind.WEBHOOK and self.url is not None:
            raise UsageError(f"a channel of the kind {self.kind} takes no --url")
        if (url := self.url or self.secrets.get("url")) and self.kind == ChannelKind.WEBHOOK:
            _origin(url)
        if self.language not in set(MessageLanguage):
            raise UsageError(
                f"unknown language {shown(self.language)}; it is one of {', '.join(MessageLanguage)}"
            )
        if not 1 <= self.per_hour <= MOST_PER_HOUR:
            raise UsageError(f"a channel carries 1 to {MOST_PER_HOUR:,} messages in an hour")
        if self.signing is not None and not is_signing_secret(self.signing):
            raise UsageError("the key that signs is none: 'whsec_' and the base64 of 24 to 64 bytes")

    def kept(self, known: Row | None) -> dict[str, Any]:
        """Give what is kept of this channel over what is known of it; raise UsageError for what is missing.

        `signing` is a new key where the address of a webhook is new.
        """
        is_other = known is None or known["kind"] != self.kind
        settings, secrets = dict(self.settings), dict(self.secrets)
        if self.kind == ChannelKind.WEBHOOK:
            if self.address is None and is_other:
                raise UsageError(f"a {self.kind} needs the address that it posts to", hint="Add --url URL.")
            secrets.pop("url", None)
        else:
            before = {} if known is None or is_other else known["settings"]
            names = frozenset() if known is None or is_other else frozenset(known["secrets"])
            settings, secrets = KINDS[ChannelKind(self.kind)].checked({**before, **settings}, secrets, names)
        begins, ends = _hours(self)
        return {
            "name": self.name,
            "kind": self.kind,
            "shown_address": _shown_address(self.address, settings),
            "address": self.address,
            "signing": None if self.address is None else self.signing or new_signing_secret(),
            "settings": json.dumps(settings),
            "secrets": json.dumps(secrets),
            "is_other": is_other,
            "language": self.language,
            "per_hour": self.per_hour,
            "quiet_from": begins,
            "quiet_to": ends,
            "time_zone": self.time_zone,
        }


def _shown_address(address: str | None, settings: Mapping[str, str]) -> str | None:
    """Give the part of where a channel leads to that people may see."""
    if address is not None:
        return _origin(address)
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
