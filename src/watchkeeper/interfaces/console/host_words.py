"""The host guard's closed lists in words."""

from __future__ import annotations

from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.words import Badge

LANES: dict[str, Badge] = {
    "orphan": Badge("bad", "alert", message("Orphan, proven")),
    "ci": Badge("run", "play", message("Work of CI")),
    "owned": Badge("ok", "check", message("Of a session")),
    "unproven": Badge("warn", "alert", message("Looks like an orphan")),
    "unknown": Badge("unknown", "unknown", message("Unknown")),
    "none": Badge("stopped", "square", message("Somebody's own")),
}
MONITOR: dict[str, Badge] = {
    "up": Badge("ok", "check", message("Watched")),
    "stale": Badge("unknown", "unknown", message("Last scan too old")),
}
ALERT: dict[str, Badge] = {
    "firing": Badge("bad", "alert", message("Fires")),
    "over": Badge("stopped", "check", message("Over")),
}
GATE: dict[str, Badge] = {
    "met": Badge("ok", "check", message("Met")),
    "unmet": Badge("warn", "cross", message("Not met")),
}
GATES: dict[str, str] = {
    "targets": message("A target that is proven"),
    "owner_approval": message("A second person's approval"),
    "maintenance_window": message("An open maintenance window"),
    "evidence_ref": message("Evidence that is named"),
    "matching_rule": message("A rule whose incident is open"),
    "fresh_dry_run": message("A fresh dry run"),
    "post_check_plan": message("A plan of the post-check"),
}
