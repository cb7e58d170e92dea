"""Every family of pages, by one line each: what is not here has no address."""

from __future__ import annotations

from watchkeeper.interfaces.console.acts import jobs as acts_on_jobs
from watchkeeper.interfaces.console.ground import Family
from watchkeeper.interfaces.console.pages import jobs, more, overview

FAMILIES: tuple[Family, ...] = (
    overview.FAMILY,
    jobs.FAMILY,
    more.FAMILY,
    Family("acts", acts=acts_on_jobs.ACTS),
)

PAGES = tuple(page for family in FAMILIES for page in family.pages)
ACTS = {act.name: act for family in FAMILIES for act in family.acts}
