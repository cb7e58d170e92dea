"""What is known of a foreign helper: where its answers hold what we need, and how long it is waited for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.suggestions import did_you_mean, shown

DEFAULT_PATHS: Mapping[str, tuple[str, ...]] = {
    "ok": ("ok",),
    "job": ("job", "data.job"),
    "job_id": ("job.id", "job.job_id", "data.job.id", "job_id"),
    "job_kind": ("job.kind", "job.worker_kind", "job.type", "data.job.kind"),
    "job_state": ("job.state", "job.status", "data.job.status", "state", "status"),
    "deliverable_id": (
        "job.deliverable_id",
        "deliverable_id",
        "deliverable.id",
        "job.deliverable.id",
        "data.deliverable.id",
    ),
    "lease_expires_at": (
        "lease_expires_at",
        "job.lease_expires_at",
        "lease.expires_at",
        "job.lease.expires_at",
    ),
    "contract": ("contract", "job.contract", "job.result_contract", "data.contract"),
    "artifacts": ("artifacts", "files", "uploaded", "data.artifacts"),
    "error_code": ("error.code", "code", "error_code"),
    "error_status": ("error.status", "error.details.status", "http_status", "statusCode", "status_code"),
    "missing_kinds": ("error.details.missing_kinds", "missing_kinds", "missing_kind", "error.missing_kinds"),
    "failed_checks": ("error.details.failed", "failed", "error.failed"),
    "token_present": ("token_present", "checks.token_present"),
    "touch_ok": ("touch.ok", "checks.touch.ok"),
    "touched": ("touched",),
}
"""Our names for what an answer holds, and where each is looked for, the first that is there."""

UPLOAD_IDS = ("job", "deliverable")


@dataclass(frozen=True, slots=True, kw_only=True)
class HelperConfig:
    """One foreign helper; the config document's `helper:` section. Times are in seconds.

    `fields` gives the dotted path at which this helper keeps one of our names (`DEFAULT_PATHS`); the rest stay.
    `metrics_url` or `metrics_command` gives the foreign queue's counters as one JSON object. `publish_command` is run
    with the paths of files and prints `{"artifacts": [{"name", "url"}]}`: the shared store for results that have no
    deliverable id. `upload_id` says which id `upload-files` takes. `claim_seconds` may pass without JSON, and
    `answer_seconds` for every other command; `work_seconds` caps the work on one job, `tokens_limit` and `cost_limit`
    (US dollars) what an agent may use for it;
    `linger_seconds` a process may live on after its JSON.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    metrics_url: str | None = None
    metrics_command: str | None = None
    publish_command: str | None = None
    upload_id: str = "job"
    secret_fields: tuple[str, ...] = ("lease_token",)
    claim_seconds: float = 30.0
    answer_seconds: float = 300.0
    linger_seconds: float = 5.0
    retry_pause_seconds: float = 3.0
    grace_seconds: float = 5.0
    kill_seconds: float = 5.0
    heartbeat_seconds: float = 600.0
    work_seconds: float = 14_400.0
    tokens_limit: int | None = None
    cost_limit: float | None = None
    near_expiry_seconds: float = 180.0
    near_expiry_fraction: float = 1 / 3
    renewal_gap_seconds: float = 30.0
    no_job_heartbeats: int = 3
    silent_heartbeats: int = 3

    def __post_init__(self) -> None:
        for name, path in self.fields.items():
            if name not in DEFAULT_PATHS:
                raise SettingError(
                    f"helper.fields has no {shown(name)}; {did_you_mean(str(name), DEFAULT_PATHS)}"
                )
            if not isinstance(path, str) or not path or not all(path.split(".")):
                raise SettingError(f"helper.fields.{name} is {shown(path)}; it looks like job.lease.ends_at")
        if self.upload_id not in UPLOAD_IDS:
            raise SettingError(f"helper.upload_id is {shown(self.upload_id)}; it is job or deliverable")
        if self.metrics_url is not None and self.metrics_command is not None:
            raise SettingError("helper has metrics_url and metrics_command; name one")
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
                raise SettingError(f"helper.{one.name} is {shown(value)}; it is 0 or more")
        for name in ("claim_seconds", "answer_seconds", "heartbeat_seconds"):
            if getattr(self, name) <= 0:
                raise SettingError(f"helper.{name} is {getattr(self, name)}; it is more than 0")
        for name in ("no_job_heartbeats", "silent_heartbeats"):
            if getattr(self, name) < 1:
                raise SettingError(f"helper.{name} is {getattr(self, name)}; it is 1 or more")

    def paths(self, name: str) -> tuple[str, ...]:
        """Give where an answer may hold what we call `name`."""
        return (self.fields[name],) if name in self.fields else DEFAULT_PATHS[name]
