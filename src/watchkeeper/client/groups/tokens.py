"""Bearer tokens: made, listed, rotated, revoked.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.shared import Answer
from watchkeeper.client.types.tokens import (
    RotationBody,
    Token,
    TokenBody,
    TokensListAnswer,
    TokensMakeAnswer,
    TokensRotateAnswer,
)


class TokensListSaid(TypedDict, total=False):
    limit: int
    cursor: str | None
    project: str


class TokensMakeSaid(TokenBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class TokensRevokeSaid(TypedDict, total=False):
    reason: str
    project: str
    idempotency_key: str
    dry_run: bool


class TokensRotateSaid(RotationBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/tokens", ("limit", "cursor"))

_MAKE = Operation("POST", "/api/tokens", (), takes_key=True)

_REVOKE = Operation("DELETE", "/api/tokens/{token_id}", ("reason",), takes_key=True)

_ROTATE = Operation("POST", "/api/tokens/{token_id}/rotate", (), takes_key=True)


class TokensGroup(Group):
    """Bearer tokens: made, listed, rotated, revoked."""

    def list(self, **said: Unpack[TokensListSaid]) -> TokensListAnswer:
        """List tokens, never their secrets, the oldest first."""
        return cast("TokensListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[TokensListSaid]) -> Iterator[Token]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "tokens")

    def make(self, **said: Unpack[TokensMakeSaid]) -> TokensMakeAnswer:
        """Make a token."""
        return cast("TokensMakeAnswer", self._connection.json(_MAKE, {}, said))

    def revoke(self, token_id: str, **said: Unpack[TokensRevokeSaid]) -> Answer:
        """End a token at once."""
        return cast("Answer", self._connection.json(_REVOKE, {"token_id": token_id}, said))

    def rotate(self, token_id: str, **said: Unpack[TokensRotateSaid]) -> TokensRotateAnswer:
        """Give a token a successor."""
        return cast("TokensRotateAnswer", self._connection.json(_ROTATE, {"token_id": token_id}, said))
