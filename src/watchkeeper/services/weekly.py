"""The weekly summary of a project: what its work came to, what went wrong, who was asked, against the week before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from watchkeeper.domain.policies import Policy
from watchkeeper.services.merges import project_group
from watchkeeper.services.slos import read_slos
from watchkeeper.storage.database import Connection, Database, fetch, fetch_row

WEEK = timedelta(days=7)
MOST_WEEKS = 52

PARTS = {
    "work": "week_of_work",
    "trouble": "week_of_trouble",
    "people": "week_of_people",
}
MEDIANS = frozenset({"median_trouble_s"})
"""What is no count: of several projects the longest stands for all."""


class Weekly:
    """The weekly summaries of one database."""

    def __init__(self, database: Database, policy: Callable[[], Policy] = Policy) -> None:
        self._database = database
        self._policy = policy

    async def report(self, project_id: str, weeks_ago: int = 0) -> dict[str, Any]:
        """Give the seven days up to now, or up to so many weeks ago, each figure beside that of the week before."""
        async with self._database.transaction() as connection:
            await fetch(connection, "read_steadily")
            frame = await fetch_row(connection, "report_frame", {"project_id": project_id})
            group = await project_group(connection, project_id)
            until = frame["now"] - weeks_ago * WEEK
            this = await _figures(connection, group, until - WEEK, until)
            before = await _figures(connection, group, until - 2 * WEEK, until - WEEK)
            left = [await fetch_row(connection, "week_left_open", {"project_id": each}) for each in group]
            slos = await read_slos(connection, group, self._policy())
        return {
            "generated_at": frame["now"],
            "since": until - WEEK,
            "until": until,
            "figures": [
                {"part": part, "figure": name, "value": value, "before": before[part][name]}
                for part, figures in this.items()
                for name, value in figures.items()
            ],
            "left_open": _left(left),
            "slos": [
                {"pool": slo.pool, "state": slos.state(slo).value, "budget_left": slo.left}
                for slo in slos.slos
            ],
        }


async def _figures(
    connection: Connection, group: Sequence[str], since: datetime, until: datetime
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for part, query in PARTS.items():
        rows = [
            await fetch_row(connection, query, {"project_id": each, "since": since, "until": until})
            for each in group
        ]
        found[part] = {name: _together(name, [row[name] for row in rows]) for name in rows[0]}
    return found


def _together(name: str, values: Sequence[Any]) -> Any:
    if name in MEDIANS:
        return max((value for value in values if value is not None), default=None)
    return sum(values)


def _left(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update({name: value for name, value in row.items() if name != "incidents"})
    oldest = sorted((one for row in rows for one in row["incidents"]), key=lambda one: one["opened_at"])
    return {**counts, "oldest_incidents": oldest[:5]}
