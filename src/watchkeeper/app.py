"""The composition root: builds the pool, the storage and the services from settings; nothing else constructs them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypedDict

from watchkeeper.domain.addresses import DEFAULT_PORT, DEFAULT_URL
from watchkeeper.domain.allowed_hosts import AllowedHost, OwnListeners
from watchkeeper.domain.attempts import OnGateFailed
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.artifact_store import ArtifactStore, ArtifactSweep
from watchkeeper.services.artifact_store_disk import DiskArtifactStore
from watchkeeper.services.artifact_sweep_disk import DiskArtifactSweep
from watchkeeper.services.artifact_upkeep import ArtifactUpkeep
from watchkeeper.services.artifact_verification import ArtifactVerification
from watchkeeper.services.attendance import Attendance
from watchkeeper.services.audit_archive import AuditArchive
from watchkeeper.services.audit_keys import AuditFiles
from watchkeeper.services.audit_reading import AuditReading
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.services.audit_timeline import begin_timeline
from watchkeeper.services.audit_verify import AuditVerifier
from watchkeeper.services.audit_webhook import AuditWebhook
from watchkeeper.services.backup import Backups
from watchkeeper.services.changes import Changes
from watchkeeper.services.checking import Checking
from watchkeeper.services.claims import Claims
from watchkeeper.services.contract import Contract
from watchkeeper.services.diagnosis import Diagnosis
from watchkeeper.services.fetch import FetchConfig, Fetcher
from watchkeeper.services.fleet import Fleet
from watchkeeper.services.gate import Gate, GateRules
from watchkeeper.services.helper_events import HelperEvents
from watchkeeper.services.idempotency import Idempotency
from watchkeeper.services.identity import Identity
from watchkeeper.services.insights import Insights
from watchkeeper.services.job_desk import JobDesk
from watchkeeper.services.kinds import Kinds
from watchkeeper.services.known_secrets import known_secrets
from watchkeeper.services.late import LateCompletions
from watchkeeper.services.live import Wakeups
from watchkeeper.services.login_links import LoginLinks
from watchkeeper.services.maintenance import Maintenance, MaintenanceConfig
from watchkeeper.services.operations import Operations
from watchkeeper.services.queue import Queue
from watchkeeper.services.refusals import Refusals
from watchkeeper.services.restoration import Restoration
from watchkeeper.services.retention import Retention, RetentionConfig
from watchkeeper.services.schedules import Schedules
from watchkeeper.services.standstill import Standstill
from watchkeeper.services.verifying import Verifying
from watchkeeper.settings import Settings
from watchkeeper.storage.database import Database, DatabaseConfig
from watchkeeper.storage.migrate import migrate


@dataclass(frozen=True, slots=True)
class App:
    """Everything that an interface calls, for one database."""

    settings: Settings
    database: Database
    redactor: Redactor
    queue: Queue
    kinds: Kinds
    gate: Gate
    attendance: Attendance
    claims: Claims
    contract: Contract
    checking: Checking
    operations: Operations
    identity: Identity
    insights: Insights
    login_links: LoginLinks
    wakeups: Wakeups
    maintenance: Maintenance
    desk: JobDesk
    artifacts: ArtifactStore
    artifact_upkeep: ArtifactUpkeep
    audit_archive: AuditArchive
    audit_files: AuditFiles
    audit_reading: AuditReading
    audit_sealer: AuditSealer
    audit_verifier: AuditVerifier
    audit_webhook: AuditWebhook | None
    changes: Changes
    diagnosis: Diagnosis
    fleet: Fleet
    helper_events: HelperEvents
    idempotency: Idempotency
    retention: Retention
    refusals: Refusals
    schedules: Schedules
    standstill: Standstill
    late: LateCompletions
    backups: Backups
    restoration: Restoration
    verification: ArtifactVerification


def database_config(settings: Settings) -> DatabaseConfig:
    """Read where the database is; raise SettingError where no address is set."""
    if settings.database_url is None:
        raise SettingError(
            "no database is set",
            hint="Set WATCHKEEPER_DATABASE_URL, or run 'watchkeeper up', which brings its own.",
        )
    return DatabaseConfig(
        settings.database_url,
        settings.database_direct_url,
        settings.database_pooled,
        settings.database_pool_size,
    )


def fetch_config(settings: Settings) -> FetchConfig:
    """Read what the gate may fetch beside the open web, and where our own server is, which it never fetches."""

    def own() -> OwnListeners:
        urls = [settings.url or DEFAULT_URL]
        with suppress(OSError):  # no server of this home listens, then
            urls.append((settings.home / "url").read_text(encoding="utf-8").strip())
        return OwnListeners.of(urls, {settings.port or DEFAULT_PORT})

    allowed = tuple(AllowedHost.parse(entry) for entry in settings.fetch_allow)
    return FetchConfig(allowed=allowed, own=own)


def artifact_store(settings: Settings) -> tuple[ArtifactStore, ArtifactSweep]:
    """Give the store that is set, and the way through it; raise SettingError where a bucket's client is missing."""
    limit = settings.artifact_limit_bytes
    if settings.artifact_s3_url is None:
        disk = DiskArtifactStore(settings.home / "artifacts", limit)
        return disk, DiskArtifactSweep(disk)
    try:
        from watchkeeper.services.artifact_bucket import BucketPlace
        from watchkeeper.services.artifact_store_s3 import S3ArtifactStore
        from watchkeeper.services.artifact_sweep_s3 import S3ArtifactSweep
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise SettingError(
            "artifact_s3_url is set, but the client for buckets is not installed",
            hint="pip install 'watchkeeper[s3]' brings it.",
        ) from None
    place = BucketPlace(settings.artifact_s3_url, settings.artifact_s3_endpoint, settings.artifact_s3_region)
    bucket = S3ArtifactStore(place, settings.home, limit)
    return bucket, S3ArtifactSweep(bucket)


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


