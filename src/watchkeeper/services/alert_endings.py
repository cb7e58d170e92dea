"""Whoever was told of a trouble is told when it is over: once for each channel, with how long it lasted."""

from __future__ import annotations

from watchkeeper.domain.alert_words import clock, lasting
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.alerting import facts_text
from watchkeeper.storage.database import Database, fetch

BATCH = 500
CONSOLE = "console"


async def tell_ends(database: Database, redactor: Redactor, time_zone: str) -> int:
    """Put the ends of told incidents into the outbox; give how many. The console shows them anyway."""
    told = 0
    async with database.transaction() as connection:
        for row in await fetch(connection, "ended_stories", {"limit": BATCH}):
            where = {name: row[name] for name in ("project_id", "incident_id", "channel")}
            await fetch(connection, "end_story", where)
            if row["kind"] in (None, CONSOLE):
                continue
            lasted = lasting(row["resolved_at"] - row["opened_at"], MessageLanguage.EN)
            body = f"{row['rule']}: over since {clock(row['resolved_at'], time_zone)}, after {lasted}."
            end = {
                **where,
                "key": f"incident:{row['incident_id']}:resolved",
                "group_key": f"{row['group_key']}:over",
                "severity": row["severity"],
                "recipient": row["recipient"],
                "subject": row["subject"],
                "body": redactor.redact(body),
                "facts": facts_text(row["facts"], redactor),
            }
            await fetch(connection, "announce_end", end)
            told += 1
    return told
