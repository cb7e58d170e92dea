"""What the hands of a repair are given, and what they give back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.repairs import Plan
from watchkeeper.services.repairs.targets import Seen
from watchkeeper.storage.database import Connection, Row


@dataclass(frozen=True, slots=True)
class Work:
    """A repair in hand: its locked row, its plan, the target as it was just seen, and in whose name."""

    connection: Connection
    repair: Row
    plan: Plan
    seen: Seen
    actor: str
    redactor: Redactor

    @property
    def project_id(self) -> str:
        return str(self.repair["project_id"])

    @property
    def reason(self) -> str:
        return f"{self.repair['reason']} (repair {self.repair['id']})"


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it. `due_seconds` says that somebody was asked, and by when the effect must be seen.

    `made` is what an undo needs to know beside the target's image. `is_for_person`: nothing was done, a person must.
    """

    output: str
    due_seconds: float | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
    is_for_person: bool = False


Action = Callable[[Work], Awaitable[Done]]
