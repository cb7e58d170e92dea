"""What of a session becomes a row: much becomes little, nothing of weight is lost, and what is left out is counted."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from watchkeeper.domain.sessions.diagnosis import Action, Diagnosis, FailureClass
from watchkeeper.domain.sessions.events import (
    Began,
    Limited,
    Retrying,
    Said,
    Spent,
    Stirred,
    ToolClosed,
    ToolOpened,
    Trouble,
    TurnBegan,
    TurnEnded,
    Unknown,
    Unreadable,
    Waits,
)
from watchkeeper.domain.sessions.facts import (
    ArtifactChecked,
    ClockJumped,
    ContractCall,
    ErrorLine,
    Interrupted,
    LeaseChanged,
    ProcessesLeft,
    ProcessExited,
    ProcessSample,
    ProcessStarted,
    QueueTick,
    SeenProcess,
    SessionFact,
    TranscriptGrew,
    WorkspaceChanged,
)
from watchkeeper.domain.sessions.rows import MOST_SHOWN, fact_of, row_of
from watchkeeper.domain.sessions.telling import MOST_ROWS, SPAN_SECONDS, Telling

SEEN = (SeenProcess(7, 1, "S", 0.5, "node"),)
ONE_OF_EACH: tuple[SessionFact, ...] = (
    Began("th-1", "0.169.0", ("files",)),
    TurnBegan(),
    ToolOpened("i1", "shell", "c1"),
    ToolClosed("i1", "r1", failed=True),
    ToolOpened("i2", "Bash", "c2", None, "make [redacted:api_key]", ("api_key",)),
    ToolClosed("i2", "r2", shown="all well", exit_code=0),
    Began(None),
    Limited(None, "for a while"),
    Said("Done."),
    Stirred("reasoning"),
    Retrying(Trouble.NETWORK, "Reconnecting... 1/5", 2.0),
    Limited(1_800_000_000.0, "limit reached"),
    Waits("approval"),
    Spent(1200, 0.25),
    TurnEnded(False, Trouble.AUTH, "401"),
    Unknown("item.new"),
    Unreadable('{"type'),
    ContractCall("complete", False, "gate_failed", artifacts=2),
    ProcessStarted(7),
    ProcessSample(SEEN, 2),
    ProcessExited(None, 9),
    Interrupted(2),
    ProcessesLeft(SEEN),
    LeaseChanged("taken_over", 3, "w2"),
    ArtifactChecked(200, 1, 512, ("empty_body",)),
    WorkspaceChanged(3, 1),
    TranscriptGrew(4),
    ErrorLine("Reading additional input from stdin..."),
    QueueTick(3, 2, 0, {"full": 3}),
    ClockJumped(3600.0),
)


def rows(telling: Telling) -> list[tuple[str, dict[str, Any]]]:
    return [(told.row.event, told.row.fields) for told in telling.rows]


def test_every_fact_comes_back_from_its_row() -> None:
    """What is exported says what was seen: each fact is read back as it was, and what is unknown as nothing."""
    for fact in ONE_OF_EACH:
        row = row_of(fact)
        kept = row.__class__(row.source, row.event, json.loads(json.dumps(row.fields)))
        assert repr(fact_of(kept)) == repr(fact), "as it comes back from the database, of the same types"
    row = row_of(Said("x"))
    for stranger in (
        row.__class__("stdout", "sung", {}),
        row.__class__("proc", "sample", {"processes": 7}),
        row.__class__("stdout", "said", {"words": "x"}),
        row.__class__("moon", "line", {}),
    ):
        assert fact_of(stranger) is None


def test_of_a_long_command_its_beginning_is_kept_and_of_a_long_result_its_end() -> None:
    """What was cut says so, and a row stays small however much a tool printed."""
    opened = row_of(ToolOpened("i", "Bash", "c", shown="make " + "x" * 4000)).fields["shown"]
    closed = row_of(ToolClosed("i", "r", shown="x" * 4000 + " 1 failed")).fields["shown"]
    assert (opened[:6], opened[-2:], len(opened)) == ("make x", "x…", MOST_SHOWN + 1)
    assert (closed[:2], closed[-9:], len(closed)) == ("…x", " 1 failed", MOST_SHOWN + 1)


def test_an_hour_of_noise_is_a_few_rows_with_counts() -> None:
    """Stirring, retries and samples are told at once, then twice a minute with their count; none is lost."""
    telling = Telling()
    telling.take(0.0, Retrying(Trouble.NETWORK, "first"))
    for second in range(1, 3600):
        for part in range(20):
            telling.take(second + part / 20, Stirred("delta"))
        telling.take(float(second), Retrying(Trouble.NETWORK, "again"))
    telling.settle(3600.0, everything=True)
    told = rows(telling)
    assert len(told) < 3 * 3600 / SPAN_SECONDS
    counted = Counter[str]()
    for event, fields in told:
        counted[event] += fields.get("count", 1)
    assert counted == {"retrying": 3600, "stirred": 20 * 3599}
    assert telling.dropped == 0
    assert telling.standing(3600.0)["silent_s"] < 2


def test_a_flood_of_tools_is_cut_and_said_so() -> None:
    """Thousands of tool calls a second keep to the budget; what is left out is counted, diagnoses are told always."""
    telling = Telling()
    for number in range(20_000):
        telling.take(number / 10_000, ToolOpened(f"i{number}", "shell", "c"))
    told = len(telling.rows)
    assert told < 250
    assert telling.dropped == 20_000 - told
    telling.diagnosed(
        2.0, Diagnosis(FailureClass.LOOP_WITHOUT_PROGRESS, Action.INTERRUPT_RESUME, "again and again")
    )
    assert rows(telling)[-1][1]["failure"] == "F15"


def test_the_oldest_rows_give_way_while_the_server_is_away() -> None:
    """The newest are kept, in their order, and the record knows how many are missing."""
    telling = Telling()
    for number in range(2 * MOST_ROWS):
        telling.take(float(number), Said(f"word {number}"))
    assert [fields["text"] for _, fields in rows(telling)] == [
        f"word {n}" for n in range(MOST_ROWS, 2 * MOST_ROWS)
    ]
    assert telling.dropped == MOST_ROWS


def test_a_message_that_a_dropped_stream_repeats_is_told_once() -> None:
    """The same words right after one another are one message; said again later they are another."""
    telling = Telling()
    for text in ("a", "a", "b", "a"):
        telling.take(1.0, Said(text))
    assert [fields["text"] for _, fields in rows(telling)] == ["a", "b", "a"]


def test_a_turn_that_is_read_again_is_told_from_where_it_was_left() -> None:
    """Who adopts a session reads its turn from the beginning: nothing is told twice, and the next turn whole."""
    first = Telling()
    first.begin_turn(1)
    turn = [TurnBegan(), Said("a"), ToolOpened("i1", "shell", "c"), Said("b")]
    for fact in turn[:3]:
        first.take(1.0, fact)
    again = Telling()
    again.begin_turn(1, told_until=first.rows[-1].ordinal)
    for fact in turn:
        again.take(2.0, fact)
    assert [fields["text"] for event, fields in rows(again) if event == "said"] == ["b"]
    assert again.standing(3.0)["open_tools"] == 1, "what was told is known all the same"
    again.begin_turn(2)
    again.take(3.0, TurnBegan())
    assert [told.row.event for told in again.rows] == ["said", "turn_began"]


def test_how_a_session_stands() -> None:
    """Open tools, retries, parks and silence are told in seconds before now; a new turn closes what was open."""
    telling = Telling()
    telling.take(100.0, ToolOpened("i1", "shell", "c"))
    telling.take(110.0, ToolOpened("i2", "mcp", "c"))
    telling.take(115.0, TranscriptGrew())
    assert telling.standing(120.0) == {
        "silent_s": 10.0,
        "open_tools": 2,
        "tool": "shell",
        "tool_open_s": 20.0,
    }
    telling.take(120.0, TurnBegan())
    telling.take(121.0, Retrying(Trouble.OVERLOADED))
    telling.take(125.0, Retrying(Trouble.OVERLOADED))
    telling.take(126.0, Limited(226.0))
    assert telling.standing(126.0) == {"silent_s": 0.0, "park_left_s": 100.0}
    assert telling.turns == 1


@given(some.lists(some.tuples(some.floats(0, 100), some.sampled_from(ONE_OF_EACH)), max_size=60))
def test_any_facts_in_any_order_are_told_or_counted(taken: list[tuple[float, SessionFact]]) -> None:
    """Clocks may go back and facts come in any order: nothing breaks, and nothing vanishes without a count."""
    telling = Telling()
    repeated, last = 0, None
    for at, fact in taken:
        telling.take(at, fact)
        if isinstance(fact, Said):
            repeated, last = repeated + (last is not None), fact
    telling.settle(1e9, everything=True)
    counted = sum(fields.get("count", 1) for _, fields in rows(telling))
    assert counted + telling.dropped + repeated == len(taken)
    assert all(isinstance(value, float | int | str) for value in telling.standing(50.0).values())
