"""Channels that the config document declares are turned on and off with it, and a person's later word stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from moving_clock import MovingClock
from services.alerts import opened
from services.chat_servers import BOT, chatting
from services.chats import parts_of
from services.webhook_receiver import receiving
from watchkeeper.app.alerting import alert_parts
from watchkeeper.app.whole import App
from watchkeeper.services.notifiers.webhook import new_signing_secret
from watchkeeper.services.policy import Policies


async def test_a_declared_channel_carries_alerts_until_somebody_says_otherwise(
    app: App, clock: MovingClock, tmp_path: Path
) -> None:
    """A new document turns its channels on or off, once; a restart under it undoes nothing that a person did."""
    settings = replace(app.settings, fetch_allow=("127.0.0.1",))
    parts = alert_parts(replace(app, settings=settings), app.watchdog.incidents)
    document, key = tmp_path / "it.yaml", new_signing_secret()

    async def started(said: str) -> bool | None:
        """Start a process by a document that says this of the channel; give whether it is on now."""
        document.write_text(f"channels: {{ops: {{kind: webhook, url_file: {tmp_path / 'url'}{said}}}}}\n")
        await Policies(document).duty(app.database, "watch", parts.channels).run_once()
        rows, _ = await parts.channels.list("system")
        return next((row["is_on"] for row in rows if row["name"] == "ops"), None)

    with receiving() as receiver:
        (tmp_path / "url").write_text(f"{receiver.url}\n{key}\n")
        assert await started("") is None, "what a document only names is left to people"
        assert await started(", on: true")
        await opened(app.database)
        clock.advance(31)
        await parts.outbox.run_once()
        (posted,) = receiver.posted
        assert posted.is_signed_with(key)
    await parts.channels.turn_off("system", "ops", actor="ann", reason="too loud")
    assert await started(", on: true") is False
    assert await started(', on: true, quiet_hours: "22:00-07:00"')
    assert await started(", on: false") is False


async def test_a_channel_that_cannot_be_is_left_off_and_holds_nothing_up(app: App, tmp_path: Path) -> None:
    """A missing file, an address of our own network and no key are logged; the policy is in force, others are on."""
    (tmp_path / "inner").write_text("http://10.0.0.1/hook")
    (tmp_path / "badly").write_text("https://8.8.8.8/hook whsec_short")
    (tmp_path / "well").write_text("https://8.8.8.8/hook")
    document = tmp_path / "it.yaml"
    each = ", ".join(
        f"{name}: {{kind: webhook, on: true, url_file: {tmp_path / name}}}"
        for name in ("gone", "inner", "badly", "well")
    )
    document.write_text(f"version: loud\nchannels: {{{each}}}\n")
    policies = Policies(document)
    await policies.duty(app.database, "watch", app.watchdog.alerting.channels).run_once()
    rows, _ = await app.watchdog.alerting.channels.list("system")
    assert ([row["name"] for row in rows], policies.current().version) == (["well"], "loud")


async def test_a_declared_chat_has_its_secrets_in_files(app: App, clock: MovingClock, tmp_path: Path) -> None:
    """A chat that a document declares carries alerts in its language, with the token of a file that it names."""
    parts = parts_of(app)
    (tmp_path / "token").write_text(BOT + "\n")
    document = tmp_path / "it.yaml"
    with chatting() as chat:
        settings = f"{{chat: '-5', api: '{chat.url}'}}"
        document.write_text(
            f"channels: {{duty: {{kind: telegram, on: true, language: zh_Hant, settings: {settings},"
            f" secret_files: {{token: {tmp_path / 'token'}}}}}}}\n"
        )
        await Policies(document).duty(app.database, "watch", parts.channels).run_once()
        await opened(app.database)
        clock.advance(31)
        await parts.outbox.run_once()
        (said,) = chat.sent("sendMessage")
    assert "證據未通過檢查" in said.document["text"]
    assert BOT not in str(await parts.channels.list("system"))
