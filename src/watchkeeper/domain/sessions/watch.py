"""The watch over one session: facts go in as they are seen, and at any moment it says what is wrong and what to do.

The supervisor feeds it live, the truth corpus replays recorded sessions through the same code on a simulated clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from watchkeeper.domain.sessions.classes import JUDGES
from watchkeeper.domain.sessions.course import NEVER, Course, Rung
from watchkeeper.domain.sessions.diagnosis import Action, Diagnosis
from watchkeeper.domain.sessions.facts import ClockJumped, SessionFact
from watchkeeper.domain.sessions.ladder import GENTLE, climbed
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.record import SessionRecord
from watchkeeper.domain.sessions.tools_seen import Call

WELL = "Nothing is wrong with it."


class SessionWatch:
    """One session's watch. Times are seconds of one clock that does not go back; limits with a time of reset are
    told in the same.

    `restarts` is how often sessions of this job were restarted before; `tool_limit_seconds` is what its kind allows
    one tool call. `recent` is that of the watch over the thread's turn before: a loop goes on over turns. Not safe
    for several threads.
    """

    def __init__(
        self,
        limits: SessionLimits | None = None,
        *,
        restarts: int = 0,
        tool_limit_seconds: float | None = None,
        recent: Iterable[Call] = (),
    ) -> None:
        limits = limits or SessionLimits()
        if tool_limit_seconds is not None:
            limits = replace(limits, tool_silence_act_seconds=tool_limit_seconds)
        self.limits = limits
        self.restarts = restarts
        self.record = SessionRecord()
        self.record.tools.recent.extend(recent)
        self._known: list[Course] | None = None
        self._now = float("-inf")

    @property
    def recent(self) -> list[Call]:
        """Give the last calls, one less than a loop has: what went round is none by itself, and the next one tells."""
        return list(self.record.tools.recent)[1 - self.limits.same_call_act :]

    def take(self, at: float, fact: SessionFact) -> None:
        """Take in one fact; one that comes late counts from now, unless the clock itself was set back."""
        self._now = at if isinstance(fact, ClockJumped) else max(self._now, at)
        self._known = None
        self.record.take(self._now, fact)

    def look(self, now: float) -> Diagnosis:
        """Say what is held of the session now, and when to look again if nothing is told meanwhile."""
        courses = self._courses()
        found = self._chosen([(one, rung) for one in courses if (rung := one.reached(now)) is not None])
        soonest = min((at for one in courses if (at := one.next_after(now)) is not None), default=None)
        if (grace := self._grace_ends()) is not None and grace > now:
            soonest = min(grace, soonest) if soonest is not None else grace
        if grace is not None and grace <= now:
            found = replace(found, action=Action.KILL, because="It ignored its interruption.")
        return replace(found, next_at=soonest)

    def verdict(self, now: float) -> Diagnosis:
        """Say what is held of the session where nothing more will be told: nothing is waited for any longer."""
        last = now if self._lingers(now) else NEVER
        reached = [
            (one, rung)
            for one in self._courses()
            if (rung := one.reached(last if one.is_verdict else now)) is not None
        ]
        return self._chosen(reached)

    def _lingers(self, now: float) -> bool:
        """Say whether the turn is over and the process is not: how it ends is not known yet."""
        ended = self.record.terminal
        is_late = ended is not None and now - ended[0] >= self.limits.after_end_warn_seconds
        return is_late and not self.record.is_over

    def _courses(self) -> list[Course]:
        """Give the courses; they follow from what was told alone, so that looking again costs next to nothing."""
        if self._known is None:
            found = (judge(self.record, self.limits) for judge in JUDGES.values())
            self._known = [course for course in found if course is not None]
        return self._known

    def _chosen(self, reached: list[tuple[Course, Rung]]) -> Diagnosis:
        """Choose what changes the session, before what leaves it as it is, before what is observed; then the first."""
        acted = [(one, rung) for one, rung in reached if rung.action is not Action.NONE]
        for course, rung in [one for one in acted if one[1].action not in GENTLE] or acted or reached:
            action = climbed(course.failure, rung.action, self.restarts, self.limits.restarts_most)
            return Diagnosis(course.failure, action, course.because, course.evidence, until=course.until)
        return Diagnosis(None, Action.NONE, WELL)

    def _grace_ends(self) -> float | None:
        asked = self.record.interrupted_at
        if asked is None or self.record.is_over:
            return None
        return asked + self.limits.interruption_grace_seconds
