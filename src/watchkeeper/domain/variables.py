"""The names of the variables that mean something to Watchkeeper, without the WATCHKEEPER_ before them."""

from __future__ import annotations

from collections.abc import Iterable

PREFIX = "WATCHKEEPER_"

READ_ELSEWHERE = frozenset(
    {"TOKEN", "CONFIG", "SESSION", "JOB_ID", "PROJECT_ID", "WORKSPACE", "ATTEMPT", "PAYLOAD", "PROMPT"}
    | {"GATE", "GATE_ROUND"}
)
"""Variables that are read where they are used: the caller's token, and what a session gives its agent."""

SETTINGS = (
    "home",
    "url",
    "host",
    "port",
    "behind_proxy",
    "database_url",
    "database_direct_url",
    "database_pooled",
    "database_pool_size",
    "postgres_bin",
    "worker_id",
    "agent_user",
    "artifact_limit_bytes",
    "artifact_s3_url",
    "artifact_s3_endpoint",
    "artifact_s3_region",
    "body_limit_bytes",
    "fetch_allow",
    "gate_http_statuses",
    "pending_markers",
    "on_gate_failed",
    "job_retention_days",
    "output_retention_days",
    "event_retention_days",
    "orphan_retention_hours",
    "audit_key_file",
    "audit_anchor_file",
    "audit_anchor_url",
    "dead_man_url",
    "dead_man_seconds",
    "repair_first_seconds",
    "host_textfile_dir",
    "host_most_targets",
    "host_runs_per_hour",
    "host_cool_down_seconds",
    "host_post_check_seconds",
    "host_names",
    "log_level",
    "log_format",
)
"""The fields of `settings.Settings`, for programs that must not load it; a test holds them equal."""


def unknown_variable(names: Iterable[str]) -> str | None:
    """Give what is wrong with the first variable of ours that nothing reads, and what was probably meant."""
    for name in names:
        field = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and field not in READ_ELSEWHERE and field.lower() not in SETTINGS:
            return f"unknown setting {name}{variable_meant(field.lower())}"
    return None


def variable_meant(field: str) -> str:
    """Give the end of a message about an unknown setting."""
    import difflib  # the contract's commands start faster without it

    for known in (list(SETTINGS), [name.lower() for name in sorted(READ_ELSEWHERE)]):
        if near := difflib.get_close_matches(field, known, n=1, cutoff=0.6):
            return f"; did you mean {PREFIX + near[0].upper()}?"
    return "; docs/reference/settings.md lists them all"
