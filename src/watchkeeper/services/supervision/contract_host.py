"""What a supervisor needs of the server that gives its agents the contract's tools (interfaces/mcp serves it)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from watchkeeper.domain.sessions.facts import ContractCall


def _nobody(call: ContractCall, thread: str | None) -> None: ...


@dataclass(frozen=True)
class ContractSession:
    """A session that may call: its job, and the directory whose files it may upload.

    `told` learns of every call once it is answered, with the agent's own thread id where it sends one; it runs in
    the host's event loop and must neither block nor raise. `keep` keeps an end (its command and body, whose paths are
    relative to the workspace) that the server could not be told, to be told later; it runs in a thread of the host
    and may raise OSError. Without it, or when it fails, the agent is asked to try again.
    """

    job: str
    workspace: Path | None
    told: Callable[[ContractCall, str | None], None] = _nobody
    keep: Callable[[str, dict[str, Any]], None] | None = None


class ContractHost(Protocol):
    """One server for all sessions of a worker. Every method may be called from any thread."""

    @property
    def address(self) -> str:
        """The URL for agents, once started."""
        ...

    def address_at(self, place: Path) -> str:
        """Give the URL for agents whose attempts are kept in this directory: whoever adopts it listens there too."""
        ...

    def start(self, place: Path, adopted: Sequence[Path] = ()) -> None:
        """Begin to serve, at the ports that the worker's directory and adopted ones remember; return when it listens.

        Raises OSError where it cannot listen at all.
        """
        ...

    def stop(self) -> None:
        """End it, and the calls under way; safe to repeat."""
        ...

    def register(self, token: str, session: ContractSession) -> None:
        """Let in who holds this job token, as that session; a second time replaces the first."""
        ...

    def forget(self, token: str) -> None:
        """Let the token in no more; calls under way are still answered."""
        ...
