"""What each kind of job declares, and pausing it.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.kinds import Kind, KindsDeclareAnswer, KindsListAnswer
from watchkeeper.client.types.shared import Answer, ReasonBody


class KindsListSaid(TypedDict, total=False):
    limit: int
    cursor: str | None
    project: str


class KindsDeclareSaid(TypedDict, total=False):
    reason: str | None
    project: str
    idempotency_key: str
    dry_run: bool


class KindsPauseSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class KindsResumeSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/kinds", ("limit", "cursor"))

_DECLARE = Operation("POST", "/api/kinds", ("reason",), takes_key=True)

_PAUSE = Operation("POST", "/api/kinds/{kind}/pause", (), takes_key=True)

_RESUME = Operation("POST", "/api/kinds/{kind}/resume", (), takes_key=True)


class KindsGroup(Group):
    """What each kind of job declares, and pausing it."""

    def list(self, **said: Unpack[KindsListSaid]) -> KindsListAnswer:
        """List the kinds of a project by name, declared or only seen."""
        return cast("KindsListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[KindsListSaid]) -> Iterator[Kind]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "kinds")

    def declare(self, body: dict[str, Any], **said: Unpack[KindsDeclareSaid]) -> KindsDeclareAnswer:
        """Declare a kind or change its declaration."""
        return cast("KindsDeclareAnswer", self._connection.json(_DECLARE, {}, said, body))

    def pause(self, kind: str, **said: Unpack[KindsPauseSaid]) -> Answer:
        """Let nobody claim jobs of a kind."""
        return cast("Answer", self._connection.json(_PAUSE, {"kind": kind}, said))

    def resume(self, kind: str, **said: Unpack[KindsResumeSaid]) -> Answer:
        """Let jobs of a kind be claimed again."""
        return cast("Answer", self._connection.json(_RESUME, {"kind": kind}, said))
