"""One channel's lane: what is due there is chosen, sent in turn, and written down; it waits for no other channel."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from watchkeeper.domain.alert_moments import OF_AN_INCIDENT, Moment
from watchkeeper.domain.alerting import AlertTimes, Outcome, Pending, outcome_of, waits_for_repairs
from watchkeeper.domain.channel_allowance import TOGETHER, Allowance
from watchkeeper.domain.channel_kinds import KINDS, ChannelKind
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.quiet_hours import QuietHours
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import RuleName, Severity
from watchkeeper.logs import log
from watchkeeper.services.alert_messages import CONSOLE, AlertMessages, Parcel, parcels_of
from watchkeeper.services.alert_outcomes import AlertOutcomes
from watchkeeper.services.alert_quota import told_quota
from watchkeeper.services.notifiers.pacing import Pacing
from watchkeeper.services.notifiers.port import Address, Editor, Message, Metered, NotDelivered, Notifier
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one

MAX_ROUNDS = 100
QUOTA_AGE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class LaneConfig:
    """`batch` alerts are chosen at once; one message takes at most `deadline` seconds, and then counts as not taken.

    `sending`: who took alerts and died leaves them to be due again after so many seconds.
    """

    batch: int = 200
    deadline: float = 25.0
    sending: float = 60.0


class UnknownKind:
    """Stands for a channel that a newer program made."""

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:  # noqa: ARG002 - the port's shape
        raise NotDelivered(f"this program cannot send on the channel {to.name}")


_UNKNOWN = UnknownKind()


@dataclass(frozen=True, slots=True)
class Lanes:
    """What all lanes of one process share."""

    database: Database
    redactor: Redactor
    notifiers: Mapping[str, Notifier]
    policy: Callable[[], Policy]
    times: AlertTimes
    messages: AlertMessages
    outcomes: AlertOutcomes
    pacing: Pacing
    config: LaneConfig


@dataclass(frozen=True, slots=True)
class Lane:
    """Empties the outbox of one channel."""

    shared: Lanes
    project_id: str
    name: str

    @property
    def where(self) -> dict[str, str]:
        return {"project_id": self.project_id, "name": self.name}

    async def run(self) -> Counter[str]:
        """Send until nothing is due; give how many were sent, held, dropped, put off, and how many cards changed."""
        counts: Counter[str] = Counter()
        for _ in range(MAX_ROUNDS):
            parcels, language = await self._chosen(counts)
            for parcel in parcels:
                counts[await self._send(parcel, language)] += len(parcel.rows)
            if not parcels:
                break
        counts["edited"] += await self._edit_cards()
        return counts

    async def _chosen(self, counts: Counter[str]) -> tuple[list[Parcel], MessageLanguage]:
        """Decide of each alert that is due what becomes of it; take what goes, so that nobody else does."""
        policy = self.shared.policy()
        await self._ask_quota()
        async with self.shared.database.transaction() as connection:
            await fetch(connection, "lock_channel", self.where)
            asked = {
                **self.where,
                "limit": self.shared.config.batch,
                "unnotified": sorted(policy.unnotified()),
            }
            rows = await fetch(connection, "due_alerts", asked)
            going = [row for row in rows if await self._goes(connection, row, policy, counts)]
            channel = await fetch_one(connection, "channel_allowance", self.where)
            parcels = parcels_of(going)
            if channel is not None and going and going[0]["kind"] != CONSOLE:
                parcels = await self._allowed(connection, channel, parcels, counts)
            for parcel in parcels:
                seconds = self.shared.config.sending + self.shared.config.deadline * len(parcels)
                taken = {**parcel.where, "seconds": seconds, "message_id": parcel.message_id}
                await fetch(connection, "take_alerts", taken)
        told = None if channel is None else channel["language"]
        return parcels, MessageLanguage(told) if told in set(MessageLanguage) else MessageLanguage.EN

    async def _goes(self, connection: Connection, row: Row, policy: Policy, counts: Counter[str]) -> bool:
        outcome = outcome_of(_pending(row, policy), row["now"], self.shared.times)
        if outcome.drop is not None:
            dropped = {"project_id": row["project_id"], "ids": [row["id"]], "reason": outcome.drop.value}
            await fetch(connection, "drop_alert", {**dropped, "error": None})
            counts["dropped"] += 1
        elif outcome.wait is not None:
            await _hold(connection, [row], outcome, counts)
        return outcome == Outcome()

    async def _allowed(
        self, connection: Connection, channel: Row, parcels: list[Parcel], counts: Counter[str]
    ) -> list[Parcel]:
        """Hold what the channel may not carry now."""
        now, limit = channel["now"], channel["quota_limit"]
        share = None if limit is None else channel["quota_used"] / max(1, limit)
        allowance = Allowance(
            channel["per_hour"], channel["hour_begins"], channel["hour_sent"], channel["paused_until"], share
        )
        begins, sent = allowance.hour(now)
        going = []
        for parcel in parcels:
            waited = parcel.first["held_reason"] in TOGETHER or parcel.first["message_id"] is not None
            outcome = allowance.judged(now, sent=sent, is_critical=parcel.is_critical, waited=waited)
            if outcome.wait is not None:
                await _hold(connection, list(parcel.rows), outcome, counts)
                continue
            going.append(parcel)
            sent += 1
        if going:
            await fetch(connection, "count_messages", {**self.where, "begins": begins, "sent": sent})
        return going

    async def _send(self, parcel: Parcel, language: MessageLanguage) -> str:
        """Send one message and write down what came of it."""
        kind = parcel.first["kind"]
        notifier = self.shared.notifiers.get(kind, _UNKNOWN)
        try:
            to = await self.shared.outcomes.address(self.project_id, self.name)
            message = await self.shared.messages.make(parcel, to, language)
            receipt = await self._handed(notifier, kind, to, message)
        except NotDelivered as failure:
            return await self.shared.outcomes.failed(parcel, failure)
        is_card = isinstance(notifier, Editor) and len(parcel.rows) == 1 and message.earlier is None
        shows = parcel.first["card_now"] if is_card and message.moment in OF_AN_INCIDENT else None
        await self.shared.outcomes.sent(parcel, receipt, shows)
        return "sent"

    async def _handed(
        self, notifier: Notifier, kind: str, to: Address, message: Message
    ) -> Mapping[str, Any]:
        known = KINDS.get(ChannelKind(kind)) if kind in set(ChannelKind) else None
        if known is not None:
            await self.shared.pacing.turn(f"{self.project_id}/{self.name}", known.per_second, known.burst)
        try:
            async with asyncio.timeout(self.shared.config.deadline):
                return await notifier.send(to, message)
        except TimeoutError:
            raise NotDelivered(f"it was not taken within {self.shared.config.deadline:g} seconds") from None
        except NotDelivered:
            raise
        except Exception as error:  # noqa: BLE001 - what breaks on one message must not end the lane
            log("alert_not_handed", channel=self.name, detail=f"{type(error).__name__}: {error}")
            raise NotDelivered(f"this program failed to send it: {type(error).__name__}") from None

    async def _edit_cards(self) -> int:
        """Let messages that were sent show how their incidents stand now; who cannot be changed any more stays."""
        cards = await self.shared.database.fetch(
            "stale_cards", {**self.where, "limit": self.shared.config.batch}
        )
        if not cards:
            return 0
        channel = await self.shared.database.fetch_one("find_channel", self.where)
        told = None if channel is None else channel["language"]
        language = MessageLanguage(told) if told in set(MessageLanguage) else MessageLanguage.EN
        for row in cards:
            notifier = self.shared.notifiers.get(row["kind"] or "", _UNKNOWN)
            problem = None
            if isinstance(notifier, Editor) and row["receipt"]:
                problem = await self._edit(notifier, row, language)
            if problem is not None and problem.retry_after is not None:
                await self.shared.database.fetch(
                    "pause_channel", {**self.where, "seconds": problem.retry_after}
                )
                break
            shown = None if row["state"] == "resolved" else row["card_now"]
            kept = {"project_id": row["project_id"], "id": row["id"], "card": shown}
            await self.shared.database.fetch("keep_card", kept)
        return len(cards)

    async def _edit(self, notifier: Editor, row: Row, language: MessageLanguage) -> NotDelivered | None:
        to = await self.shared.outcomes.address(self.project_id, self.name)
        message = await self.shared.messages.make(Parcel((row,)), to, language)
        known = KINDS[ChannelKind(row["kind"])]
        await self.shared.pacing.turn(f"{self.project_id}/{self.name}", known.per_second, known.burst)
        try:
            async with asyncio.timeout(self.shared.config.deadline):
                await notifier.edit(to, row["receipt"], message)
        except NotDelivered as failure:
            return failure
        except TimeoutError:
            return NotDelivered("it was not changed in time", retry_after=self.shared.config.deadline)
        return None

    async def _ask_quota(self) -> None:
        """Ask how much of its month a channel has used, now and then, where something bounds it."""
        channel = await self.shared.database.fetch_one("metered_channel", self.where)
        if channel is None:
            return
        asked_at = channel["quota_at"]
        notifier = self.shared.notifiers.get(channel["kind"], _UNKNOWN)
        is_old = asked_at is None or channel["now"] - asked_at >= QUOTA_AGE
        if is_old and isinstance(notifier, Metered):
            to = await self.shared.outcomes.address(self.project_id, self.name)
            await told_quota(self.shared.database, self.shared.redactor, notifier, to)


async def _hold(connection: Connection, rows: list[Row], outcome: Outcome, counts: Counter[str]) -> None:
    for row in rows:
        assert outcome.wait is not None  # noqa: S101
        held = {"project_id": row["project_id"], "id": row["id"], "reason": outcome.wait.value}
        await fetch(connection, "hold_alert", {**held, "until": outcome.until})
    counts["held"] += len(rows)


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
        tells_the_end=row["moment"] == Moment.RESOLVED,
    )
