"""How well workers do, in parts that are shown: the health of each worker, role and persona."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from watchkeeper.domain.judging import Share


@dataclass(frozen=True, slots=True)
class Score:
    """A score from 0 to 100, the mean of its parts that have enough observations; None where no part has."""

    subject: str
    name: str
    parts: Mapping[str, Share]
    open_incidents: int

    @property
    def value(self) -> float | None:
        known = [share.value for share in self.parts.values() if share.is_enough and share.value is not None]
        return round(100 * sum(known) / len(known), 1) if known else None

    @property
    def n(self) -> int:
        return max((share.n for share in self.parts.values()), default=0)


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """What was counted of one worker."""

    worker_id: str
    role: str | None
    persona: str | None
    parts: Mapping[str, Share]
    open_incidents: int = 0


def scores(workers: Iterable[WorkerFacts]) -> list[Score]:
    """Score each worker, then each role and persona by all that its workers did together."""
    groups: dict[tuple[str, str], list[WorkerFacts]] = defaultdict(list)
    for worker in workers:
        groups["worker", worker.worker_id].append(worker)
        if worker.role is not None:
            groups["role", worker.role].append(worker)
        if worker.persona is not None:
            groups["persona", worker.persona].append(worker)
    order = ("worker", "role", "persona")
    return [
        Score(subject, name, _together(members), sum(member.open_incidents for member in members))
        for (subject, name), members in sorted(
            groups.items(), key=lambda one: (order.index(one[0][0]), one[0][1])
        )
    ]


def _together(members: list[WorkerFacts]) -> dict[str, Share]:
    totals: dict[str, list[int]] = {}
    for member in members:
        for part, share in member.parts.items():
            total = totals.setdefault(part, [0, 0])
            total[0] += share.part
            total[1] += share.n
    return {part: Share(*total) for part, total in totals.items()}
