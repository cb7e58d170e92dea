"""What tells people: the outbox, its channels, its readers, and the ping to somebody outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.domain.alerting import AlertTimes
from watchkeeper.domain.channel_kinds import ChannelKind
from watchkeeper.domain.policies import Policy
from watchkeeper.services.alert_delivery import AlertDelivery
from watchkeeper.services.alert_lane import LaneConfig, Lanes
from watchkeeper.services.alert_messages import AlertMessages
from watchkeeper.services.alert_outcomes import AlertOutcomes, RetryConfig
from watchkeeper.services.alert_planning import AlertPlanning
from watchkeeper.services.alert_reading import Alerts
from watchkeeper.services.alert_texts import AlertTexts
from watchkeeper.services.channels import Channels
from watchkeeper.services.dead_man import DeadMan
from watchkeeper.services.duties import Duty
from watchkeeper.services.fetch_settings import fetch_config
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.maintenance import MaintenanceConfig
from watchkeeper.services.notifiers.apprise import AppriseNotifier
from watchkeeper.services.notifiers.console import ConsoleNotifier
from watchkeeper.services.notifiers.email import EmailNotifier
from watchkeeper.services.notifiers.line import LineNotifier
from watchkeeper.services.notifiers.links import LinkButtons
from watchkeeper.services.notifiers.pacing import Pacing
from watchkeeper.services.notifiers.port import ButtonMaker, Notifier
from watchkeeper.services.notifiers.slack import SlackNotifier
from watchkeeper.services.notifiers.telegram import TelegramNotifier
from watchkeeper.services.notifiers.webhook import WebhookNotifier
from watchkeeper.services.outbox import Outbox
from watchkeeper.services.outward import Outward


@dataclass(frozen=True, slots=True)
class AlertParts:
    """The parts of the alert outbox, for one database."""

    outbox: Outbox
    alerts: Alerts
    channels: Channels
    dead_man: DeadMan | None

    def duties(self) -> list[Duty]:
        return [self.outbox.duty(), *([] if self.dead_man is None else [self.dead_man.duty()])]


def notifiers_of(outward: Outward) -> Mapping[str, Notifier]:
    """Give who sends on each kind of channel."""
    return {
        ChannelKind.CONSOLE: ConsoleNotifier(),
        ChannelKind.WEBHOOK: WebhookNotifier(outward),
        ChannelKind.LINE: LineNotifier(outward),
        ChannelKind.TELEGRAM: TelegramNotifier(outward),
        ChannelKind.SLACK: SlackNotifier(outward),
        ChannelKind.EMAIL: EmailNotifier(outward),
        ChannelKind.APPRISE: AppriseNotifier(outward),
    }


def alert_parts(
    core: Core,
    incidents: Incidents,
    policy: Callable[[], Policy] = Policy,
    buttons: ButtonMaker | None = None,
    lane: LaneConfig | None = None,
) -> AlertParts:
    """Put together what tells people."""
    settings, database, redactor = core.settings, core.database, core.redactor
    outward = Outward(fetch_config(settings))
    notifiers = notifiers_of(outward)
    times = AlertTimes(repair_first=settings.repair_first_seconds)
    texts = AlertTexts(lambda: policy().alert_texts)
    messages = AlertMessages(policy, texts, buttons or LinkButtons(), lambda: settings.url)
    outcomes = AlertOutcomes(database, redactor, RetryConfig())
    planning = AlertPlanning(database, redactor, policy, times)
    lanes = Lanes(
        database, redactor, notifiers, policy, times, messages, outcomes, Pacing(), lane or LaneConfig()
    )
    outbox = Outbox(database, planning, AlertDelivery(lanes))
    dead_man = None
    if settings.dead_man_url is not None:
        dead_man = DeadMan(
            settings.dead_man_url,
            database,
            interval_seconds=settings.dead_man_seconds,
            gap_seconds=MaintenanceConfig().gap_seconds,
        )
    return AlertParts(
        outbox,
        Alerts(database, redactor, outbox.planning, incidents),
        Channels(database, redactor, notifiers, outward, texts),
        dead_man,
    )
