"""A channel's month: asked now and then, kept with the channel, and told on the others when it runs low."""

from __future__ import annotations

import asyncio

from watchkeeper.domain.channel_allowance import CRITICAL_ONLY_SHARE, TOGETHER_SHARE
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import Severity
from watchkeeper.services.alerting import Notice, announce
from watchkeeper.services.notifiers.port import Address, Metered, NotDelivered, Quota
from watchkeeper.storage.database import Database, fetch

SECONDS = 5.0

STEPS = (
    (1.0, "has no messages left in this month: what waits for it goes on the other channels alone"),
    (TOGETHER_SHARE, "has used 95 % of this month's messages: all of them go together now"),
    (CRITICAL_ONLY_SHARE, "has used 80 % of this month's messages: only critical ones go alone now"),
)


async def told_quota(database: Database, redactor: Redactor, notifier: Metered, to: Address) -> None:
    """Ask how much of its month a channel has used; a failure leaves what is known, and sending goes on."""
    try:
        async with asyncio.timeout(SECONDS):
            quota = await notifier.quota(to)
    except (NotDelivered, TimeoutError):
        quota = None
    where = {"project_id": to.project_id, "name": to.name}
    if quota is None:
        await database.fetch("saw_no_quota", where)
        return
    async with database.transaction() as connection:
        await fetch(connection, "keep_quota", {**where, "limit": quota.limit, "used": quota.used})
        month = (await fetch(connection, "clock"))[0]["now"].strftime("%Y-%m")
        if (notice := _notice(to, quota, month)) is not None:
            await announce(connection, notice, redactor)


def _notice(to: Address, quota: Quota, month: str) -> Notice | None:
    for share, sentence in STEPS:
        if quota.share >= share:
            return Notice(
                to.project_id,
                f"channel:{to.name}:quota:{month}:{share:g}",
                f"The channel {to.name} {sentence} ({quota.used} of {quota.limit}).",
                severity=Severity.MEDIUM,
                subject=f"channel {to.name}",
                but=to.name,
            )
    return None
