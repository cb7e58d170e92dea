"""The outbox is emptied: what is due is held, dropped or sent, with a receipt; on any number of machines.

One process at a time chooses; sending holds no lock. Whoever dies while sending leaves its alerts to be due again,
under the same id: they may come twice, and say so by that id.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.alerting import AlertTimes, Dropped, Outcome, Pending, outcome_of, waits_for_repairs
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.quiet_hours import QuietHours
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import RuleName, Severity
from watchkeeper.logs import log
from watchkeeper.services.alerting import Notice, announce
from watchkeeper.services.notifiers.port import Address, Message, NotDelivered, Notifier
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one

CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class DeliveryConfig:
    """Seconds, and how often a message is tried. The pauses double from the first to the longest, with jitter."""

    batch: int = 200
    sending: float = 60.0
    first_pause: float = 30.0
    longest_pause: float = 3600.0
    attempts: int = 12

    def pause(self, attempts: int) -> float:
        """Give how long to wait after so many attempts."""
        # Jitter spreads load; nothing secret depends on it.
        return float(min(self.longest_pause, self.first_pause * 2 ** (attempts - 1))) * random.uniform(0.8, 1)  # noqa: S311


@dataclass(frozen=True, slots=True)
class Parcel:
    """Alerts that go out as one message: the first of them speaks for all."""

    rows: tuple[Row, ...]

    @property
    def where(self) -> dict[str, Any]:
        first = self.rows[0]
        return {
            "project_id": first["project_id"],
            "ids": [row["id"] for row in self.rows],
            "channel": first["channel"],
            "channel_project": first["channel_project"],
        }

    def message(self) -> Message:
        first = self.rows[0]
        rule = first["rule"]
        return Message(
            first["id"],
            first["project_id"],
            first["severity"],
            first["body"],
            first["recipient"],
            first["stage"],
            first["created_at"],
            subject=first["subject"],
            rule=rule,
            runbook=RULES[RuleName(rule)].runbook if rule in set(RuleName) else None,
            incidents=tuple(row["incident_id"] for row in self.rows if row["incident_id"] is not None),
        )


class _UnknownKind:
    """Stands for a channel that a newer program made."""

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:  # noqa: ARG002 - the port's shape
        raise NotDelivered(f"this program cannot send on the channel {to.name}", is_permanent=False)


_UNKNOWN = _UnknownKind()


class AlertDelivery:
    """Sends what is due."""

    def __init__(
        self,
        database: Database,
        redactor: Redactor,
        notifiers: Mapping[str, Notifier],
        policy: Callable[[], Policy],
        times: AlertTimes,
        config: DeliveryConfig | None = None,
    ) -> None:
        self._database = database
        self._redactor = redactor
        self._notifiers = notifiers
        self._policy = policy
        self._times = times
        self._config = config or DeliveryConfig()

    async def deliver(self) -> Mapping[str, int]:
        """Go through one batch of what is due; give how many were sent, held, dropped and put off."""
        counts = dict.fromkeys(("sent", "held", "dropped", "put_off"), 0)
        async with self._database.transaction() as connection:
            await fetch(connection, "lock_outbox")
            asked = {"limit": self._config.batch, "unnotified": sorted(self._policy().unnotified())}
            rows = await fetch(connection, "due_alerts", asked)
            going = [row for row in rows if await self._goes(connection, row, counts)]
            parcels = parcels_of(going)
            for parcel in parcels:
                where = {**parcel.where, "seconds": self._config.sending}
                await fetch(connection, "take_alerts", where)
        for parcel in parcels:
            counts[await self._send(parcel)] += len(parcel.rows)
        return counts

    async def _goes(self, connection: Connection, row: Row, counts: dict[str, int]) -> bool:
        outcome = outcome_of(_pending(row, self._policy()), row["now"], self._times)
        where = {"project_id": row["project_id"], "id": row["id"], "ids": [row["id"]]}
        if outcome.drop is not None:
            await fetch(connection, "drop_alert", {**where, "reason": outcome.drop.value, "error": None})
            counts["dropped"] += 1
        elif outcome.wait is not None:
            held = {**where, "reason": outcome.wait.value, "until": outcome.until}
            await fetch(connection, "hold_alert", held)
            counts["held"] += 1
        return outcome == Outcome()

    async def _send(self, parcel: Parcel) -> str:
        """Send one message and write down what came of it."""
        notifier = self._notifiers.get(parcel.rows[0]["kind"], _UNKNOWN)
        try:
            receipt = await notifier.send(await self._address(parcel), parcel.message())
        except NotDelivered as failure:
            return await self._failed(parcel, failure)
        text = json.dumps(self._redactor.redact_data(dict(receipt)))
        await self._database.fetch("alerts_sent", {**parcel.where, "receipt": text})
        return "sent"

    async def _address(self, parcel: Parcel) -> Address:
        where = {"project_id": parcel.where["channel_project"], "name": parcel.where["channel"]}
        row = await self._database.fetch_one("channel_address", where) or {"address": "", "signing": ""}
        for secret in (row["address"], row["signing"]):
            if secret:
                self._redactor.learn(secret)
        return Address(where["project_id"], where["name"], row["address"], row["signing"])

    async def _failed(self, parcel: Parcel, failure: NotDelivered) -> str:
        detail = self._redactor.redact(failure.detail)[:500]
        attempts = max(row["attempts"] for row in parcel.rows) + 1
        if failure.is_permanent:
            await self._disable(parcel, detail)
            return "dropped"
        if attempts >= self._config.attempts:
            async with self._database.transaction() as connection:
                await fetch(
                    connection,
                    "drop_alert",
                    {**parcel.where, "reason": Dropped.GAVE_UP.value, "error": detail},
                )
                await self._say(
                    connection, parcel, f"gave_up:{parcel.rows[0]['id']}", "did not take an alert"
                )
            return "dropped"
        pause = self._config.pause(attempts)
        await self._database.fetch("retry_alerts", {**parcel.where, "seconds": pause, "error": detail})
        return "put_off"

    async def _disable(self, parcel: Parcel, detail: str) -> None:
        """Turn a channel off that takes nothing any more, and say so on the others."""
        async with self._database.transaction() as connection:
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
        await announce(connection, notice, self._redactor)


def parcels_of(rows: list[Row]) -> list[Parcel]:
    """Put together what goes to one recipient on one channel for one cause and stage; the oldest leads."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["created_at"], row["id"])):
        alone: UUID | None = row["id"] if row["group_key"] is None or row["kind"] == CONSOLE else None
        key = (row["project_id"], row["channel"], row["recipient"], row["group_key"], row["stage"], alone)
        groups[key].append(row)
    return [Parcel(tuple(group)) for group in groups.values()]


def _pending(row: Row, policy: Policy) -> Pending:
    hours = None
    if row["quiet_from"] is not None:
        hours = QuietHours(row["quiet_from"], row["quiet_to"], row["time_zone"]).over_at(row["now"])
    return Pending(
        Severity(row["severity"]),
        row["created_at"],
        row["state"],
        row["is_symptom"] or False,
        row["rule"] not in set(RuleName)
        or waits_for_repairs(RuleName(row["rule"]), policy, is_mirrored=row["is_mirrored"]),
        row["acknowledged_until"],
        row["quiet_until"],
        channel_is_on=row["kind"] is not None,
        quiet_hours_over=hours,
        group_told_at=None if row["kind"] == CONSOLE else row["group_told_at"],
    )
