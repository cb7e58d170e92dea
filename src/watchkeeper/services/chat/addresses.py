"""What a channel needs to send, for answers in its chats."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.notifiers.port import Address
from watchkeeper.storage.database import Database


@dataclass(frozen=True, slots=True)
class ChannelAddresses:
    """Reads what channels need to send; their secrets are known to the redactor from then on."""

    database: Database
    redactor: Redactor

    async def of(self, project_id: str, name: str) -> Address | None:
        """Give it; None for a channel that is not there."""
        row = await self.database.fetch_one("channel_address", {"project_id": project_id, "name": name})
        if row is None:
            return None
        secrets = dict(row["secrets"] or {})
        for secret in secrets.values():
            self.redactor.learn(secret)
        return Address(project_id, name, settings=row["settings"], secrets=secrets)
