"""The kinds of alert channels: what each needs, what of that is secret, and how much it may carry. One table for all.

The API, the CLI, the config document and docs/alerts.md go by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.suggestions import did_you_mean, shown

MAX_VALUE_CHARS = 4_096


class ChannelKind(StrEnum):
    CONSOLE = "console"
    WEBHOOK = "webhook"
    LINE = "line"
    TELEGRAM = "telegram"
    SLACK = "slack"
    EMAIL = "email"
    APPRISE = "apprise"


@dataclass(frozen=True, slots=True)
class ChannelField:
    """One thing that a channel is told. `form` is a pattern of its whole text; `usual` is what holds unless said."""

    name: str
    what: str
    is_secret: bool = False
    is_needed: bool = True
    usual: str | None = None
    form: str = r"[^\s].*"


@dataclass(frozen=True, slots=True)
class KindOfChannel:
    """What a kind is. `per_second`: so many messages one chat takes; `burst` at once. 0 asks for no pause."""

    kind: ChannelKind
    what: str
    fields: tuple[ChannelField, ...] = ()
    per_second: float = 0.0
    burst: int = 1

    def checked(
        self, settings: Mapping[str, str], secrets: Mapping[str, str], kept: frozenset[str] = frozenset()
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Give settings and secrets as they are kept; raise UsageError for what is missing, unknown or misshapen.

        `kept` are the names of secrets that the channel has already, and that need not be said again.
        """
        for given, is_secret in ((settings, False), (secrets, True)):
            known = [one.name for one in self.fields if one.is_secret is is_secret]
            for name, value in given.items():
                self._check(name, value, known, is_secret=is_secret)
        told = {**settings, **secrets}
        for one in self.fields:
            if one.is_needed and one.usual is None and one.name not in told and one.name not in kept:
                way = f"--secret-file {one.name}=FILE" if one.is_secret else f"--set {one.name}=VALUE"
                raise UsageError(f"a {self.kind} channel needs {one.name}: {one.what}", hint=f"Add {way}.")
        usual = {one.name: one.usual for one in self.fields if not one.is_secret and one.usual is not None}
        return {**usual, **settings}, dict(secrets)

    def _check(self, name: str, value: str, known: list[str], *, is_secret: bool) -> None:
        if name not in known:
            what = "secret" if is_secret else "setting"
            hint = did_you_mean(name, known) if known else ""
            raise UsageError(f"a {self.kind} channel knows no {what} {shown(name)}", hint=hint)
        form = next(one.form for one in self.fields if one.name == name)
        if len(value) > MAX_VALUE_CHARS or re.fullmatch(form, value) is None:
            said = "what is given" if is_secret else shown(value)
            raise UsageError(f"{name} of a {self.kind} channel cannot be {said}")


_ADDRESS = r"[^\s<>@,;]+@[^\s<>@,;]+"


def _api(usual: str) -> ChannelField:
    what = "where its API is, if not where everybody's is"
    return ChannelField("api", what, is_needed=False, usual=usual, form=r"https?://[^\s?#]+[^\s?#/]")


def _inbound(name: str, what: str) -> ChannelField:
    return ChannelField(name, what, is_secret=True, is_needed=False, form=r"\S+")


KINDS: Mapping[ChannelKind, KindOfChannel] = {
    one.kind: one
    for one in (
        KindOfChannel(ChannelKind.CONSOLE, "the outbox as people see it here; it sends nothing anywhere"),
        KindOfChannel(
            ChannelKind.WEBHOOK,
            "a signed JSON document is posted to an address",
            (ChannelField("url", "the address that it posts to", is_secret=True, form=r"https?://\S+"),),
        ),
        KindOfChannel(
            ChannelKind.LINE,
            "LINE Messaging API: a bubble is pushed to a user, a group or a room",
            (
                ChannelField("to", "the id of the user, group or room", form=r"[UCR][0-9a-f]{32}"),
                ChannelField("token", "the channel access token", is_secret=True, form=r"\S+"),
                _inbound("channel_secret", "the channel secret, by which inbound messages are believed"),
                _api("https://api.line.me"),
            ),
        ),
        KindOfChannel(
            ChannelKind.TELEGRAM,
            "Telegram Bot API: a message in a chat, edited in place as its incident changes",
            (
                ChannelField("chat", "the id of the chat, or @name", form=r"-?\d{1,20}|@\w{1,64}"),
                ChannelField("token", "the bot's token", is_secret=True, form=r"\d+:[\w-]+"),
                _inbound("webhook_secret", "the secret token that inbound updates bring"),
                _api("https://api.telegram.org"),
            ),
            per_second=1.0,
            burst=3,
        ),
        KindOfChannel(
            ChannelKind.SLACK,
            "Slack Web API: a message in a channel, updated as its incident changes, its story in a thread",
            (
                ChannelField("channel", "the id of the channel", form=r"[A-Z0-9]{2,64}|#[^\s]{1,80}"),
                ChannelField("token", "the bot's token", is_secret=True, form=r"\S+"),
                _inbound("signing_secret", "the signing secret, by which inbound requests are believed"),
                _api("https://slack.com/api"),
            ),
            per_second=1.0,
            burst=3,
        ),
        KindOfChannel(
            ChannelKind.EMAIL,
            "a mail by SMTP, text first and HTML beside it, one thread for each incident",
            (
                ChannelField("to", "who gets it; several with commas", form=rf"{_ADDRESS}( *, *{_ADDRESS})*"),
                ChannelField("from", "who it is from", form=_ADDRESS),
                ChannelField("server", "the mail server: HOST or HOST:PORT", form=r"[^\s/@:]+(:\d{1,5})?"),
                ChannelField(
                    "tls",
                    "starttls, tls (from the first byte), or none",
                    is_needed=False,
                    usual="starttls",
                    form="starttls|tls|none",
                ),
                ChannelField("user", "the name to log in by", is_needed=False, form=r"\S+"),
                ChannelField("password", "the password to log in by", is_secret=True, is_needed=False),
                ChannelField(
                    "unsubscribe",
                    "where one asks to get no more: an address of the web or mailto:",
                    is_needed=False,
                    form=r"(https?://|mailto:)[^\s<>]+",
                ),
            ),
        ),
        KindOfChannel(
            ChannelKind.APPRISE,
            "any other service that Apprise knows, by its address there; needs watchkeeper[apprise]",
            (
                ChannelField(
                    "url",
                    "the Apprise address, such as ntfys://HOST/TOPIC",
                    is_secret=True,
                    form=r"\w+://\S+",
                ),
            ),
            per_second=1.0,
            burst=3,
        ),
    )
}
