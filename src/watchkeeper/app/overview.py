"""What the first page reads: what needs a person, whether work advances, and reports that are kept for a while."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.services.insights import Insights
from watchkeeper.services.kept_reports import KeptReports
from watchkeeper.services.needs import Needs
from watchkeeper.services.outcome_counts import OutcomeCounts
from watchkeeper.services.pulse import Pulse
from watchkeeper.services.reports import Reports
from watchkeeper.storage.database import Database


@dataclass(frozen=True, slots=True)
class OverviewParts:
    """The reads of the first page. `indicators` and `scores` may be a minute old, and say when they were read."""

    needs: Needs
    pulse: Pulse
    counts: OutcomeCounts
    indicators: KeptReports
    scores: KeptReports

    async def stop(self) -> None:
        """End what reads in the background; safe to repeat."""
        await self.indicators.stop()
        await self.scores.stop()


def overview_parts(database: Database, insights: Insights, reports: Reports) -> OverviewParts:
    """Put the reads of the first page together."""
    return OverviewParts(
        needs=Needs(database),
        pulse=Pulse(database, insights),
        counts=OutcomeCounts(database),
        indicators=KeptReports("indicators", reports.indicators),
        scores=KeptReports("scores", reports.scores),
    )
