"""From an incident to a chat and back: the card has its buttons, a press acts, and the card says who it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from interfaces.api_client import Api, serving
from interfaces.chat_platforms import Apis, telegram_press
from interfaces.chat_room import SECRETS, Room
from moving_clock import MovingClock
from services.alerts import opened
from watchkeeper.app import whole as root
from watchkeeper.services.channels import WantedChannel
from watchkeeper.services.chat.doors import WantedDoor
from watchkeeper.settings import Settings
from watchkeeper.storage.database import Database


@pytest.fixture
async def api(settings: Settings, database: Database) -> AsyncIterator[Api]:
    """The whole server, whose messages may go to this machine."""
    app = root.build(replace(settings, fetch_allow=("127.0.0.1",), url="https://wk.example"), database)
    await app.kinds.ensure_project("p")
    async with serving(app) as api:
        yield api
    await app.refusals.stop()


async def test_a_card_is_pressed_and_changes(api: Api, apis: Apis, clock: MovingClock) -> None:
    """Without a door a message only opens its page; with one it can be acknowledged, which its card then tells."""
    alerting = api.app.watchdog.alerting
    secrets = {"token": "1:abc", "webhook_secret": SECRETS["telegram"]}
    wanted = WantedChannel(
        "bot", "telegram", settings={"chat": "-9", "api": apis.url}, secrets=secrets, per_hour=100
    )
    await alerting.channels.turn_on("p", wanted, actor="ann", reason="x")
    await opened(api.app.database, cause="one")
    clock.advance(31)
    await alerting.outbox.run_once()
    assert [button.get("url", "token")[:19] for button in keyboard(apis)] == ["https://wk.example/"]
    door, made = await api.app.watchdog.chat.doors.open(
        "p", WantedDoor("bot", "telegram"), actor="ann", reason="x"
    )
    assert made is None, "the channel was told its secret"
    room = Room(api, apis, {"telegram": door["path"]})
    await opened(api.app.database, cause="two")
    clock.advance(31)
    await alerting.outbox.run_once()
    acknowledge, quiet, page = keyboard(apis)
    assert (acknowledge["text"], quiet["text"], "url" in page) == ("Acknowledge", "Legit silence", True)
    assert len(acknowledge["callback_data"]) == 22
    told = await room.telegram(telegram_press(acknowledge["callback_data"]))
    assert "telegram:7 takes care of it" in told or "takes care of it for four hours" in told
    clock.advance(31)
    await alerting.outbox.run_once()
    [card] = [call.document for call in apis.calls if call.path.endswith("/editMessageText")]
    assert "telegram:7" in card["text"]
    assert [button.get("url") is not None for button in card["reply_markup"]["inline_keyboard"][0]] == [True]


def keyboard(apis: Apis) -> list[dict[str, str]]:
    """Give the buttons of the last message that was sent."""
    sent = [call.document for call in apis.calls if call.path.endswith("/sendMessage")]
    return list(sent[-1]["reply_markup"]["inline_keyboard"][0])
