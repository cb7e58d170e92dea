"""The whole API as one client.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from functools import cached_property

from watchkeeper.client.calling import Connection
from watchkeeper.client.groups.alerts import AlertsGroup
from watchkeeper.client.groups.artifacts import ArtifactsGroup
from watchkeeper.client.groups.audit import AuditGroup
from watchkeeper.client.groups.badges import BadgesGroup
from watchkeeper.client.groups.bulk import BulkGroup
from watchkeeper.client.groups.channels import ChannelsGroup
from watchkeeper.client.groups.chat import ChatGroup
from watchkeeper.client.groups.host import HostGroup
from watchkeeper.client.groups.incidents import IncidentsGroup
from watchkeeper.client.groups.jobs import JobsGroup
from watchkeeper.client.groups.kinds import KindsGroup
from watchkeeper.client.groups.lessons import LessonsGroup
from watchkeeper.client.groups.logins import LoginsGroup
from watchkeeper.client.groups.people import PeopleGroup
from watchkeeper.client.groups.policy import PolicyGroup
from watchkeeper.client.groups.projects import ProjectsGroup
from watchkeeper.client.groups.proposals import ProposalsGroup
from watchkeeper.client.groups.reconcile import ReconcileGroup
from watchkeeper.client.groups.recording import RecordingGroup
from watchkeeper.client.groups.repairs import RepairsGroup
from watchkeeper.client.groups.reports import ReportsGroup
from watchkeeper.client.groups.schedules import SchedulesGroup
from watchkeeper.client.groups.sessions import SessionsGroup
from watchkeeper.client.groups.shares import SharesGroup
from watchkeeper.client.groups.signals import SignalsGroup
from watchkeeper.client.groups.system import SystemGroup
from watchkeeper.client.groups.tokens import TokensGroup
from watchkeeper.client.groups.views import ViewsGroup
from watchkeeper.client.groups.watchdog import WatchdogGroup
from watchkeeper.client.groups.windows import WindowsGroup
from watchkeeper.client.groups.worker import WorkerGroup
from watchkeeper.client.groups.workers import WorkersGroup


class ApiClient(Connection):
    """The API of a Watchkeeper server, its operations grouped as the document groups them."""

    @cached_property
    def alerts(self) -> AlertsGroup:
        """Whom an incident was told, and what came of it."""
        return AlertsGroup(self)

    @cached_property
    def artifacts(self) -> ArtifactsGroup:
        """Files of jobs."""
        return ArtifactsGroup(self)

    @cached_property
    def audit(self) -> AuditGroup:
        """Who did what, sealed in a chain."""
        return AuditGroup(self)

    @cached_property
    def badges(self) -> BadgesGroup:
        """The state as a small picture."""
        return BadgesGroup(self)

    @cached_property
    def bulk(self) -> BulkGroup:
        """One act on many jobs."""
        return BulkGroup(self)

    @cached_property
    def channels(self) -> ChannelsGroup:
        """Where alerts go."""
        return ChannelsGroup(self)

    @cached_property
    def chat(self) -> ChatGroup:
        """LINE, Telegram and Slack: doors, links, and what they post."""
        return ChatGroup(self)

    @cached_property
    def host(self) -> HostGroup:
        """The host guard: what a machine carries, and what alerts say of it."""
        return HostGroup(self)

    @cached_property
    def incidents(self) -> IncidentsGroup:
        """What the watchdog found, or somebody reported."""
        return IncidentsGroup(self)

    @cached_property
    def jobs(self) -> JobsGroup:
        """Enqueue, look at, move."""
        return JobsGroup(self)

    @cached_property
    def kinds(self) -> KindsGroup:
        """What each kind of job declares, and pausing it."""
        return KindsGroup(self)

    @cached_property
    def lessons(self) -> LessonsGroup:
        """What was learnt."""
        return LessonsGroup(self)

    @cached_property
    def logins(self) -> LoginsGroup:
        """The console's sessions and invitations to it."""
        return LoginsGroup(self)

    @cached_property
    def people(self) -> PeopleGroup:
        """Questions to people, and their answers."""
        return PeopleGroup(self)

    @cached_property
    def policy(self) -> PolicyGroup:
        """How far each rule may go by itself."""
        return PolicyGroup(self)

    @cached_property
    def projects(self) -> ProjectsGroup:
        """The tenants."""
        return ProjectsGroup(self)

    @cached_property
    def proposals(self) -> ProposalsGroup:
        """Decisions that wait for a person."""
        return ProposalsGroup(self)

    @cached_property
    def reconcile(self) -> ReconcileGroup:
        """Results that came too late."""
        return ReconcileGroup(self)

    @cached_property
    def recording(self) -> RecordingGroup:
        """What other platforms report of their own queues and workers."""
        return RecordingGroup(self)

    @cached_property
    def repairs(self) -> RepairsGroup:
        """Planned, decided, carried out, undone."""
        return RepairsGroup(self)

    @cached_property
    def reports(self) -> ReportsGroup:
        """Figures over time."""
        return ReportsGroup(self)

    @cached_property
    def schedules(self) -> SchedulesGroup:
        """Jobs by the clock."""
        return SchedulesGroup(self)

    @cached_property
    def sessions(self) -> SessionsGroup:
        """What agents do in their sessions: told by their supervisor, read by people."""
        return SessionsGroup(self)

    @cached_property
    def shares(self) -> SharesGroup:
        """Read-only links to a page."""
        return SharesGroup(self)

    @cached_property
    def signals(self) -> SignalsGroup:
        """What came from outside to be acted upon."""
        return SignalsGroup(self)

    @cached_property
    def system(self) -> SystemGroup:
        """Life, readiness, metrics, and the stream of changes."""
        return SystemGroup(self)

    @cached_property
    def tokens(self) -> TokensGroup:
        """Bearer tokens: made, listed, rotated, revoked."""
        return TokensGroup(self)

    @cached_property
    def views(self) -> ViewsGroup:
        """Pages with their filters, kept under a name."""
        return ViewsGroup(self)

    @cached_property
    def watchdog(self) -> WatchdogGroup:
        """How queues and workers stand, and why something does not move."""
        return WatchdogGroup(self)

    @cached_property
    def windows(self) -> WindowsGroup:
        """Maintenance windows of hosts."""
        return WindowsGroup(self)

    @cached_property
    def worker(self) -> WorkerGroup:
        """The contract: what a worker says from `doctor` to `complete`, under its lease."""
        return WorkerGroup(self)

    @cached_property
    def workers(self) -> WorkersGroup:
        """Who claims, what they hold, and the switches."""
        return WorkersGroup(self)
