"""A stage that plays a heartbeat's decisions: scripted answers, and what was asked in which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from watchkeeper.domain.heartbeat import Heartbeat
from watchkeeper.domain.heartbeat_memory import Memory
from watchkeeper.domain.heartbeat_steps import (
    AddMissing,
    Call,
    Check,
    Checked,
    Command,
    Ended,
    Ending,
    GoOn,
    Lease,
    LeaseStanding,
    NextKept,
    Publish,
    Step,
    SwitchToShared,
    Tell,
    Why,
    Work,
    Worked,
)
from watchkeeper.domain.helper_answers import HelperJob, Outcome, Reply
from watchkeeper.domain.rules.names import RuleName

A, B = HelperJob("A", deliverable_id="d1"), HelperJob("B")
OK, WIRE = Reply(Outcome.OK), Reply(Outcome.FETCH_FAILED)
DONE = Reply(Outcome.OK, state="completed")
CLAIMED = Reply(Outcome.OK, jobs=(A,))


@dataclass
class Stage:
    """Plays a heartbeat: `script` answers single steps, in order; what it does not answer goes well."""

    script: dict[Any, list[Any]] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    steps: list[tuple[Step, Any]] = field(default_factory=list)

    def play(self, play: Any) -> Any:
        happened = None
        try:
            while True:
                step = play.send(happened)
                happened = self.answer(step)
                self.steps.append((step, happened))
        except StopIteration as end:
            return end.value
        except Ended as ended:
            return ended.ending

    def heartbeat(self, **more: Any) -> Ending:
        ending = self.play(Heartbeat(self.memory, **more).run())
        assert isinstance(ending, Ending)
        return ending

    def answer(self, step: Step) -> Any:
        key = step.command if isinstance(step, Call) else type(step)
        if self.script.get((key, getattr(step, "why", None))):
            return self.script[key, getattr(step, "why", None)].pop(0)
        if self.script.get(key):
            return self.script[key].pop(0)
        match step:
            case Call(Command.CLAIM):
                return CLAIMED
            case Call(Command.COMPLETE):
                return DONE
            case Call():
                return OK
            case Lease():
                return LeaseStanding.FINE
            case Work() | GoOn():
                return Worked(is_done=True)
            case Check():
                return Checked(passed=True)
            case Publish() | SwitchToShared() | AddMissing():
                return True
            case NextKept():
                return 0
        return None

    def calls(self, *whys: Why) -> list[str]:
        return [
            f"{step.command}" + ("" if step.why is Why.TURN else f" ({step.why})")
            for step, _ in self.steps
            if isinstance(step, Call) and (not whys or step.why in whys)
        ]

    def told(self, rule: RuleName) -> list[Tell]:
        return [step for step, _ in self.steps if isinstance(step, Tell) and step.rule is rule]

    def did(self, kind: type) -> int:
        return sum(isinstance(step, kind) for step, _ in self.steps)
