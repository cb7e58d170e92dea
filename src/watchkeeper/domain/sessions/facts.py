"""What is known of a session beside its own stream: its processes, lease, contract calls, workspace and evidence.

The supervisor tells these as they happen; the truth corpus tells the same, read from its rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from watchkeeper.domain.sessions.events import SessionEvent


@dataclass(frozen=True, slots=True)
class ContractCall:
    """A contract command of the job, as the server answered it.

    `artifacts` is how many it handed in; None where that is not known.
    """

    command: str
    ok: bool
    error_code: str | None = None
    phase: str | None = None
    artifacts: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessStarted:
    pid: int


@dataclass(frozen=True, slots=True)
class SeenProcess:
    """A process of the session at one look; `cpu_seconds` is what it has used since its start."""

    pid: int
    ppid: int
    state: str
    cpu_seconds: float
    command: str = ""


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """All processes of the session at one look. `sockets` counts its connections; None where they cannot be read."""

    processes: tuple[SeenProcess, ...]
    sockets: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessExited:
    """The agent's own process ended; one of the two is set, neither where nobody took in its end."""

    code: int | None = None
    signal: int | None = None


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The session was asked to end, by its supervisor or by somebody else, with this signal."""

    signal: int = 15


@dataclass(frozen=True, slots=True)
class ProcessesLeft:
    """What lived on after the end. Empty: the sweep looked, and nothing is left."""

    processes: tuple[SeenProcess, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaseChanged:
    """`change` is claimed, renewed, released, expired or taken_over; `worker` is who holds it then."""

    change: str
    epoch: int
    worker: str | None = None


@dataclass(frozen=True, slots=True)
class ArtifactChecked:
    """What the gate saw of the primary artifact; `failed` names the checks that failed."""

    http_status: int | None = None
    file_count: int | None = None
    bytes: int | None = None
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkspaceChanged:
    """The workspace moved since the last look: so many files, so many commits."""

    files: int = 0
    commits: int = 0


@dataclass(frozen=True, slots=True)
class TranscriptGrew:
    """The agent's own transcript file moved, whatever its stream says; `lines` are those that were added."""

    lines: int = 1


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """A line of stderr, redacted."""

    text: str


@dataclass(frozen=True, slots=True)
class QueueTick:
    """One look of the dispatcher at its queue; `declined` counts the jobs that were not given out, by reason."""

    ready: int
    running: int
    spawned: int
    declined: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClockJumped:
    """The wall clock was set, or the machine slept; no time of silence may be drawn from it."""

    seconds: float


SessionFact = (
    SessionEvent
    | ContractCall
    | ProcessStarted
    | ProcessSample
    | ProcessExited
    | Interrupted
    | ProcessesLeft
    | LeaseChanged
    | ArtifactChecked
    | WorkspaceChanged
    | TranscriptGrew
    | ErrorLine
    | QueueTick
    | ClockJumped
)
