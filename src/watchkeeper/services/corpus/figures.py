"""The figures of a corpus: precision and recall with their bounds, what was wrongly let pass or ended, and delays."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.ladder import GENTLE, is_earlier
from watchkeeper.domain.shares import wilson
from watchkeeper.services.corpus.reading import CLASSES, HEALTHY, CorpusRow, Label
from watchkeeper.services.corpus.replay import Outcome, replay

ENDING = frozenset({Action.INTERRUPT_RESUME, Action.FRESH_SESSION, Action.KILL})
"""Acts that end a process."""

OUT_OF_ORDER = "out of order, put in order of time"

DONE_FALSELY = frozenset({"F07", "F08"})


@dataclass(frozen=True, slots=True)
class Judged:
    """A row and what came of it."""

    row: CorpusRow
    outcome: Outcome

    @property
    def is_right(self) -> bool:
        """Say whether the row acts rightly: as its label says, or so far only an earlier rung; nothing forbidden."""
        label, action = self.row.label, self.outcome.action
        acts = {*self.outcome.acts, action} - {Action.NONE}
        fits = action is label.right_action or is_earlier(action, label.right_action)
        return fits and action not in label.forbidden and not acts & label.forbidden

    @property
    def is_false_kill(self) -> bool:
        return self.outcome.action in ENDING and not self.is_right

    @property
    def is_false_green(self) -> bool:
        return must_be_blocked(self.row.label) and self.outcome.action in GENTLE

    @property
    def found(self) -> str:
        """Give the class that counts as found. Traps of F16, where nobody did end it, are found by leaving it alone."""
        label, outcome = self.row.label, self.outcome
        is_trap = label.failure == FailureClass.FALSE_STALL and not label.stuck
        is_left = outcome.failure == HEALTHY and outcome.action is Action.NONE
        return label.failure if is_trap and is_left else outcome.failure

    @property
    def delay(self) -> float | None:
        detected, onset = self.outcome.detected_t, self.row.label.onset_t
        return None if detected is None or onset is None else detected - onset

    def told(self) -> dict[str, Any]:
        """Give the row as it stands in the answer."""
        return {
            "file": self.row.file,
            "expected": self.row.label.failure,
            "class": self.outcome.failure,
            "right_action": self.row.label.right_action.value,
            "action": self.outcome.action.value,
            "detected_t": _rounded(self.outcome.detected_t),
            "delay_s": _rounded(self.delay),
            "ok": self.is_right,
            "because": self.outcome.because,
        }


def must_be_blocked(label: Label) -> bool:
    return label.right_action is Action.BLOCK_COMPLETE or label.failure in DONE_FALSELY


def judge(rows: Iterable[CorpusRow]) -> list[Judged]:
    """Replay every row."""
    return [Judged(row, replay(row)) for row in rows]


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Give the answer of `eval corpus` (INTERFACES of the corpus in docs/corpus.md)."""
    blocked = [one for one in judged if must_be_blocked(one.row.label)]
    spared = [one for one in judged if one.row.label.right_action not in ENDING]
    stuck = [one for one in judged if one.row.label.stuck]
    delays = sorted(one.delay for one in judged if one.delay is not None and one.row.label.stuck)
    unknown: Counter[str] = Counter()
    for one in judged:
        unknown.update(one.outcome.unknown)
        unknown.update({OUT_OF_ORDER: one.row.late} if one.row.late else {})
    return {
        "rows": [one.told() for one in judged],
        "per_class": {name: found for name in CLASSES if (found := _of_class(name, judged)) is not None},
        "false_green_rate": _rate(sum(one.is_false_green for one in blocked), len(blocked)) or 0.0,
        "false_kill_rate": _rate(sum(one.is_false_kill for one in judged), len(spared)) or 0.0,
        "classified_share": _rate(sum(one.outcome.failure != HEALTHY for one in stuck), len(stuck)),
        "delay_s": {"p50": _quantile(delays, 0.5), "p99": _quantile(delays, 0.99)},
        "wrong": [one.row.file for one in judged if not one.is_right],
        "unknown": dict(unknown.most_common(50)),
    }


def _of_class(name: str, judged: Sequence[Judged]) -> dict[str, Any] | None:
    expected = sum(one.row.label.failure == name for one in judged)
    given = sum(one.found == name for one in judged)
    both = sum(one.row.label.failure == name == one.found for one in judged)
    if not expected and not given:
        return None
    return {
        "precision": _rate(both, given),
        "recall": _rate(both, expected),
        "n": expected,
        "precision_bounds": wilson(both, given),
        "recall_bounds": wilson(both, expected),
    }


def _rate(hits: int, n: int) -> float | None:
    """Give a share; None where there is nothing that it could be a share of."""
    return round(hits / n, 4) if n else None


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Give the smallest value that so large a share does not exceed."""
    return _rounded(ordered[max(0, math.ceil(share * len(ordered)) - 1)]) if ordered else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
