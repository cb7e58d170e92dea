"""The section `slos`: which share of a pool's attempts is to complete, over how many days."""

from __future__ import annotations

from watchkeeper.domain.config.reading import Field, Section, field_of
from watchkeeper.domain.slo import Objective, SloPolicy

MOST_TARGET = 0.9999
"""Nothing may fail at 1, so that nothing would be left to spend."""

MOST_DAYS = 90.0
"""As long as ends of attempts are counted (services/retention.py)."""


def read_slos(given: Field) -> SloPolicy | None:
    """Read the section: `target` and `period_days` of all pools, and under `pools` those that differ."""
    section = given.section()
    if section is None:
        return None
    with section:
        usual = _objective(section, Objective())
        pools = section.take("pools", lambda one: _pools(one, usual)) or {}
    return SloPolicy(usual, pools)


def _pools(given: Field, usual: Objective) -> dict[str, Objective]:
    section = given.section()
    found: dict[str, Objective] = {}
    if section is None:
        return found
    with section:
        for name, one in section.fields():
            if (below := one.section()) is not None:
                with below:
                    found[name] = _objective(below, usual)
    return found


def _objective(section: Section, usual: Objective) -> Objective:
    target = section.take("target", field_of(Field.number, 0, MOST_TARGET))
    days = section.take("period_days", field_of(Field.number, 0, MOST_DAYS))
    return Objective(target or usual.target, days or usual.period_days)
