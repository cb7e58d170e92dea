"""What came of sending is written down: a receipt, the next try, or the end of it, told on another channel."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.alerting import Dropped
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import Severity
from watchkeeper.logs import log
from watchkeeper.services.alert_messages import Parcel
from watchkeeper.services.alerting import Notice, announce
from watchkeeper.services.notifiers.port import Address, NotDelivered
from watchkeeper.storage.database import Connection, Database, fetch, fetch_one


@dataclass(frozen=True, slots=True)
class RetryConfig:
    """How often a message is tried. The pauses (seconds) double from the first to the longest, with jitter."""

    first_pause: float = 30.0
    longest_pause: float = 3600.0
    attempts: int = 12

    def pause(self, attempts: int) -> float:
        """Give how long to wait after so many attempts."""
        # Jitter spreads load; nothing secret depends on it.
        return float(min(self.longest_pause, self.first_pause * 2 ** (attempts - 1))) * random.uniform(0.8, 1)  # noqa: S311


@dataclass(frozen=True, slots=True)
class AlertOutcomes:
    """Keeps what channels answered."""

    database: Database
    redactor: Redactor
    config: RetryConfig

    async def address(self, project_id: str, name: str) -> Address:
        """Give where a channel leads to; its secrets are known to redaction from now on."""
        where = {"project_id": project_id, "name": name}
        row = await self.database.fetch_one("channel_address", where) or {}
        secrets = dict(row.get("secrets") or {})
        for secret in (row.get("address"), row.get("signing"), *secrets.values()):
            if secret:
                self.redactor.learn(secret)
        settings = row.get("settings") or {}
        return Address(
            project_id, name, row.get("address") or "", row.get("signing") or "", settings, secrets
        )

    async def sent(self, parcel: Parcel, receipt: Mapping[str, Any], card: str | None) -> None:
        """Keep a receipt, and what the message shows of its incident where it can be changed."""
        told = dict(receipt)
        if moved := told.pop("moved_to", None):
            where = {"project_id": parcel.where["channel_project"], "name": parcel.where["channel"]}
            await self.database.fetch("move_channel", {**where, "settings": json.dumps(moved)})
        text = json.dumps(self.redactor.redact_data(told))
        await self.database.fetch("alerts_sent", {**parcel.where, "receipt": text, "card": card})

    async def failed(self, parcel: Parcel, failure: NotDelivered) -> str:
        """Decide after a failure: the channel is off, this message is given up, or it is tried again."""
        detail = self.redactor.redact(failure.detail)[:500]
        attempts = max(row["attempts"] for row in parcel.rows) + 1
        if failure.is_permanent:
            await self._disable(parcel, detail)
            return "dropped"
        if failure.is_hopeless or attempts >= self.config.attempts:
            await self._give_up(parcel, detail)
            return "dropped"
        pause = max(self.config.pause(attempts), failure.retry_after or 0.0)
        if failure.retry_after is not None:
            where = {"project_id": parcel.where["channel_project"], "name": parcel.where["channel"]}
            await self.database.fetch("pause_channel", {**where, "seconds": failure.retry_after})
            pause = failure.retry_after
        await self.database.fetch("retry_alerts", {**parcel.where, "seconds": pause, "error": detail})
        return "put_off"

    async def _give_up(self, parcel: Parcel, detail: str) -> None:
        dropped = {**parcel.where, "reason": Dropped.GAVE_UP.value, "error": detail}
        async with self.database.transaction() as connection:
            await fetch(connection, "drop_alert", dropped)
            await self._say(connection, parcel, f"gave_up:{parcel.message_id}", "did not take an alert")

    async def _disable(self, parcel: Parcel, detail: str) -> None:
        """Turn a channel off that takes nothing any more, and say so on the others."""
        async with self.database.transaction() as connection:
            row = await fetch_one(connection, "disable_channel", {**parcel.where, "reason": detail})
            await fetch(
                connection, "drop_alert", {**parcel.where, "reason": Dropped.REFUSED.value, "error": detail}
            )
            if row is not None:
                log("channel_disabled", project=row["project_id"], channel=row["name"], detail=detail)
                await self._say(
                    connection,
                    parcel,
                    f"channel_off:{int(row['disabled_at'].timestamp())}",
                    "was turned off: it refuses alerts",
                )

    async def _say(self, connection: Connection, parcel: Parcel, what: str, sentence: str) -> None:
        where = parcel.where
        notice = Notice(
            where["project_id"],
            f"channel:{where['channel']}:{what}",
            f"The channel {where['channel']} {sentence}. 'watchkeeper channel list' says why.",
            severity=Severity.HIGH,
            subject=f"channel {where['channel']}",
            but=where["channel"],
        )
        await announce(connection, notice, self.redactor)
