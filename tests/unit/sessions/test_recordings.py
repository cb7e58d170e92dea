"""What is recorded of a session says as much as what was seen of it: the same class comes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.domain.sessions.events import ToolClosed, ToolOpened
from watchkeeper.domain.sessions.facts import SessionFact
from watchkeeper.domain.sessions.recordings import recording
from watchkeeper.domain.sessions.telling import Telling
from watchkeeper.domain.sessions.watch import SessionWatch
from watchkeeper.services.corpus.meaning import SOME_DAY, Meaning
from watchkeeper.services.corpus.reading import CorpusRow, read_corpus, read_row
from watchkeeper.services.corpus.replay import replay

CORPUS = read_corpus(Path(__file__).parents[2] / "corpus")
SOME = [row for number, row in enumerate(CORPUS) if number % 4 == 0 or "written-iso-reset" in row.file]
CLASSES = sorted({row.label.failure for row in CORPUS})


def told(row: CorpusRow) -> list[tuple[float, SessionFact]]:
    meaning = Meaning(row)
    return [(meaning.begin + one.t, fact) for one in row.facts for fact in meaning.facts(one)]


def recorded(row: CorpusRow, file: Path) -> CorpusRow:
    """Record a row's session as production does, and label the recording as a person would."""
    begin, telling = Meaning(row).begin, Telling()
    events: list[dict[str, Any]] = []
    for at, fact in told(row):
        telling.settle(at)
        telling.take(at, fact)
    telling.settle(begin + 1e7, everything=True)
    for one in telling.rows:
        kept = {"source": one.row.source, "event": one.row.event, "fields": one.row.fields}
        events.append({"t": round(one.at - begin, 3), **kept})
    end = row.end_t or max(row.label.latest_useful_t or 0.0, row.facts[-1].t)
    events.append({"t": end, "source": "watch", "event": "diagnosis", "fields": {}})
    limit = row.label.tool_limit_seconds
    session = {
        "id": "s",
        "agent": row.label.agent,
        "cli_version": row.label.cli_version,
        "started_at": None if begin == SOME_DAY else datetime.fromtimestamp(begin, UTC).isoformat(),
        "tool_limit_minutes": None if limit is None else limit / 60,
    }
    label, *rows = recording(session, events)
    label["label"]["class"] = row.label.failure
    file.write_text("".join(json.dumps(one) + "\n" for one in (label, *rows)), encoding="utf-8")
    return read_row(file)


@pytest.mark.parametrize("failure", CLASSES)
def test_a_recording_has_the_class_that_its_session_had(failure: str, tmp_path: Path) -> None:
    """Rows are coalesced and hold no lines, and yet every class is found again, with the same act."""
    of_class = [row for row in SOME if row.label.failure == failure]
    assert len(of_class) >= 3
    for row in of_class:
        live, again = replay(row), replay(recorded(row, tmp_path / "recording.jsonl"))
        assert (again.failure, again.action, again.unknown) == (live.failure, live.action, {}), row.file


def test_nothing_is_judged_by_what_is_shown() -> None:
    """What tools were asked and gave is for people: other texts in its place change no answer."""
    row = next(row for row in CORPUS if row.label.failure == "F15")
    plain, other = SessionWatch(), SessionWatch()
    shown = 0
    for number, (at, fact) in enumerate(told(row)):
        plain.take(at, fact)
        if isinstance(fact, ToolOpened | ToolClosed):
            fact = replace(fact, shown=f"usage limit reached {number}", redacted=("api_key",))
            shown += 1
        other.take(at, fact)
        assert plain.look(at) == other.look(at)
    assert shown > 10
