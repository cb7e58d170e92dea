"""Which workers are there and how they are: register, touch, and what their doctors found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watchkeeper.services.requests import requests_of
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row


@dataclass(frozen=True, slots=True)
class Registration:
    """What a runtime worker says of itself."""

    worker_id: str
    slots: int
    kinds: Sequence[str] | None = None
    role: str | None = None
    pool: str = "default"
    persona: str | None = None
    host_id: str | None = None
    version: str | None = None


class Attendance:
    """How workers make themselves known and say that they are there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, project_id: str, asked: Registration) -> Row:
        """Make a runtime worker known; give whether it may claim."""
        rows = await self._database.fetch(
            "register_worker",
            {
                "project_id": project_id,
                "profile": "runtime",
                **{name: getattr(asked, name) for name in asked.__dataclass_fields__},
                "kinds": None if asked.kinds is None else list(asked.kinds),
            },
        )
        return rows[0]

    async def touch(self, project_id: str, worker_id: str, automation_id: str | None) -> dict[str, Any]:
        """Note that a worker is there; gives its health."""
        async with self._database.transaction() as connection:
            seen = await see(connection, project_id, worker_id, None)
            where = {"project_id": project_id, "worker_id": worker_id}
            row = await fetch_row(connection, "touch_worker", {**where, "automation_id": automation_id})
            told = {
                "touched": True,
                "worker_id": worker_id,
                "health": _health(row),
                "touch_requested": seen["touch_requested"],
            }
            await _beat(connection, project_id, automation_id, row, told)
            requested = await requests_of(connection, project_id, worker_id)
        return {**told, "requested": requested}

    async def look(self, project_id: str, worker_id: str) -> Row:
        """Note that a worker was heard of; give what it must know of itself."""
        async with self._database.transaction() as connection:
            return await see(connection, project_id, worker_id, None)

    async def note_doctor(
        self, project_id: str, worker_id: str, *, ok: bool, answer: Mapping[str, Any] | None = None
    ) -> bool:
        """Keep what a worker's doctor found, and answered; say whether it has ever been touched."""
        told = None if answer is None else json.dumps(answer)
        async with self._database.transaction() as connection:
            await see(connection, project_id, worker_id, None)
            row = await fetch_one(
                connection,
                "note_doctor",
                {"project_id": project_id, "worker_id": worker_id, "ok": ok, "answer": told},
            )
        return bool(row and row["touched"])


async def see(connection: Connection, project_id: str, worker_id: str, kinds: Sequence[str] | None) -> Row:
    """Note that a worker was heard of, and in the caller's transaction lock its row; a new one is a session's."""
    return await fetch_row(
        connection,
        "see_worker",
        {
            "project_id": project_id,
            "worker_id": worker_id,
            "profile": "session",
            "kinds": None if kinds is None else list(kinds),
        },
    )


async def _beat(
    connection: Connection, project_id: str, automation_id: str | None, row: Row, told: Mapping[str, Any]
) -> None:
    answers = {"touch": {"ok": True, **told}}
    if row["doctor_answer"] is not None:
        answers["doctor"] = row["doctor_answer"]
    await fetch(
        connection,
        "record_heartbeat",
        {
            "project_id": project_id,
            "worker_id": told["worker_id"],
            "automation_id": automation_id,
            "answers": json.dumps(answers),
            "status": _health(row),
            "doctor_ok": row["doctor_ok"],
            "touch_ok": True,
            "claim_ok": None,
            "current_job_id": None,
            "lease_expires_at": None,
        },
    )


def _health(row: Row) -> str:
    if row["stopped"]:
        return "stuck"
    return "degraded" if row["doctor_ok"] is False else "ok"
