"""Every family of pages, by one line each: what is not here has no address."""

from __future__ import annotations

from watchkeeper.interfaces.console.acts.table import ACTS as ACTS_OF_NO_PAGE
from watchkeeper.interfaces.console.ground import Family
from watchkeeper.interfaces.console.pages import (
    alerts,
    audit,
    bulk,
    host,
    incidents,
    job,
    jobs,
    keeping,
    more,
    overview,
    proposals,
    queues,
    repairs,
    reports,
    sessions,
    settings,
    workers,
)

FAMILIES: tuple[Family, ...] = (
    overview.FAMILY,
    queues.FAMILY,
    incidents.FAMILY,
    repairs.FAMILY,
    workers.FAMILY,
    proposals.FAMILY,
    jobs.FAMILY,
    job.FAMILY,
    reports.FAMILY,
    audit.FAMILY,
    keeping.FAMILY,
    sessions.FAMILY,
    host.FAMILY,
    more.FAMILY,
    settings.FAMILY,
    bulk.FAMILY,
    alerts.FAMILY,
    Family("acts", acts=ACTS_OF_NO_PAGE),
)

PAGES = tuple(page for family in FAMILIES for page in family.pages)
ACTS = {act.name: act for family in FAMILIES for act in family.acts}
