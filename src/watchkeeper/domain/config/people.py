"""The sections `contacts`, `channels` and `alerts`: who is called, by what, and of which rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.channel_kinds import KINDS, ChannelKind
from watchkeeper.domain.config import stability
from watchkeeper.domain.config.reading import Field, Section, Word, field_of
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.policies import Contact
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.suggestions import did_you_mean

CONSOLE = "console"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class ChannelDeclaration:
    """A channel of the document. What it says of `on` is done once; None: a person decides, by `channel on`.

    What is secret stands in files: a webhook's address in `url_file` (the key that signs its messages may stand in the
    next line), the secrets of other kinds each in a file of `secret_files`.
    """

    name: str
    kind: ChannelKind
    is_on: bool | None = None
    url_file: str | None = None
    quiet_hours: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    secret_files: Mapping[str, str] = field(default_factory=dict)
    language: MessageLanguage = MessageLanguage.EN
    per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Alerts:
    """The section `alerts`. `notify_on`: None tells of every rule. `texts` are templates of one's own."""

    channels: tuple[str, ...] = ()
    notify_on: frozenset[RuleName] | None = None
    texts: Mapping[Moment, Mapping[MessageLanguage, str]] = field(default_factory=dict)


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
        language = section.take("language", field_of(Field.one_of, MessageLanguage))
        return Contact(person or name, named or (), language)


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
        settings = section.take("settings", _named) or {}
        files = section.take("secret_files", _named) or {}
        language = section.take("language", field_of(Field.one_of, MessageLanguage)) or MessageLanguage.EN
        per_hour = section.take("per_hour", field_of(Field.whole, 1, 10_000))
        if not section.has("kind"):
            given.refuse("a channel needs 'kind'", f"known are {', '.join(ChannelKind)}")
    if kind is None:
        return None
    if (kind is ChannelKind.CONSOLE) != (name == CONSOLE):
        given.refuse("the console is one channel, and its name is 'console'")
    if kind is ChannelKind.WEBHOOK and is_on and not section.has("url_file"):
        given.refuse("a webhook that is on needs 'url_file', the path of a file that holds its address")
    if kind not in (ChannelKind.CONSOLE, ChannelKind.WEBHOOK) and (is_on or settings or files):
        _check(given, kind, settings, files)
    return ChannelDeclaration(name, kind, is_on, url_file, quiet, settings, files, language, per_hour)


def _check(given: Field, kind: ChannelKind, settings: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Refuse what a channel of this kind does not know, or lacks; what the files hold is looked at when it is on."""
    known = {one.name for one in KINDS[kind].fields if one.is_secret}
    for name in files:
        if name not in known:
            given.refuse(f"a {kind} channel knows no secret '{name}'", did_you_mean(name, known))
    try:
        KINDS[kind].checked(settings, {}, frozenset(files))
    except UsageError as error:
        given.refuse(error.message)


def _named(given: Field) -> dict[str, str]:
    section = given.section()
    found: dict[str, str] = {}
    if section is None:
        return found
    with section:
        for name, one in section.fields():
            text = one.text()
            if text is not None:
                found[name] = text
    return found


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
        texts = section.take("texts", _texts)
    return Alerts(named or (), notify_on, texts or {})


MAX_TEMPLATE_CHARS = 4_000


def _texts(given: Field) -> dict[Moment, dict[MessageLanguage, str]]:
    """Read templates by moment and language. Whether they are whole is found when they are used."""
    found: dict[Moment, dict[MessageLanguage, str]] = {}
    for moment, below in _keyed(given, Moment):
        for language, one in _keyed(below, MessageLanguage):
            text = one.placed.value
            if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEMPLATE_CHARS:
                one.refuse(f"a template is a text of 1 to {MAX_TEMPLATE_CHARS} characters, not {one.shown()}")
            else:
                found.setdefault(moment, {})[language] = text
    return found


def _keyed(given: Field, words: type[Word]) -> Iterator[tuple[Word, Field]]:
    section = given.section()
    if section is None:
        return
    with section:
        for key, one in section.fields():
            if key in set(words):
                yield words(key), one
            else:
                one.refuse("this key is unknown", did_you_mean(key, [*words]), at=one.placed.key)


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
