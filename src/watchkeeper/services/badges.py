"""Status badges of projects: their signed addresses, and what each says now."""

from __future__ import annotations

import secrets
from typing import Any

from watchkeeper.domain.badges import BadgeKind, BadgeStatus, Tone, is_genuine, read_name, signed_name
from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.slo import SloState
from watchkeeper.services.kept_answers import KeptAnswers
from watchkeeper.services.reports import Reports
from watchkeeper.services.slos import Slos
from watchkeeper.storage.database import Database

KEY_BYTES = 32
FRESH_SECONDS = 30.0
"""A badge stands on pages that many open: so long it is not asked for again."""

WORST = (SloState.PAGE, SloState.SPENT, SloState.TICKET, SloState.UNKNOWN, SloState.OK)
TONES = {
    SloState.PAGE: Tone.BAD,
    SloState.SPENT: Tone.BAD,
    SloState.TICKET: Tone.WARN,
    SloState.UNKNOWN: Tone.UNKNOWN,
    SloState.OK: Tone.OK,
}


class Badges:
    """The badges of one database."""

    def __init__(self, database: Database, reports: Reports, slos: Slos) -> None:
        self._database = database
        self._reports = reports
        self._slos = slos
        self._kept = KeptAnswers(FRESH_SECONDS)

    async def paths(self, project_id: str) -> dict[str, str]:
        """Give the path of each badge of a project."""
        made = {"project_id": project_id, "secret": secrets.token_bytes(KEY_BYTES)}
        key = bytes((await self._database.fetch_row("badge_key", made))["secret"])
        return {kind.value: f"/badge/{signed_name(project_id, kind, key)}.svg" for kind in BadgeKind}

    async def renew(self, project_id: str, *, actor: str, reason: str) -> None:
        """Sign with another key from now on; the addresses of before show nothing after FRESH_SECONDS."""
        asked = {"project_id": project_id, "actor": actor, "reason": reason}
        await self._database.fetch("renew_badge_key", {**asked, "secret": secrets.token_bytes(KEY_BYTES)})

    async def status(self, name: str) -> BadgeStatus:
        """Say what the badge of a signed name shows; raise NotFound for a name that was not given out."""
        if (read := read_name(name)) is None:
            raise NotFound("there is no such badge")
        project_id, kind = read
        key = await self._kept.get(("key", project_id), lambda: self._key(project_id))
        if key is None or not is_genuine(name, project_id, kind, key):
            raise NotFound("there is no such badge")
        found: BadgeStatus = await self._kept.get((kind, project_id), lambda: self._judge(project_id, kind))
        return found

    async def _key(self, project_id: str) -> bytes | None:
        row = await self._database.fetch_one("badge_key", {"project_id": project_id, "secret": None})
        return None if row is None else bytes(row["secret"])

    async def _judge(self, project_id: str, kind: BadgeKind) -> BadgeStatus:
        match kind:
            case BadgeKind.STATE:
                return _state(await self._database.fetch_row("badge_state", {"project_id": project_id}))
            case BadgeKind.SLO:
                pools = (await self._slos.report(project_id))["pools"]
                worst = min((SloState(pool["state"]) for pool in pools), key=WORST.index, default=WORST[-2])
                return BadgeStatus(kind, TONES[worst], worst.value)
            case BadgeKind.STAGES:
                return _stages((await self._reports.stages(project_id))["items"])
            case BadgeKind.MATURITY:
                level = (await self._reports.maturity(project_id))["level"]
                return BadgeStatus(kind, Tone.PLAIN, "level", level)


def _state(row: dict[str, Any]) -> BadgeStatus:
    if row["needing"]:
        return BadgeStatus(BadgeKind.STATE, Tone.BAD, "needs_people", row["needing"])
    if not row["is_watched"]:
        return BadgeStatus(BadgeKind.STATE, Tone.UNKNOWN, "unknown")
    return BadgeStatus(BadgeKind.STATE, Tone.OK, "ok")


def _stages(items: list[dict[str, Any]]) -> BadgeStatus:
    """Judge the items that are due: one failure is red, one unknown is grey, all passed is green."""
    due = [item["result"] for item in items if item["is_due"]]
    for word, tone in (("fail", Tone.BAD), ("unknown", Tone.UNKNOWN)):
        if word in due:
            return BadgeStatus(BadgeKind.STAGES, tone, word, due.count(word))
    return BadgeStatus(
        BadgeKind.STAGES, *((Tone.OK, "pass", len(due)) if due else (Tone.UNKNOWN, "not_due", None))
    )
