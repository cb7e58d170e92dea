"""Idempotency keys: the same request under the same key is carried out once, and answered alike ever after.

An operator's act and its record ride in one transaction: either both are there or neither, whatever dies.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import Conflict, UsageError, WatchkeeperError
from watchkeeper.logs import log
from watchkeeper.storage.database import Database

SECRET_FIELDS = ("secret",)
MAX_KEY_CHARS = 200


class KeyReused(UsageError):
    """This idempotency key was used for another request."""

    hint = "Use a new key for each request; repeat one only with the very same request."


class SecretGone(Conflict):
    """This request was carried out before; the secret that it made was shown once and is not kept."""

    hint = "Where that answer was lost, revoke the token that it names and make another under a new key."


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with its key: who sent it, in which project, to which route, and the hash of what it says."""

    project_id: str
    principal_id: UUID
    route: str
    key: str
    request_hash: bytes

    def __post_init__(self) -> None:
        if not 1 <= len(self.key) <= MAX_KEY_CHARS or not self.key.isascii() or not self.key.isprintable():
            raise UsageError(f"an Idempotency-Key is 1 to {MAX_KEY_CHARS} printable ASCII characters")

    @property
    def place(self) -> dict[str, Any]:
        return {
            "project_id": self.project_id,
            "principal_id": self.principal_id,
            "route": self.route,
            "key": self.key,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `replayed` says that it was carried out earlier, `final` that it has come to an end."""

    status: int
    body: Any
    replayed: bool = False
    final: bool = True


Act = Callable[[], Awaitable[Answer]]


class Idempotency:
    """Keeps requests under their keys for two days."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def once(self, asked: KeyedRequest, act: Act) -> Answer:
        """Carry out an act and keep its answer, in one transaction, or give the answer that is kept.

        Raises KeyReused for another request under the key, Conflict while the first one still runs. An act that
        raises leaves the key free.
        """
        async with self._database.together():
            if not (await self._database.fetch("try_idempotency_lock", asked.place))[0]["taken"]:
                raise Conflict(
                    "a request with this idempotency key is still running", hint="Repeat it in a moment."
                )
            if (kept := await self._begin(asked)) is not None:
                return kept
            answer = await act()
            await self._keep(asked, answer)
        return answer

    async def once_apart(self, asked: KeyedRequest, act: Act) -> Answer:
        """The same for an act that commits by itself, part by part, and may take minutes.

        When the process dies in it, the key is free again after a quarter of an hour.
        """
        if (kept := await self._begin(asked)) is not None:
            return kept
        try:
            answer = await act()
        except BaseException:
            await self._free_if_possible(asked)
            raise
        if answer.final:
            await self._keep(asked, answer)
        else:
            await self._database.fetch("drop_idempotent", asked.place)
        return answer

    async def _free_if_possible(self, asked: KeyedRequest) -> None:
        """Free the key of an act that failed; where that fails too, the act's own error is the one to tell."""
        try:
            await self._database.fetch("drop_idempotent", asked.place)
        except WatchkeeperError as error:
            log("idempotency_key_kept", route=asked.route, code=error.code, detail=error.message)

    async def _begin(self, asked: KeyedRequest) -> Answer | None:
        arguments = {**asked.place, "request_hash": asked.request_hash}
        if await self._database.fetch("begin_idempotent", arguments):
            return None
        row = await self._database.fetch_one("idempotent_answer", asked.place)
        if row is None:
            raise Conflict
        if row["request_hash"] != asked.request_hash:
            raise KeyReused
        if row["status"] is None:
            raise Conflict(
                "a request with this idempotency key is still running", hint="Repeat it in a moment."
            )
        body = row["answer"]
        if body.pop("secret_withheld", False):
            raise SecretGone(answer=body)
        return Answer(row["status"], body, replayed=True)

    async def _keep(self, asked: KeyedRequest, answer: Answer) -> None:
        body, withheld = without_secrets(answer.body)
        if withheld:
            body = {**body, "secret_withheld": True}
        kept = {"status": answer.status, "answer": json.dumps(body)}
        await self._database.fetch("keep_idempotent_answer", {**asked.place, **kept})


def without_secrets(body: Any) -> tuple[Any, bool]:
    """Give an answer without the secrets that it shows this once, and whether there were any."""
    if not isinstance(body, dict):
        return body, False
    parts = {key: without_secrets(value) for key, value in body.items() if key not in SECRET_FIELDS}
    withheld = len(parts) < len(body) or any(held for _, held in parts.values())
    return {key: value for key, (value, _) in parts.items()}, withheld
