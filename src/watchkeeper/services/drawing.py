"""What a job's timeline is drawn from: its marks, when the watchdog was blind, and how far back all this reaches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchkeeper.domain.drawn_marks import Mark
from watchkeeper.domain.job_drawing import ROWS, marks_of
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.operations import find_job
from watchkeeper.storage.database import Database, Row, fetch, fetch_row

MOST_RECORDS = 400
"""Of each kind of record so many are read, the newest: a picture shows no more of them apart."""

MOST_EVENTS = 1_500
"""So many events of sessions are read; of longer runs every n-th, which keeps their course over the whole time."""

COLUMNS = ("row", "at", "until", "tone", "event", "said", "who", "epoch", "id", "session", "number")
"""What a mark tells, as a table's columns."""

SAID = ("said", "who")
"""What a record has of others' words."""

OPEN = frozenset({"pending", "running", "stuck", "paused"})


@dataclass(frozen=True, slots=True)
class Drawing:
    """A job's marks between two moments; `every` says that each of its sessions' events drawn stands for so many."""

    job: Row
    marks: list[Mark]
    blind: list[tuple[float, float]]
    begin: datetime
    end: datetime
    now: datetime
    every: int = 1

    def told(self) -> dict[str, Any]:
        """Give it as data: times in UTC, marks by row and time."""
        return {
            "begin": self.begin,
            "end": self.end,
            "every": self.every,
            "blind": [{"begin": _time(begin), "until": _time(until)} for begin, until in self.blind],
            "marks": [told(mark) for mark in sorted(self.marks, key=lambda m: (ROWS.index(m.row), m.at))],
        }


class Drawings:
    """Reads of one database's jobs for pictures; each is bounded, however long a job ran."""

    def __init__(self, database: Database, redactor: Redactor, gap_seconds: float) -> None:
        """Take for unwatched what no watchdog has looked at for `gap_seconds`."""
        self._database = database
        self._redactor = redactor
        self._gap_seconds = gap_seconds

    async def of_job(self, project_id: str, job: str) -> Drawing:
        """Gather what is drawn of a job; raise JobNotFound."""
        async with self._database.transaction() as connection:
            row = await find_job(connection, project_id, job)
            now: datetime = (await fetch_row(connection, "clock"))["now"]
            asked = {"project_id": project_id, "seq": row["seq"], "job_id": row["id"]}
            records = await fetch(connection, "job_marks", {**asked, "most": MOST_RECORDS})
            events: list[Row] = []
            if any(record["what"] == "session" for record in records):
                events = await fetch(connection, "job_session_events", {**asked, "most": MOST_EVENTS})
            clean = self._cleaned(records)
            for record in records:
                record |= {name: clean.get(record[name], record[name]) for name in SAID}
            marks = marks_of(row, records, events, now)
            begin = min([row["created_at"], *(_time(mark.at) for mark in marks)])
            end = now if row["state"] in OPEN else _end(row, marks)
            span = {"begin": begin, "end": end, "gap_seconds": self._gap_seconds, "most": MOST_RECORDS}
            blind = [
                (max(one["begin"], begin).timestamp(), min(one["until"] or end, end).timestamp())
                for one in await fetch(connection, "blind_spans", span)
            ]
        every = max((event["step"] for event in events), default=1)
        return Drawing(row, marks, blind, begin, end, now, every)

    def _cleaned(self, records: list[Row]) -> dict[str, str]:
        """Give each text of records without its secrets: the same few names come again and again."""
        texts = {record[name] for record in records for name in SAID if record[name] is not None}
        return {text: self._redactor.redact(text) for text in texts}


def told(mark: Mark) -> dict[str, Any]:
    """Give one mark as data."""
    until = None if mark.until is None else _time(mark.until)
    return {"row": mark.row, "at": _time(mark.at), "until": until, "tone": mark.tone, **mark.facts}


def _end(job: Row, marks: list[Mark]) -> datetime:
    """Give when the last thing happened to a job that is over."""
    moments: list[datetime] = [job["created_at"], job["finished_at"] or job["created_at"]]
    return max(moments + [_time(mark.until or mark.at) for mark in marks])


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
