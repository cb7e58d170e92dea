"""What writes, reads and proves the audit trail."""

from __future__ import annotations

from typing import TypedDict

from watchkeeper.services.audit_archive import AuditArchive
from watchkeeper.services.audit_keys import AuditFiles
from watchkeeper.services.audit_reading import AuditReading
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.services.audit_verify import AuditVerifier
from watchkeeper.services.audit_webhook import AuditWebhook
from watchkeeper.settings import Settings
from watchkeeper.storage.database import Database


class AuditParts(TypedDict):
    """What writes, reads and proves the audit trail."""

    audit_archive: AuditArchive
    audit_files: AuditFiles
    audit_reading: AuditReading
    audit_sealer: AuditSealer
    audit_verifier: AuditVerifier
    audit_webhook: AuditWebhook | None


def audit_parts(settings: Settings, database: Database) -> AuditParts:
    """Put together what has to do with the audit trail."""
    files = AuditFiles.of(settings)
    sealer = AuditSealer(database, files)
    return {
        "audit_archive": AuditArchive(database, files),
        "audit_files": files,
        "audit_reading": AuditReading(database, files),
        "audit_sealer": sealer,
        "audit_verifier": AuditVerifier(database, files),
        "audit_webhook": AuditWebhook(url, sealer) if (url := settings.audit_anchor_url) else None,
    }
