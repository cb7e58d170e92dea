"""The duty of the memory: incidents that closed write lessons, and ends of attempts confirm or refute them."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.lesson_templates import lesson_of
from watchkeeper.domain.lessons import parse_lesson
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.lessons import Source, add_lesson
from watchkeeper.storage.database import Database, Row, fetch

BATCH = 200
GRACE_SECONDS = 60.0
"""How long after a failed attempt its incident may still be found."""


@dataclass(frozen=True, slots=True)
class Learning:
    """Turns what ended into what is known; safe on many machines at once."""

    database: Database
    interval_seconds: float = 15.0

    def duty(self) -> Duty:
        return Duty("learning", self.run_once, self.interval_seconds)

    async def run_once(self) -> Ran:
        """Learn from a batch of closed incidents, and judge a batch of lessons that were handed out."""
        taken, written = await self._learn()
        judged = await self.database.fetch_row("judge_lesson_uses", {"grace": GRACE_SECONDS, "limit": BATCH})
        is_more = BATCH in (taken, judged["judged"])
        counts = {"lessons_written": written} | {
            f"lessons_{name}": judged[name] for name in ("confirmed", "refuted")
        }
        return Ran(counts, 0.0 if is_more else None)

    async def _learn(self) -> tuple[int, int]:
        async with self.database.transaction() as connection:
            incidents = await fetch(connection, "take_unlearnt_incidents", {"limit": BATCH})
            written = 0
            for incident in incidents:
                if (document := _document(incident)) is None:
                    continue
                by = f"rule:{incident['rule']}"
                source = Source(by, incident["job_id"], incident["id"], published_by=by)
                learnt = await add_lesson(connection, incident["project_id"], parse_lesson(document), source)
                written += learnt.is_new
        return len(incidents), written


def _document(incident: Row) -> dict[str, object] | None:
    # Rows may name a rule of a newer program, or, from before the catalogue, one of none.
    if incident["is_symptom"] or incident["rule"] not in set(RuleName):
        return None
    return lesson_of(RuleName(incident["rule"]), kind=incident["kind"], topic_key=incident["topic_key"])
