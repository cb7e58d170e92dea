"""The bodies in which a supervisor tells of the agent sessions of its attempt."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from watchkeeper.interfaces.api.schemas import Body, Word

MOST = 2_147_483_647
LONGEST = 2**63 - 1
MAX_BATCH = 500
MAX_SESSIONS = 1_000
"""Sessions of one attempt: a fresh one is begun where resuming is unsafe, and restarts are few."""

Short = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Path = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Total = Annotated[int, Field(ge=0, le=LONGEST)]
Seconds = Annotated[float, Field(ge=0, le=10 * 366 * 86_400)]
Number = Annotated[int, Field(ge=1, le=MAX_SESSIONS, description="Which session of the attempt.")]


class StandingBody(Body):
    """How a session stands, in seconds before it was told: no clock of the sender is compared with ours."""

    silent_s: Seconds | None = None
    open_tools: Count = 0
    tool: Short | None = None
    tool_open_s: Seconds | None = None
    retrying_s: Seconds | None = None
    no_progress_s: Seconds | None = None
    parked_s: Seconds | None = None
    park_left_s: Seconds | None = None
    unreachable: bool = False
    repeats: Count = 0


class DiagnosisBody(Body):
    """What the classifier says now; `failure` null holds the session for healthy."""

    failure: Short | None = None
    action: Short = "none"
    because: Annotated[str, StringConstraints(max_length=2_000)] = ""
    evidence: dict[str, Any] = Field(default_factory=dict)
    park_s: Seconds | None = None


class LeftBody(Body):
    """A process that lived on after the end of its session."""

    pid: Count
    command: Annotated[str, StringConstraints(max_length=500)] = ""
    why: Annotated[str, StringConstraints(max_length=200)] = ""


class SessionBody(Body):
    """How a session stands; what is left out stays as it was told before. The first word of a number begins it."""

    session: Number = 1
    agent: Short | None = None
    cli_version: Short | None = None
    thread_id: Word | None = None
    transcript: Path | None = None
    workspace: Path | None = None
    host_id: Word | None = None
    boot_id: Word | None = None
    pid_ns: Word | None = None
    pid: Count | None = None
    start_ticks: Total | None = None
    state: (
        Literal["starting", "running", "waiting", "parked", "probing", "interrupted", "resuming"] | None
    ) = None
    turns: Count | None = None
    restarts: Count | None = None
    tokens: Total | None = None
    cost: float | None = Field(None, ge=0, le=1e12)
    standing: StandingBody | None = None
    diagnosis: DiagnosisBody | None = None
    unknown: dict[Short, Count] | None = Field(None, max_length=100)
    left: list[LeftBody] | None = Field(None, max_length=500)
    interrupted: bool = False
    dropped: Total | None = None
    ended: bool = False
    exit_code: int | None = Field(None, ge=-MOST, le=MOST)
    exit_signal: int | None = Field(None, ge=0, le=1_000)
    failure_class: Short | None = None

    def said(self) -> dict[str, Any]:
        """Give all but the number, as the service takes it."""
        said = self.model_dump(exclude={"session"})
        said["silent_seconds"] = None if self.standing is None else self.standing.silent_s
        return said


class EventBody(Body):
    """One event: the sender's own number for it, seconds since the session's start, and what was seen."""

    n: int = Field(ge=1, le=LONGEST)
    t: Seconds
    source: Short
    event: Short
    fields: dict[str, Any] = Field(default_factory=dict)


class SessionEventsBody(Body):
    """`dropped`: how many events the sender had to leave out so far; `silent_s`: how old the agent's newest is."""

    session: Number = 1
    events: list[EventBody] = Field(max_length=MAX_BATCH)
    dropped: Total = 0
    silent_s: Seconds | None = None
