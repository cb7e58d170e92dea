"""What measures an installation, clears it of what is past, and saves it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypedDict

from watchkeeper.app.core import Core
from watchkeeper.domain.policies import Policy
from watchkeeper.services.artifact_upkeep import ArtifactUpkeep
from watchkeeper.services.artifact_verification import ArtifactVerification
from watchkeeper.services.audit_keys import AuditFiles
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.services.audit_timeline import begin_timeline
from watchkeeper.services.backup import Backups
from watchkeeper.services.diagnosis import Diagnosis
from watchkeeper.services.drawing import Drawings
from watchkeeper.services.insights import Insights
from watchkeeper.services.maintenance import Maintenance, MaintenanceConfig
from watchkeeper.services.restoration import Restoration
from watchkeeper.services.retention import Retention, RetentionConfig


class UpkeepParts(TypedDict):
    """What measures an installation, clears it of what is past, and saves it."""

    artifact_upkeep: ArtifactUpkeep
    backups: Backups
    diagnosis: Diagnosis
    drawings: Drawings
    insights: Insights
    maintenance: Maintenance
    restoration: Restoration
    retention: Retention
    verification: ArtifactVerification


def upkeep_parts(
    core: Core,
    files: AuditFiles,
    sealer: AuditSealer,
    policy: Callable[[], Policy],
) -> UpkeepParts:
    """Put together what measures, clears and saves, with one idea of how long a gap in the watch may be."""
    settings, database, store, sweep = core.settings, core.database, core.artifacts, core.sweep
    upkeep, in_force = MaintenanceConfig(), core.in_force

    def kept() -> RetentionConfig:
        now = in_force()
        return RetentionConfig(now.job_retention_days, now.output_retention_days, now.event_retention_days)

    return {
        "artifact_upkeep": ArtifactUpkeep(database, sweep, lambda: in_force().orphan_retention_hours),
        "backups": Backups(database, store, settings.postgres_bin),
        "diagnosis": Diagnosis(database, store, upkeep.gap_seconds),
        "drawings": Drawings(database, core.redactor, upkeep.gap_seconds),
        "insights": Insights(database, upkeep.gap_seconds, policy),
        "maintenance": Maintenance(database, core.queue, upkeep, policy),
        "restoration": Restoration(
            database, store, partial(begin_timeline, files=files), sealer.run_once, settings.postgres_bin
        ),
        "retention": Retention(database, kept),
        "verification": ArtifactVerification(database, store, sweep),
    }
