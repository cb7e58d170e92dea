"""Everything together, as the server, the watch and the operators' commands use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields

from watchkeeper.app.audit import audit_parts
from watchkeeper.app.core import Core, build_core
from watchkeeper.app.overview import OverviewParts, overview_parts
from watchkeeper.app.sessions import SessionParts, session_parts
from watchkeeper.app.upkeep import upkeep_parts
from watchkeeper.app.watchdog import WatchdogParts, policies_of, watchdog_parts
from watchkeeper.services.artifact_upkeep import ArtifactUpkeep
from watchkeeper.services.artifact_verification import ArtifactVerification
from watchkeeper.services.attendance import Attendance
from watchkeeper.services.audit_archive import AuditArchive
from watchkeeper.services.audit_keys import AuditFiles
from watchkeeper.services.audit_reading import AuditReading
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.services.audit_verify import AuditVerifier
from watchkeeper.services.audit_webhook import AuditWebhook
from watchkeeper.services.backup import Backups
from watchkeeper.services.bulk import BulkActs
from watchkeeper.services.changes import Changes
from watchkeeper.services.checking import Checking
from watchkeeper.services.claims import Claims
from watchkeeper.services.contract import Contract
from watchkeeper.services.diagnosis import Diagnosis
from watchkeeper.services.drawing import Drawings
from watchkeeper.services.fleet import Fleet
from watchkeeper.services.helper_events import HelperEvents
from watchkeeper.services.idempotency import Idempotency
from watchkeeper.services.identity import Identity
from watchkeeper.services.insights import Insights
from watchkeeper.services.invitations import Invitations
from watchkeeper.services.late import LateCompletions
from watchkeeper.services.live import Wakeups
from watchkeeper.services.login_links import LoginLinks
from watchkeeper.services.maintenance import Maintenance
from watchkeeper.services.metrics import Metrics
from watchkeeper.services.operations import Operations
from watchkeeper.services.refusals import Refusals
from watchkeeper.services.restoration import Restoration
from watchkeeper.services.retention import Retention
from watchkeeper.services.schedules import Schedules
from watchkeeper.services.standstill import Standstill
from watchkeeper.services.verifying import Verifying
from watchkeeper.services.versions import Versions
from watchkeeper.services.windows import Windows
from watchkeeper.settings import Settings
from watchkeeper.storage.database import Database
from watchkeeper.storage.migrate import migrate


@dataclass(frozen=True, slots=True)
class App(Core):
    """Everything that an interface calls, for one database."""

    attendance: Attendance
    claims: Claims
    contract: Contract
    checking: Checking
    operations: Operations
    versions: Versions
    identity: Identity
    insights: Insights
    invitations: Invitations
    login_links: LoginLinks
    wakeups: Wakeups
    maintenance: Maintenance
    artifact_upkeep: ArtifactUpkeep
    audit_archive: AuditArchive
    audit_files: AuditFiles
    audit_reading: AuditReading
    audit_sealer: AuditSealer
    audit_verifier: AuditVerifier
    audit_webhook: AuditWebhook | None
    bulk: BulkActs
    changes: Changes
    diagnosis: Diagnosis
    drawings: Drawings
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
    metrics: Metrics
    overview: OverviewParts
    sessions: SessionParts
    watchdog: WatchdogParts
    windows: Windows


def build(settings: Settings, database: Database | None = None) -> App:
    """Put the parts together; opens nothing."""
    core = build_core(settings, database)
    database, queue, gate, redactor = core.database, core.queue, core.gate, core.redactor
    wakeups, trail, policies = Wakeups(database), audit_parts(settings, database), policies_of(core)
    late, policy = LateCompletions(database), policies.current
    identity, login_links, operations = Identity(database), LoginLinks(database), Operations(database)
    upkeep = upkeep_parts(core, trail["audit_files"], trail["audit_sealer"], policy)
    watchdog = watchdog_parts(core, policies, upkeep["insights"])
    overview, slos = overview_parts(database, upkeep["insights"], watchdog.reports), watchdog.reporting.slos
    return App(
        **{field.name: getattr(core, field.name) for field in fields(Core)},
        attendance=Attendance(database),
        claims=Claims(database, queue, wakeups, policy),
        contract=Contract(database, queue, gate, redactor),
        checking=Checking(database, queue, gate, late, redactor, Verifying(queue)),
        operations=operations,
        versions=Versions(database),
        identity=identity,
        invitations=Invitations(database, identity, login_links),
        login_links=login_links,
        wakeups=wakeups,
        bulk=BulkActs(database, operations),
        changes=Changes(database),
        fleet=Fleet(database),
        helper_events=HelperEvents(database, redactor, policy),
        idempotency=Idempotency(database),
        refusals=Refusals(database),
        schedules=Schedules(database),
        standstill=Standstill(database),
        late=late,
        **trail,
        **upkeep,
        overview=overview,
        metrics=Metrics(database, upkeep["insights"], overview.indicators, trail["audit_reading"], slos),
        sessions=session_parts(core, policy),
        watchdog=watchdog,
        windows=Windows(database),
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
        await app.overview.stop()
        await app.changes.stop()
        await app.wakeups.stop()
        await app.refusals.stop()
        await app.database.close()
