"""What is known of one session: a fold of its facts into clocks and last words, bounded however long it lives.

The clock of events says that somebody is there, the clock of progress that the job moves. Errors, retries, rate
limits, heartbeats and the progress of a tool move neither the second nor the end of a span of retries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from watchkeeper.domain.sessions.events import (
    Began,
    Limited,
    Retrying,
    Said,
    SessionEvent,
    Spent,
    Stirred,
    ToolClosed,
    ToolOpened,
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
from watchkeeper.domain.sessions.hindered import Hindered
from watchkeeper.domain.sessions.job_seen import ContractSeen, LeaseSeen
from watchkeeper.domain.sessions.processes_seen import ProcessesSeen
from watchkeeper.domain.sessions.queue_seen import QueueSeen
from watchkeeper.domain.sessions.signs import LONG_SLEEP_SECONDS, THINKING, is_life, reads_stdin
from watchkeeper.domain.sessions.tools_seen import ToolsSeen

BESIDE = frozenset({"doctor", "touch", "claim", "fail", "release"})
"""Contract commands that are called for a session while it does nothing."""

OVERLAP_SECONDS = 60.0
"""A session that was heard of so shortly before lives on beside the one that begins now."""

_OfProcesses = ProcessStarted | ProcessSample | ProcessExited | ProcessesLeft | Interrupted
_OfJob = LeaseChanged | ContractCall | ArtifactChecked | WorkspaceChanged | QueueTick


@dataclass(slots=True)
class SessionRecord:
    """The fold. Times are those of whoever tells the facts, in seconds; None where something has not been."""

    tools: ToolsSeen = field(default_factory=ToolsSeen)
    processes: ProcessesSeen = field(default_factory=ProcessesSeen)
    lease: LeaseSeen = field(default_factory=LeaseSeen)
    contract: ContractSeen = field(default_factory=ContractSeen)
    queue: QueueSeen = field(default_factory=QueueSeen)
    began_at: float | None = None
    told_at: float | None = None
    started_at: float | None = None
    first_event_at: float | None = None
    event_at: float | None = None
    life_at: float | None = None
    progress_at: float | None = None
    work_at: float | None = None
    transcript_at: float | None = None
    speaks: bool = False
    had_begun: bool = False
    moved: bool = False
    unmoved: bool = False
    last_words: str = ""
    error_text: str = ""
    threads: dict[str, float] = field(default_factory=dict)
    hindered: Hindered = field(default_factory=Hindered)
    terminal: tuple[float, TurnEnded] | None = None
    unmatched: tuple[str, ...] = ()
    evidence: tuple[float, ArtifactChecked] | None = None
    exited: tuple[float, ProcessExited] | None = None
    left: tuple[float, tuple[SeenProcess, ...]] | None = None
    interrupted_at: float | None = None
    doubled_at: float | None = None

    def take(self, at: float, fact: SessionFact) -> None:
        """Take in one fact; times never go back."""
        self.began_at = at if self.began_at is None else self.began_at
        passed = at - self.told_at if self.told_at is not None else 0.0
        self.told_at = at
        match fact:
            case ProcessStarted() | ProcessSample() | ProcessExited() | ProcessesLeft() | Interrupted():
                self._processes(at, fact)
            case LeaseChanged() | ContractCall() | ArtifactChecked() | WorkspaceChanged() | QueueTick():
                self._job(at, fact)
            case ClockJumped():
                # It cannot have slept for longer than it was not heard of.
                self._jump(at, min(fact.seconds, passed))
            case TranscriptGrew():
                self._show_session(at)
                self.transcript_at = self.life_at = at
            case ErrorLine():
                self._show_session(at)
                self.error_text = f"{self.error_text}\n{fact.text}"[-4_000:]
                self.hindered.take_text(at, fact.text)
            case _:
                self._event(at, fact)

    def _processes(self, at: float, fact: _OfProcesses) -> None:
        match fact:
            case ProcessStarted():
                self._start(at, fact)
            case ProcessSample():
                self._show_session(at)
                self.processes.take_sample(at, fact)
                if self.doubled_at is None and self.processes.has_double(self.threads):
                    self.doubled_at = at
            case ProcessExited():
                self.exited = (at, fact)
            case ProcessesLeft():
                self.left = (at, fact.processes)
            case Interrupted():
                self.interrupted_at = at

    def _job(self, at: float, fact: _OfJob) -> None:
        match fact:
            case LeaseChanged():
                self.lease.take(at, fact)
            case QueueTick():
                self.queue.take(at, fact)
            case ContractCall():
                self.life_at = self.work_at = at
                if self.contract.take(at, fact):
                    self._progress(at)
                if fact.ok and fact.command not in BESIDE:
                    self.hindered.ease(ends_limit=True)
            case ArtifactChecked():
                self.evidence = (at, fact)
                self.life_at = at
            case WorkspaceChanged():
                self.unmoved = not self.moved
                if fact.files > 0 or fact.commits > 0:
                    self.unmoved = False
                    self.life_at = at
                    self.moved = True
                    self._progress(at)

    def _start(self, at: float, fact: ProcessStarted) -> None:
        """A process began; one beside another that lives and still speaks is a double."""
        if self.started_at is not None and self.exited is None and self._root_lives(at):
            self.doubled_at = at if fact.pid != self.processes.root else self.doubled_at
        self.processes.take_start(fact.pid)
        self.started_at = at
        self.first_event_at = self.event_at = self.exited = self.left = None
        self.terminal = self.interrupted_at = None
        self.hindered = Hindered()
        self.unmatched, self.error_text = (), ""
        self.tools.open.clear()
        self.threads.clear()
        self.life_at = at

    def _root_lives(self, at: float) -> bool:
        seen = self.processes
        if self.lease.expired_at is not None:
            return False
        if seen.sampled_at is None:
            heard = [one for one in (self.event_at, self.lease.renewed_at) if one is not None]
            return bool(heard) and at - max(heard) < OVERLAP_SECONDS
        return any(one.pid == seen.root for one in seen.last)

    def _show_session(self, at: float) -> None:
        if self.started_at is None:
            self.started_at = at if self.began_at is None else self.began_at

    def _progress(self, at: float) -> None:
        self.progress_at = at
        self.tools.forget_repeats()

    def _jump(self, at: float, slept: float) -> None:
        """The machine slept, or its clock was set: a long sleep begins every silence anew, a short one is left out."""

        def moved(mark: float) -> float:
            return min(at, mark + max(slept, 0.0)) if slept < LONG_SLEEP_SECONDS else at

        for name in ("started_at", "first_event_at", "event_at", "life_at", "progress_at", "work_at"):
            if (mark := getattr(self, name)) is not None:
                setattr(self, name, moved(mark))
        self.tools.open = {key: one._replace(at=moved(one.at)) for key, one in self.tools.open.items()}
        if (span := self.hindered.retries) is not None:
            span.since, span.last_at = moved(span.since), moved(span.last_at)
        if self.terminal is not None:
            self.terminal = (moved(self.terminal[0]), self.terminal[1])
        if (since := self.queue.stuck_since) is not None:
            self.queue.stuck_since = moved(since)
        if (renewed := self.lease.renewed_at) is not None:
            self.lease.renewed_at = moved(renewed)

    def _event(self, at: float, event: SessionEvent) -> None:
        self._show_session(at)
        if reads_stdin(event):
            return
        self.first_event_at = at if self.first_event_at is None else self.first_event_at
        if is_life(event):
            self.event_at = self.life_at = at
        match event:
            case Retrying() | Limited() | Waits():
                self.hindered.take(at, event)
            case TurnEnded():
                self._end(at, event)
            case Began():
                self._begin(at, event)
            case TurnBegan() | ToolOpened() | ToolClosed() | Said() | Stirred():
                self._act(at, event)
            case Unknown():
                self.hindered.take_unknown(at, event.kind)
            case Unreadable():
                self.hindered.take_text(at, event.text)
            case Spent():
                pass
            case _:
                assert_never(event)

    def _act(self, at: float, event: TurnBegan | ToolOpened | ToolClosed | Said | Stirred) -> None:
        match event:
            case TurnBegan():
                self._work(at, opens=True)
            case ToolOpened():
                self._work(at, opens=True)
                self.tools.take_opened(at, event)
                self.hindered.take_tool(at, event.tool)
            case ToolClosed():
                self._close(at, event)
            case Said():
                self.last_words = event.text or self.last_words
                self.tools.take_words(event.text)
                self._work(at)
            case Stirred():
                if event.what in THINKING:
                    self._work(at, ends_limit=False)
                elif event.what == "session_state_changed":
                    self.hindered.waits = None

    def _begin(self, at: float, began: Began) -> None:
        self.speaks = True
        if began.thread is not None:
            is_other = bool(self.threads) and began.thread not in self.threads
            goes_on = self.work_at is not None and at - self.work_at < OVERLAP_SECONDS
            if is_other and self.exited is None and self.terminal is None and goes_on:
                self.doubled_at = at
            self.threads[began.thread] = at

    def _work(self, at: float, *, opens: bool = False, ends_limit: bool = True) -> None:
        """The agent does what it is for: retries, limits and questions are over; a limit not by thoughts alone."""
        self.speaks = self.speaks or opens
        self.work_at = at
        self.hindered.ease(ends_limit=ends_limit)
        if opens:
            self.terminal, self.unmatched = None, ()
        self.progress_at = at if self.progress_at is None else self.progress_at

    def _close(self, at: float, closed: ToolClosed) -> None:
        self._work(at)
        opened = self.tools.take_closed(at, closed)
        self.unmatched = tuple(one for one in self.unmatched if one != closed.id)
        if opened is not None and not self.tools.open and self.progress_at is not None:
            # The clock of progress rests while a tool is open.
            self.progress_at = min(at, self.progress_at + (at - opened.at))
        if opened is not None and opened.contract is not None and opened.contract not in self.contract.last:
            self.contract.take(at, ContractCall(opened.contract, ok=not closed.failed))
        if closed.wrote and self.tools.repeated() <= 1:
            self.moved = True
            self._progress(at)

    def _end(self, at: float, ended: TurnEnded) -> None:
        self.had_begun = self.speaks
        self.speaks = True
        if ended.text and ended.ok:
            self.last_words = ended.text
        self.terminal = (at, ended)
        self.unmatched = tuple(self.tools.open) if ended.ok else ()
        self.tools.open.clear()
        self.hindered.take_end(at, ended)

    @property
    def is_over(self) -> bool:
        return self.exited is not None
