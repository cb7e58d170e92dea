"""The rules of hosts, which fire when Alertmanager says so; what its alerts mean stands in `host_guard.lanes`."""

from __future__ import annotations

from watchkeeper.domain.rules.names import Closer, Escalation, NextAction, RepairAction, RuleName, Severity
from watchkeeper.domain.rules.rule import Rule

_N, _S, _E, _A, _X = RuleName, Severity, Escalation, RepairAction, NextAction

OF_HOSTS = (
    Rule(
        _N.HOST_ORPHAN_BROWSER,
        "Browsers whose sessions are over use up a host's processor.",
        _S.HIGH,
        _A.ALERT,
        _E.PLATFORM_OWNER,
        _X.INSPECT_QUEUE,
        "its alert is over and its five assets are written",
        closer=Closer.EITHER,
    ),
    Rule(
        _N.HOST_CI_SATURATION,
        "Jobs of CI ask for more than a host has.",
        _S.LOW,
        _A.ALERT,
        _E.PLATFORM_OWNER,
        _X.INSPECT_QUEUE,
        "its alert is over and its five assets are written",
        closer=Closer.EITHER,
    ),
    Rule(
        _N.HOST_MONITOR_MISSING,
        "A host is scraped, and tells nothing of its processes.",
        _S.MEDIUM,
        _A.ALERT,
        _E.PLATFORM_OWNER,
        _X.INSPECT_QUEUE,
        "its alert is over",
        closer=Closer.EITHER,
    ),
    Rule(
        _N.HOST_MONITOR_STALE,
        "The last good scan of a host's processes is too old.",
        _S.MEDIUM,
        _A.ALERT,
        _E.PLATFORM_OWNER,
        _X.INSPECT_QUEUE,
        "its alert is over",
        closer=Closer.EITHER,
    ),
)
