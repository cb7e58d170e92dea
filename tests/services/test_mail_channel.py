"""Alerts by mail, to a real SMTP server: TLS, a login, threads, and what a refusal means. And by Apprise."""

from __future__ import annotations

import asyncio
import email
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import SSLContext
from threading import Thread
from typing import Any, ClassVar

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from moving_clock import MovingClock
from services.alerts import alerts, change, opened
from services.test_fetch_tls import NAME, certificate, server_side, trusting
from unit.test_alert_skins import a_message
from watchkeeper.app.alerting import AlertParts, alert_parts
from watchkeeper.app.whole import App
from watchkeeper.domain.allowed_hosts import AllowedHost
from watchkeeper.domain.errors import UsageError
from watchkeeper.services.channels import WantedChannel
from watchkeeper.services.fetch import FetchConfig
from watchkeeper.services.notifiers.email import EmailNotifier
from watchkeeper.services.notifiers.port import Address, NotDelivered
from watchkeeper.services.outward import Outward

__all__ = ["certificate"]
PASSWORD = "s3cr3t-w0rd"


class Postbox:
    """Takes mails, and refuses as it is told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipient = "250 OK"
        self.data = "250 taken"

    async def handle_RCPT(  # noqa: N802 - so the server calls it
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return self.data


@asynccontextmanager
async def postbox(ssl: SSLContext | None = None, **given: Any) -> AsyncIterator[tuple[Postbox, int]]:
    box, loop = Postbox(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(box, hostname="postbox", loop=loop, **given), "127.0.0.1", 0, ssl=ssl
    )
    yield box, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def parts_of(app: App) -> AlertParts:
    settings = replace(app.settings, fetch_allow=("127.0.0.1",), url="https://watch.example.org")
    return alert_parts(replace(app, settings=settings), app.watchdog.incidents)


def by_mail(port: int, **given: Any) -> WantedChannel:
    settings = {
        "to": "ops@example.org",
        "from": "wk@example.org",
        "server": f"127.0.0.1:{port}",
        "tls": "none",
    }
    return WantedChannel("mail", "email", settings=settings, **given)


async def test_an_incident_is_one_thread_of_mails(app: App, clock: MovingClock) -> None:
    """Each mail has a text and the same in HTML, the subject of its incident, and a way to get no more of them."""
    parts = parts_of(app)
    async with postbox() as (box, port):
        await parts.channels.turn_on("p", by_mail(port), actor="ann", reason="r")
        incident = await opened(app.database, cause="<i>gate</i>")
        clock.advance(31)
        await parts.outbox.run_once()
        clock.advance(1801)
        await parts.outbox.run_once()
        await change(app.database, incident, "state = 'resolved', resolved_at = watchkeeper.now()")
        for _ in range(2):
            await parts.outbox.run_once()
    assert len(box.mails) == 3
    assert {mail["Subject"] for mail in box.mails} == {"Watchkeeper: Evidence refused"}
    assert {mail["References"].strip() for mail in box.mails} == {
        f"<incident.{incident}@watchkeeper.invalid>"
    }
    assert len({mail["Message-ID"] for mail in box.mails}) == 3
    first = box.mails[0]
    assert first["List-Unsubscribe"] == "<mailto:wk@example.org?subject=unsubscribe>"
    assert first["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in first.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    text, html = (first.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "PLS worker stability alert: worker is alive but" in text
    assert "<i>gate</i>" in text
    assert "&lt;i&gt;gate&lt;/i&gt;" in html
    assert f"https://watch.example.org/incidents/{incident}" in text
    assert f'href="https://watch.example.org/incidents/{incident}"' in html
    titles = [mail.get_body(("plain",)).get_content().splitlines()[0] for mail in box.mails]
    assert [title[:10] for title in titles] == ["! Evidence", "! No reply", "✓ Evidence"]


@pytest.mark.parametrize(
    ("recipient", "data", "becomes"),
    [
        ("550 no such user", "250 taken", "refused"),
        ("250 OK", "554 looks like spam", "gave_up"),
        ("250 OK", "451 busy", "back_off"),
    ],
)
async def test_what_a_mail_server_refuses(
    app: App, clock: MovingClock, recipient: str, data: str, becomes: str
) -> None:
    """Nobody there: the channel is off. This mail not: it is given up. Not now: it comes again."""
    parts = parts_of(app)
    async with postbox() as (box, port):
        box.recipient, box.data = recipient, data
        await parts.channels.turn_on("p", by_mail(port), actor="ann", reason="r")
        incident = await opened(app.database)
        clock.advance(31)
        await parts.outbox.run_once()
    (row,) = [row for row in await alerts(app.database, incident) if row["channel"] == "mail"]
    assert (row["drop_reason"] or row["held_reason"]) == becomes
    ((channel,), _) = await parts.channels.list("p")
    assert channel["is_on"] is (becomes != "refused")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_login_goes_over_tls_under_the_servers_name(certificate: Path, tls: str) -> None:
    """The server proves its name before it hears a password; a wrong password turns the channel off."""

    def let_in(server: Any, session: Any, envelope: Any, mechanism: str, told: Any) -> AuthResult:
        return AuthResult(success=told.password == PASSWORD.encode(), handled=False)

    safe = server_side(certificate)
    given = {"ssl": safe} if tls == "tls" else {"tls_context": safe, "require_starttls": True}

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    allowed = (AllowedHost.parse("127.0.0.1"),)
    async with postbox(
        authenticator=let_in, auth_require_tls=tls == "starttls", auth_required=True, **given
    ) as (
        box,
        port,
    ):
        settings = {"to": "a@example.org, b@example.org", "from": "wk@example.org", "user": "wk"}
        settings |= {"server": f"{NAME}:{port}", "tls": tls}

        def to(password: str) -> Address:
            return Address("p", "mail", settings=settings, secrets={"password": password})

        known = EmailNotifier(
            Outward(FetchConfig(allowed=allowed, tls=trusting(certificate), resolve=resolve))
        )
        await known.send(to(PASSWORD), a_message())
        assert box.mails[0]["To"] == "a@example.org, b@example.org"
        assert await known.check(to(PASSWORD), a_message()) == "the mail server lets us in"
        with pytest.raises(NotDelivered) as failure:
            await known.send(to("wrong"), a_message())
        assert failure.value.is_permanent
        stranger = EmailNotifier(Outward(FetchConfig(allowed=allowed, resolve=resolve)))
        with pytest.raises(NotDelivered) as failure:
            await stranger.send(to(PASSWORD), a_message())
        assert not failure.value.is_permanent
    assert len(box.mails) == 1


class _Ntfy(BaseHTTPRequestHandler):
    """A server as ntfy is."""

    posted: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
async def test_any_other_service_goes_through_apprise(app: App, clock: MovingClock) -> None:
    """A service that Apprise knows gets title and text; what reaches this machine's own programs is refused."""
    parts = parts_of(app)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Ntfy)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"ntfy://127.0.0.1:{server.server_port}/s3cr3t-topic"
        wanted = WantedChannel("else", "apprise", secrets={"url": url})
        await parts.channels.turn_on("p", wanted, actor="ann", reason="r")
        await opened(app.database)
        clock.advance(31)
        await parts.outbox.run_once()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    (posted,) = _Ntfy.posted
    assert b"PLS worker stability alert" in posted
    sent = [row for row in await alerts(app.database) if row["channel"] == "else"]
    assert sent[0]["receipt"] == {"service": "ntfy"}
    assert "s3cr3t-topic" not in str(await parts.channels.list("p"))
    for refused in ("json://127.0.0.1/x", "dbus://", "syslog://", "nonsense://x"):
        wanted = WantedChannel("else", "apprise", secrets={"url": refused})
        with pytest.raises(UsageError):
            await parts.channels.turn_on("p", wanted, actor="ann", reason="r")
