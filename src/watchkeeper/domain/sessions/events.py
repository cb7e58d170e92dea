"""What an agent's session was seen to do, in words that are the same for every agent.

An adapter turns each line of its agent's stream into these. None carries a time: lines have none, and whoever reads
them stamps them on receipt.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """What stood in an agent's way, as it told it."""

    AUTH = "auth"
    RATE_LIMIT = "rate_limit"
    USAGE_LIMIT = "usage_limit"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    NETWORK = "network"
    UNREACHABLE = "unreachable"
    CONTEXT_OVERFLOW = "context_overflow"
    BAD_REQUEST = "bad_request"
    BUDGET = "budget"
    TURNS_USED_UP = "turns_used_up"
    INTERRUPTED = "interrupted"
    SESSION_UNKNOWN = "session_unknown"
    SESSION_TAKEN = "session_taken"
    TOOLS_MISSING = "tools_missing"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Began:
    """The agent is there. `thread` is what it resumes by; `failed_servers` are MCP servers that did not start."""

    thread: str | None
    version: str | None = None
    failed_servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """A turn of the conversation was begun."""


@dataclass(frozen=True, slots=True)
class ToolOpened:
    """A tool call was begun. `call` is a digest of the tool and its arguments; `contract` names a contract command.

    `shown` is the command or the arguments, for people: nothing is judged by it. `redacted` are the kinds of secrets
    that were taken out of it.
    """

    id: str
    tool: str
    call: str
    contract: str | None = None
    shown: str = ""
    redacted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolClosed:
    """A tool call is over. `result` is a digest of what it gave; `wrote` says that it changed files.

    `shown` is the end of what it gave and `exit_code` that of a command, for people: nothing is judged by them.
    `redacted` are the kinds of secrets that were taken out.
    """

    id: str
    result: str
    failed: bool = False
    wrote: bool = False
    shown: str = ""
    exit_code: int | None = None
    redacted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """The agent said something to whoever reads its answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Stirred:
    """The agent is at work, and nothing more: reasoning, a status, a part of a message, the progress of a tool."""

    what: str


@dataclass(frozen=True, slots=True)
class Retrying:
    """A request failed and is tried again: no progress, and no end."""

    trouble: Trouble
    text: str = ""
    delay_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Limited:
    """The provider refuses until `until`, seconds since 1970; None where it did not say."""

    until: float | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Waits:
    """The agent waits for a person: for an approval, or for input."""

    reason: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What the thread has used so far, over all its turns. `cost` is in US dollars."""

    tokens: int
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The agent's own word that its turn is over: a claim, which exit code, tools and evidence may contradict."""

    ok: bool
    trouble: Trouble | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A line of a kind that the adapter's table does not name: accepted, counted and shown."""

    kind: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes that are no line of the stream: half a line at a death, binary, a text between the events."""

    text: str


SessionEvent = (
    Began
    | TurnBegan
    | ToolOpened
    | ToolClosed
    | Said
    | Stirred
    | Retrying
    | Limited
    | Waits
    | Spent
    | TurnEnded
    | Unknown
    | Unreadable
)
