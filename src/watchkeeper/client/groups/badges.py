"""The state as a small picture.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.badges import BadgesListAnswer, BadgesRenewAnswer
from watchkeeper.client.types.shared import ReasonBody


class BadgesListSaid(TypedDict, total=False):
    project: str


class BadgesRenewSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/badges")

_RENEW = Operation("POST", "/api/badges/renew", (), takes_key=True)


class BadgesGroup(Group):
    """The state as a small picture."""

    def list(self, **said: Unpack[BadgesListSaid]) -> BadgesListAnswer:
        """Give the addresses of a project's badges."""
        return cast("BadgesListAnswer", self._connection.json(_LIST, {}, said))

    def renew(self, **said: Unpack[BadgesRenewSaid]) -> BadgesRenewAnswer:
        """Sign a project's badges anew, so that the addresses of before show nothing."""
        return cast("BadgesRenewAnswer", self._connection.json(_RENEW, {}, said))
