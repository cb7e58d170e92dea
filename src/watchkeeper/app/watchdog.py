"""The watchdog: what finds trouble, keeps it as incidents, and acts on it."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.app.alerting import AlertParts, alert_parts
from watchkeeper.app.chat import ChatParts, chat_parts
from watchkeeper.app.core import Core
from watchkeeper.app.hosts import HostParts, host_parts
from watchkeeper.app.knowledge import KnowledgeParts, knowledge_parts
from watchkeeper.app.repairs import repair_parts
from watchkeeper.app.reporting import ReportingParts, reporting_parts
from watchkeeper.services.chat.making import ChatButtons
from watchkeeper.services.foreign_leases import ForeignLeases
from watchkeeper.services.host_guard.asking import HostRemediations
from watchkeeper.services.host_guard.incident_assets import IncidentAssets
from watchkeeper.services.incident_export import IncidentExport
from watchkeeper.services.incident_reading import IncidentReading
from watchkeeper.services.incident_reports import IncidentReports
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.insights import Insights
from watchkeeper.services.mirrored import MirroredJobs
from watchkeeper.services.policy import Policies
from watchkeeper.services.recording import Recording
from watchkeeper.services.repairs.desk import Repairs
from watchkeeper.services.repairs.duty import RepairDuty
from watchkeeper.services.repairs.policy_desk import PolicyDesk
from watchkeeper.services.repairs.records import RepairRecords
from watchkeeper.services.reports import Reports
from watchkeeper.services.watchdog import Watchdog
from watchkeeper.services.why import Why
from watchkeeper.services.worker_status import WorkerStatus
from watchkeeper.settings import FIELDS


@dataclass(frozen=True, slots=True)
class WatchdogParts:
    """The watchdog's services."""

    policies: Policies
    incidents: Incidents
    incident_reading: IncidentReading
    incident_reports: IncidentReports
    incident_export: IncidentExport
    alerting: AlertParts
    chat: ChatParts
    knowledge: KnowledgeParts
    host: HostParts
    recording: Recording
    reports: Reports
    reporting: ReportingParts
    foreign_leases: ForeignLeases
    watch: Watchdog
    repairs: Repairs
    host_remediations: HostRemediations
    host_assets: IncidentAssets
    brakes: PolicyDesk
    repair: RepairDuty
    worker_status: WorkerStatus
    why: Why


def policies_of(core: Core) -> Policies:
    """Give the config document as it is in force."""
    return Policies(core.settings.document, FIELDS, redactor=core.redactor, take_settings=core.in_force.take)


def watchdog_parts(core: Core, policies: Policies, insights: Insights) -> WatchdogParts:
    """Put the watchdog together."""
    database, redactor, policy = core.database, core.redactor, policies.current
    incidents, reading = Incidents(database, policy), IncidentReading(database)
    mirrored, reports = MirroredJobs(redactor), Reports(database, policy)
    repairs, brakes, repair = repair_parts(core, policy)
    alerting = alert_parts(core, incidents, policy, ChatButtons(database))
    knowledge = knowledge_parts(core, policy)
    return WatchdogParts(
        policies=policies,
        incidents=incidents,
        incident_reading=reading,
        incident_reports=IncidentReports(database, redactor, policy),
        incident_export=IncidentExport(reading, insights, redactor),
        alerting=alerting,
        chat=chat_parts(
            core,
            policy,
            alerts=alerting.alerts,
            incidents=incidents,
            repairs=repairs,
            people=knowledge.people,
        ),
        knowledge=knowledge,
        host=host_parts(core, policy),
        recording=Recording(database, redactor, mirrored, lambda: core.in_force().gate_http_statuses),
        reports=reports,
        reporting=reporting_parts(core, policy, reports),
        foreign_leases=ForeignLeases(database, mirrored, repairs),
        watch=Watchdog(database, incidents, policy),
        repairs=repairs,
        host_remediations=HostRemediations(
            database, redactor, RepairRecords(redactor), policy, core.settings.host_limits
        ),
        host_assets=IncidentAssets(database, redactor),
        brakes=brakes,
        repair=repair,
        worker_status=WorkerStatus(database, policy),
        why=Why(database, insights, redactor, policy),
    )
