"""E-mail by SMTP: text first, HTML beside it; one subject and one thread for each incident."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP as MAIL_FORMAT
from html import escape
from typing import Any

from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.services.notifiers.port import Address, Message, NotDelivered
from watchkeeper.services.outward import NoAnswer, Outward

SECONDS = 15.0
"""For the whole of one mail, greeting to farewell."""

PORTS = {"starttls": 587, "tls": 465, "none": 25}
DOMAIN = "watchkeeper.invalid"
"""The right side of message ids: a name that is nobody's (RFC 2606), so that no id is somebody else's."""

TAGS = {MessageLanguage.EN: "en", MessageLanguage.ZH_HANT: "zh-Hant"}


class EmailNotifier:
    """Hands one mail to the server that the channel names, at a vetted address, under the name's certificate."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:
        made = mail(to, message)
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._hand_over(to, made)
        except TimeoutError:
            raise NotDelivered(f"the mail server did not take it within {SECONDS:g} seconds") from None
        return {"message_id": made["Message-ID"], "answer": answer}

    async def check(self, to: Address, message: Message) -> str:  # noqa: ARG002 - the port's shape
        try:
            async with asyncio.timeout(SECONDS):
                await self._hand_over(to, None)
        except TimeoutError:
            raise NotDelivered(f"the mail server did not answer within {SECONDS:g} seconds") from None
        return "the mail server lets us in"

    async def _hand_over(self, to: Address, made: EmailMessage | None) -> str:
        import aiosmtplib  # nobody without such a channel needs it

        settings = to.settings
        host, _, port = settings["server"].partition(":")
        tls = settings.get("tls", "starttls")
        try:
            dialled = await self._outward.socket(host, int(port or PORTS[tls]))
        except NoAnswer as failure:
            raise NotDelivered(failure.detail, is_permanent=failure.is_refused) from None
        client = aiosmtplib.SMTP(
            hostname=host,
            sock=dialled,
            use_tls=tls == "tls",
            start_tls=tls == "starttls",
            tls_context=self._outward.tls,
            timeout=SECONDS,
            local_hostname="localhost",
        )
        try:
            await client.connect()
            if settings.get("user"):
                await client.login(settings["user"], to.secrets.get("password", ""))
            if made is None:
                return "ready"
            _, answer = await client.send_message(made)
            await client.quit()
            return answer[:200]
        except aiosmtplib.SMTPException as error:
            raise _failure(error) from None
        except OSError as error:
            raise NotDelivered(f"the mail server broke off: {error}") from None
        finally:
            client.close()  # and with it what was dialled, which is the client's since


def mail(to: Address, message: Message) -> EmailMessage:
    """Write a message as a mail. Its subject stays the same through an incident, since mail clients go by it."""
    made = EmailMessage(policy=MAIL_FORMAT)
    made["From"] = to.settings["from"]
    made["To"] = to.settings["to"]
    made["Date"] = message.at
    made["Message-ID"] = f"<{message.id}@{DOMAIN}>"
    made["Subject"] = _one_line(message.subject or message.heading)
    if message.thread is not None:
        root = f"<{message.thread}@{DOMAIN}>"
        made["References"] = root
        made["In-Reply-To"] = root
    made["Auto-Submitted"] = "auto-generated"
    asked = to.settings.get("unsubscribe") or f"mailto:{to.settings['from']}?subject=unsubscribe"
    made["List-Unsubscribe"] = f"<{asked}>"
    made["Content-Language"] = TAGS[message.language]
    made.set_content("\n".join([message.heading, "", *message.body, *_ways(message)]) + "\n")
    made.add_alternative(html(message), subtype="html")
    return made


def html(message: Message) -> str:
    """Write a message as plain HTML: no style that a reader might drop, no picture that tells who read it."""
    lines = "".join(f"<p>{escape(line)}</p>" for line in message.body)
    ways = "".join(
        f'<p><a href="{escape(button.url)}">{escape(button.label(message.language))}</a></p>'
        for button in message.buttons
        if button.url is not None
    )
    tag = TAGS[message.language]
    return (
        f'<!DOCTYPE html><html lang="{tag}"><head><meta charset="utf-8">'
        f"<title>{escape(message.heading)}</title></head>"
        f"<body><h1>{escape(message.heading)}</h1>{lines}{ways}</body></html>\n"
    )


def _ways(message: Message) -> list[str]:
    pages = [one for one in message.buttons if one.url is not None]
    return ["", *(f"{one.label(message.language)}: {one.url}" for one in pages)] if pages else []


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _failure(error: Exception) -> NotDelivered:
    """Read what SMTP said: 4xx is for now; who may not log in, or sends to nobody, is refused for good."""
    import aiosmtplib

    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [one.code for one in error.recipients]
        said = "; ".join(f"{one.code} {one.message}" for one in error.recipients)
        return NotDelivered(
            f"no recipient was taken: {said}", is_permanent=all(500 <= code < 600 for code in codes)
        )
    if isinstance(error, aiosmtplib.SMTPResponseException):
        is_refused = 500 <= error.code < 600
        of_channel = isinstance(error, aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPSenderRefused)
        return NotDelivered(
            f"the mail server answered {error.code}: {error.message}",
            is_permanent=is_refused and of_channel,
            is_hopeless=is_refused and not of_channel,
        )
    return NotDelivered(f"the mail server did not take it: {error or type(error).__name__}")
