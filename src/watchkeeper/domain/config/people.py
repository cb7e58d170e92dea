"""The sections `contacts`, `channels` and `alerts`: who is called, by what, and of which rules."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.domain.config import stability
from watchkeeper.domain.config.reading import Field, Section, field_of
from watchkeeper.domain.policies import Contact
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.suggestions import did_you_mean

CONSOLE = "console"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


class ChannelKind(StrEnum):
    CONSOLE = "console"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class ChannelDeclaration:
    """A channel of the document. What it says of `on` is done once; None: a person decides, by `channel on`.

    Its address is in a file, since it is a secret; the key that signs its messages may stand in the next line.
    """

    name: str
    kind: ChannelKind
    is_on: bool | None = None
    url_file: str | None = None
    quiet_hours: str | None = None


@dataclass(frozen=True, slots=True)
class Alerts:
    """The section `alerts`. `notify_on`: None tells of every rule."""

    channels: tuple[str, ...] = ()
    notify_on: frozenset[RuleName] | None = None


def read_contacts(given: Field, channels: Collection[str]) -> dict[str, Contact]:
    """Read the section; `channels` are those that the document knows."""
    section = given.section()
    found: dict[str, Contact] = {}
    if section is None:
        return found
    with section:
        for name, one in section.fields():
            if not isinstance(one.placed.value, dict):
                person = one.text("the name of a person")
                found[name] = Contact(person or name)
                continue
            below = one.section()
            if below is not None:
                found[name] = _contact(below, name, one, channels)
    return found


def _contact(section: Section, name: str, given: Field, channels: Collection[str]) -> Contact:
    with section:
        person = section.take("person", field_of(Field.text, "the name of a person"))
        if not section.has("person"):
            given.refuse("a contact needs 'person'")
        named = section.take("channels", lambda one: known_channels(one, channels))
        return Contact(person or name, named or ())


def known_channels(given: Field, channels: Collection[str] | None) -> tuple[str, ...]:
    """Read names of channels, which are among those that the document knows; None takes any."""
    if channels is None:
        return given.texts()
    known = {*channels, CONSOLE}
    return tuple(name for one in given.items() if (name := one.among(known, "channel of this document")))


def read_channels(given: Field) -> tuple[ChannelDeclaration, ...]:
    section = given.section()
    found: list[ChannelDeclaration] = []
    if section is None:
        return ()
    with section:
        for name, one in section.fields():
            if not _NAME.fullmatch(name):
                one.refuse(
                    "a channel's name is of small letters, digits, '.', '_' and '-'", at=one.placed.key
                )
            elif (below := one.section()) is not None and (channel := _channel(below, name, one)):
                found.append(channel)
    return tuple(found)


def _channel(section: Section, name: str, given: Field) -> ChannelDeclaration | None:
    with section:
        kind = section.take("kind", field_of(Field.one_of, ChannelKind))
        is_on = section.take("on", Field.boolean)
        url_file = section.take("url_file", field_of(Field.text, "the path of a file"))
        quiet = section.take("quiet_hours", _quiet)
        if not section.has("kind"):
            given.refuse("a channel needs 'kind'", f"known are {', '.join(ChannelKind)}")
    if kind is None:
        return None
    if (kind is ChannelKind.CONSOLE) != (name == CONSOLE):
        given.refuse("the console is one channel, and its name is 'console'")
    if kind is ChannelKind.WEBHOOK and is_on and not section.has("url_file"):
        given.refuse("a webhook that is on needs 'url_file', the path of a file that holds its address")
    return ChannelDeclaration(name, kind, is_on, url_file, quiet)


def _quiet(given: Field) -> str | None:
    text = given.text("a time of day")
    if text is not None and not _HOURS.fullmatch(text):
        given.refuse(f"{given.shown()} are no quiet hours", 'write them as "22:00-07:00"')
        return None
    return text


def read_alerts(given: Field, channels: Collection[str] | None) -> Alerts:
    section = given.section()
    if section is None:
        return Alerts()
    with section:
        named = section.take("channel", lambda one: known_channels(one, channels))
        notify_on = section.take("notify_on", _told_of)
    return Alerts(named or (), notify_on)


def _told_of(given: Field) -> frozenset[RuleName]:
    words = {rule.value: rule for rule in RuleName}
    words |= {word: alert.rule for word, alert in stability.ALERTS.items()}
    found = set()
    for one in given.items():
        text = one.text("the name of a rule")
        if text is not None and text in words:
            found.add(words[text])
        elif text is not None:
            one.refuse("there is no such rule", did_you_mean(text, words))
    return frozenset(found)
