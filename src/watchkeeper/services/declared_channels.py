"""What a config document says of channels, done once: each is turned on or off for the whole installation.

A person's later word stands until the document says something else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from watchkeeper.domain.config.people import CONSOLE, ChannelDeclaration
from watchkeeper.domain.errors import NotFound, UsageError, WatchkeeperError
from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.logs import log
from watchkeeper.services.channels import Channels, WantedChannel
from watchkeeper.services.wanted_channel import PER_HOUR

MAX_CHARS = 8_192
SAID = "the config document says so"


async def declare(
    channels: Channels, declared: Sequence[ChannelDeclaration], time_zone: str, actor: str
) -> None:
    """Turn on and off what the document says of; one that cannot be is logged, and does not hold up the others."""
    for one in declared:
        try:
            if one.is_on:
                await channels.turn_on(
                    SYSTEM_PROJECT, await asyncio.to_thread(_wanted, one, time_zone), actor=actor, reason=SAID
                )
            elif one.is_on is False:
                await channels.turn_off(SYSTEM_PROJECT, one.name, actor=actor, reason=SAID)
        except NotFound:
            continue  # it was never on
        except WatchkeeperError as error:
            log("channel_refused", channel=one.name, detail=error.message)


def _wanted(one: ChannelDeclaration, time_zone: str) -> WantedChannel:
    url, signing = None, None
    secrets = {name: _secret(name, path) for name, path in one.secret_files.items()}
    if one.name != CONSOLE and one.url_file is not None:
        try:
            lines = Path(one.url_file).read_text(encoding="utf-8")[:MAX_CHARS].split()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"its url_file cannot be read: {error}") from None
        if not 1 <= len(lines) <= 2:
            raise UsageError("its url_file holds an address, and in the next line the key that signs, if any")
        url, signing = lines[0], lines[1] if len(lines) == 2 else None
    return WantedChannel(
        one.name,
        one.kind.value,
        url,
        one.quiet_hours,
        time_zone,
        signing,
        one.settings,
        secrets,
        one.language,
        one.per_hour or PER_HOUR,
    )


def _secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")[:MAX_CHARS].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the file of its {name} cannot be read: {error}") from None
