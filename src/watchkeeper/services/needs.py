"""What waits for a person: one list, from which counter, badge and page all read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchkeeper.storage.database import Database, Row

MOST_SHOWN = 100
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NeedsMe:
    """What needs a person now, in the order in which to look; `folded` is in somebody's hands, or was called right.

    `more`: there is more than is listed.
    """

    now: list[Row]
    folded: list[Row]
    more: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"needs": self.now, "folded": self.folded, "count": len(self.now), "more": self.more}


class Needs:
    """Reads of one database; what they cost does not grow with its jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, projects: Iterable[str], limit: int = MOST_SHOWN) -> NeedsMe:
        """Give what needs a person in some projects, as one list."""
        rows: list[Row] = []
        for project_id in projects:
            asked = {"project_id": project_id, "limit": limit + 1}
            rows += [{"project_id": project_id, **row} for row in await self._database.fetch("needs", asked)]
        rows.sort(key=_order)
        return NeedsMe(
            [row for row in rows[:limit] if row["fold"] is None],
            [row for row in rows[:limit] if row["fold"] is not None],
            more=len(rows) > limit and rows[limit]["fold"] is None,
        )


def _order(row: Row) -> tuple[bool, bool, datetime, int, datetime, str]:
    """Order as the query does: approvals first, then what expires soonest, blocks most jobs, is oldest."""
    expires = row["expires_at"] or _NEVER
    return (
        row["fold"] is not None,
        row["concern"] != "repair",
        expires,
        -row["blocks"],
        row["since"],
        str(row["id"]),
    )
