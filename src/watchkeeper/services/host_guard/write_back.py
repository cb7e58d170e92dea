"""The five assets of a host incident: written together or not at all, and asked for before it is closed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from watchkeeper.domain.host_guard.assets import REQUIRED, Asset, demand_all
from watchkeeper.domain.host_guard.lanes import NEED_ASSETS
from watchkeeper.storage.database import Connection, Row, fetch


async def write_assets(
    connection: Connection,
    remediation: Row,
    assets: Mapping[Asset, Mapping[str, Any]],
    *,
    actor: str,
    reason: str,
) -> None:
    """Write the assets of an act's incident in the caller's transaction; raise UsageError unless they are whole."""
    if remediation["incident_id"] is None:
        return
    demand_all(assets)
    written = {
        "project_id": remediation["project_id"],
        "incident_id": remediation["incident_id"],
        "remediation_id": remediation["id"],
        "assets": json.dumps({asset.value: dict(fields) for asset, fields in assets.items()}, default=str),
        "actor": actor,
        "reason": reason,
    }
    await fetch(connection, "write_host_assets", written)


async def missing_assets(connection: Connection, project_id: str, incident_id: UUID, rule: str) -> list[str]:
    """Name what a host incident lacks to be closed; of the other rules nothing."""
    if rule not in NEED_ASSETS:
        return []
    where = {"project_id": project_id, "incident_id": incident_id}
    there = {row["asset"] for row in await fetch(connection, "host_assets_of", where)}
    return [asset.value for asset in REQUIRED if asset.value not in there]