class UpkeepParts(TypedDict):
    """What measures an installation, clears it of what is past, and saves it."""

    artifact_upkeep: ArtifactUpkeep
    backups: Backups
    diagnosis: Diagnosis
    insights: Insights
    maintenance: Maintenance
    restoration: Restoration
    retention: Retention
    verification: ArtifactVerification


def upkeep_parts(
    settings: Settings,
    database: Database,
    queue: Queue,
    artifacts: tuple[ArtifactStore, ArtifactSweep],
    files: AuditFiles,
) -> UpkeepParts:
    """Put together what measures, clears and saves, with one idea of how long a gap in the watch may be."""
    store, sweep = artifacts
    upkeep = MaintenanceConfig()
    kept = RetentionConfig(
        settings.job_retention_days, settings.output_retention_days, settings.event_retention_days
    )
    return {
        "artifact_upkeep": ArtifactUpkeep(database, sweep, settings.orphan_retention_hours),
        "backups": Backups(database, store, settings.postgres_bin),
        "diagnosis": Diagnosis(database, store, upkeep.gap_seconds),
        "insights": Insights(database, upkeep.gap_seconds),
        "maintenance": Maintenance(database, queue, upkeep),
        "restoration": Restoration(
            database, store, partial(begin_timeline, files=files), settings.postgres_bin
        ),
        "retention": Retention(database, kept),
        "verification": ArtifactVerification(database, store, sweep),
    }


def build(settings: Settings, database: Database | None = None) -> App:
    """Put the parts together; opens nothing."""
    database = database or Database(database_config(settings))
    redactor = Redactor(known_secrets(settings))
    queue = Queue(database, redactor=redactor, on_gate_failed=OnGateFailed(settings.on_gate_failed))
    kinds = Kinds(database)
    store, sweep = artifact_store(settings)
    rules = GateRules(settings.gate_http_statuses, settings.pending_markers)
    gate = Gate(database, store, redactor, Fetcher(fetch_config(settings)), rules)
    wakeups = Wakeups(database)
    trail = audit_parts(settings, database)
    late = LateCompletions(database)
    return App(
        settings=settings,
        database=database,
        redactor=redactor,
        queue=queue,
        kinds=kinds,
        gate=gate,
        attendance=Attendance(database),
        claims=Claims(database, queue, wakeups),
        contract=Contract(database, queue, gate, redactor),
        checking=Checking(database, queue, gate, late, redactor, Verifying(queue)),
        operations=Operations(database),
        identity=Identity(database),
        login_links=LoginLinks(database),
        wakeups=wakeups,
        desk=JobDesk(database, queue, kinds, gate, redactor),
        artifacts=store,
        changes=Changes(database),
        fleet=Fleet(database),
        helper_events=HelperEvents(database, redactor),
        idempotency=Idempotency(database),
        refusals=Refusals(database),
        schedules=Schedules(database),
        standstill=Standstill(database),
        late=late,
        **trail,
        **upkeep_parts(settings, database, queue, (store, sweep), trail["audit_files"]),
    )


@asynccontextmanager
async def running(settings: Settings, *, migrated: bool = True) -> AsyncIterator[App]:
    """Build, open the database, bring its schema up to date, and close it all in the end."""
    app = build(settings)
    await app.database.open()
    try:
        if migrated:
            await migrate(app.database)
        yield app
    finally:
        await app.changes.stop()
        await app.wakeups.stop()
        await app.refusals.stop()
        await app.database.close()
