"""What reports on projects, and what people keep of reports and show to others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.domain.policies import Policy
from watchkeeper.services.badges import Badges
from watchkeeper.services.kept_answers import KeptAnswers
from watchkeeper.services.reports import Reports
from watchkeeper.services.saved_views import SavedViews
from watchkeeper.services.share_links import ShareLinks
from watchkeeper.services.slo_alerts import SloAlerts
from watchkeeper.services.slos import SloCounting, Slos
from watchkeeper.services.weekly import Weekly


@dataclass(frozen=True, slots=True)
class ReportingParts:
    """Reports beside those of `Reports`, saved views and links."""

    slos: Slos
    slo_counting: SloCounting
    slo_alerts: SloAlerts
    views: SavedViews
    shares: ShareLinks
    weekly: Weekly
    badges: Badges
    kept: KeptAnswers


def reporting_parts(core: Core, policy: Callable[[], Policy], reports: Reports) -> ReportingParts:
    """Put them together."""
    database, redactor = core.database, core.redactor
    slos = Slos(database, policy)
    return ReportingParts(
        slos=slos,
        slo_counting=SloCounting(database),
        slo_alerts=SloAlerts(database, redactor, policy),
        views=SavedViews(database, redactor),
        shares=ShareLinks(database, redactor),
        weekly=Weekly(database, policy),
        badges=Badges(database, reports, slos),
        kept=KeptAnswers(),
    )
