"""The assets of host incidents for which no process was ended: a person writes them back, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound
from watchkeeper.domain.host_guard.lanes import NEED_ASSETS
from watchkeeper.domain.host_guard.telling import Said, assets_without_act
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.host_guard.write_back import Of, write_assets
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one


class IncidentAssets:
    """The assets of host incidents, for those who close them."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    async def write(
        self, project_id: str, incident_id: UUID, said: Said, *, review_days: float, reason: str
    ) -> list[Row]:
        """Write the five assets on a person's word; raise NotFound, and Conflict where they are written."""
        kept = replace(
            said,
            root_cause=self._redactor.kept(said.root_cause),
            service_health=self._redactor.kept(said.service_health),
            owner_followup=self._redactor.kept(said.owner_followup),
            evidence_refs=tuple(map(self._redactor.kept, said.evidence_refs)),
        )
        where = {"project_id": project_id, "incident_id": incident_id}
        async with self._database.transaction() as connection:
            incident = await _locked(connection, project_id, incident_id)
            if incident["is_written"]:
                raise Conflict("the assets of this incident are written already")
            review_at = incident["now"] + timedelta(days=review_days)
            assets = assets_without_act(incident, kept, review_at)
            of = Of(project_id, incident_id)
            await write_assets(connection, of, assets, actor=said.by, reason=self._redactor.kept(reason))
            return await fetch(connection, "host_assets_of", where)

    async def show(self, project_id: str, incident_id: UUID) -> list[Row]:
        """Give the assets of a host incident; raise NotFound where it is none."""
        async with self._database.transaction() as connection:
            await _locked(connection, project_id, incident_id)
            where = {"project_id": project_id, "incident_id": incident_id}
            return await fetch(connection, "host_assets_of", where)


async def _locked(connection: Connection, project_id: str, incident_id: UUID) -> Row:
    where = {"project_id": project_id, "id": incident_id, "rules": sorted(NEED_ASSETS)}
    row = await fetch_one(connection, "host_incident_to_write_back", where)
    if row is None:
        raise NotFound("there is no incident of a host here that needs assets")
    return row
