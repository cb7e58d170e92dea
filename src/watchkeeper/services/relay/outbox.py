"""Completions that a helper could not take: kept on disk, and delivered by a later heartbeat before it claims."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from watchkeeper.agents.records import read_record
from watchkeeper.domain.heartbeat_steps import Call, Command, Why
from watchkeeper.services.relay.place import HelperPlace


@dataclass(frozen=True, slots=True)
class Completion:
    """What `complete` is given."""

    job: str
    summary: str
    artifacts_json: str
    kind: str | None = None
    attempt_id: str | None = None

    @property
    def arguments(self) -> list[str]:
        return [self.job, self.summary, self.artifacts_json]


class CompletionOutbox:
    """The kept completions of one place; one is taken up at a time."""

    def __init__(self, place: HelperPlace) -> None:
        self._place = place
        self._taken: tuple[Path, Completion] | None = None

    def keep(self, completion: Completion) -> None:
        """Keep a completion; durable when this returns."""
        record = {name: getattr(completion, name) for name in Completion.__dataclass_fields__}
        self._place.new_record(self._place.outbox, record)

    def take_up(self) -> int:
        """Take up the oldest; give how many wait."""
        waiting = self._place.waiting(self._place.outbox)
        record = read_record(waiting[0]) if waiting else None
        self._taken = None if record is None else (waiting[0], Completion(**record))
        return len(waiting)

    def arguments(self, call: Call) -> list[str] | None:
        """Give the arguments of a call about the completion that is taken up; None for other calls."""
        if call.why is not Why.KEPT or self._taken is None:
            return None
        completion = self._taken[1]
        return completion.arguments if call.command is Command.COMPLETE else [completion.job]

    def settle(self, is_completed: bool) -> Completion | None:
        """Take it out: delivered, or set aside for a person."""
        if self._taken is None:
            return None
        path, completion = self._taken
        self._place.settle(path, refused=not is_completed)
        self._taken = None
        return completion
