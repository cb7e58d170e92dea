"""One row, replayed on a simulated clock: at every fact, and at every moment at which the watch wants to look again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from watchkeeper.domain.sessions.diagnosis import Action, Diagnosis
from watchkeeper.domain.sessions.facts import ClockJumped
from watchkeeper.domain.sessions.ladder import GENTLE
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.watch import SessionWatch
from watchkeeper.services.corpus.meaning import Meaning
from watchkeeper.services.corpus.reading import HEALTHY, CorpusRow


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the watch held of a row. `action` is what it would have done first that changes the session.

    `acts` are all that it would have done until then; after it the recording tells nothing any more.
    """

    failure: str
    action: Action
    detected_t: float | None
    because: str
    acts: frozenset[Action]
    unknown: Counter[str]


INTERRUPTED = frozenset({"signal", "signalled", "interrupt", "interrupted", "sigterm", "terminate"})

WAKES_SECONDS = 60.0
"""So soon after a sleep something is told again."""

Seen = tuple[float, Diagnosis]


def replay(row: CorpusRow, limits: SessionLimits | None = None) -> Outcome:
    """Replay a row, and say what came of it."""
    meaning = Meaning(row)
    watch = SessionWatch(limits, tool_limit_seconds=row.label.tool_limit_seconds)
    seen: list[Seen] = []
    for at, found in _looks(row, meaning, watch):
        if not seen or (seen[-1][1].failure, seen[-1][1].action) != (found.failure, found.action):
            seen.append((at - meaning.begin, found))
        if found.action not in GENTLE and found.action is not Action.PARK and not _is_asked_later(row, seen):
            break
    return _outcome(seen, meaning.unknown)


def _is_asked_later(row: CorpusRow, seen: list[Seen]) -> bool:
    """Say whether the recording tells how the session took its interruption: then it goes on beyond that act."""
    acted = min(at for at, found in seen if found.action not in GENTLE)
    return any(told.t >= acted and told.event in INTERRUPTED for told in row.facts)


def _looks(row: CorpusRow, meaning: Meaning, watch: SessionWatch) -> Iterator[Seen]:
    next_at: float | None = None
    before = meaning.begin
    for told, after in zip(row.facts, (*row.facts[1:], None), strict=False):
        at = meaning.begin + told.t
        facts = meaning.facts(told)
        slept = max((one.seconds for one in facts if isinstance(one, ClockJumped)), default=0.0)
        is_told_after = 0 < slept <= at - before + 1
        if not is_told_after and after is not None and 0 < slept <= after.t - told.t <= slept + WAKES_SECONDS:
            # The sleep is told at its beginning: what comes next comes after it.
            at, is_told_after = at + slept, True
        if not is_told_after:
            yield from _between(watch, next_at, at, is_last=False)
        for fact in facts:
            watch.take(at, fact)
        found = watch.look(at)
        next_at, before = found.next_at, at
        yield at, found
    end = meaning.begin + _end(row)
    yield from _between(watch, next_at, end, is_last=True)
    yield end, watch.verdict(end)


def _between(watch: SessionWatch, next_at: float | None, until: float, *, is_last: bool) -> Iterator[Seen]:
    """Look at each moment that the watch names; a fact of the same moment is heard first."""
    while next_at is not None and (next_at <= until if is_last else next_at < until):
        found = watch.look(next_at)
        yield next_at, found
        next_at = found.next_at


def _end(row: CorpusRow) -> float:
    """Give when the row ends; one that nobody closed goes on as long as an answer is of use."""
    last = row.facts[-1].t if row.facts else 0.0
    if row.end_t is not None:
        return max(row.end_t, last)
    return max(last, row.label.latest_useful_t or 0.0)


def _outcome(seen: list[Seen], unknown: Counter[str]) -> Outcome:
    acts = frozenset(found.action for _, found in seen)
    t, chosen = _chosen(seen)
    if chosen is None or chosen.failure is None:
        return Outcome(HEALTHY, Action.NONE, None, "", acts, unknown)
    if chosen.action is Action.PARK and seen[-1][1].failure is None:
        # It was waited for, and came back: a session that is well.
        return Outcome(HEALTHY, Action.PARK, t, chosen.because, acts, unknown)
    first = [at for at, one in seen if one.failure is chosen.failure and one.action is not Action.NONE]
    detected = min(first, default=t)
    return Outcome(chosen.failure.value, chosen.action, detected, chosen.because, acts, unknown)


def _chosen(seen: list[Seen]) -> tuple[float, Diagnosis | None]:
    """Choose the first act that changes the session, else the last gentle one, else what stands at the end."""
    decisive = [one for one in seen if one[1].action not in GENTLE]
    decisive = [one for one in decisive if one[1].action is Action.KILL] or decisive
    if decisive:
        return decisive[0]
    gentle = [one for one in seen if one[1].action is not Action.NONE]
    if gentle:
        return gentle[-1]
    return seen[-1] if seen else (0.0, None)
