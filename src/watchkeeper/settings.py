"""Settings: one frozen object, read once from the config document and from WATCHKEEPER_* variables, which win.

`FIELDS` is the only list of settings: docs/reference/settings.md is checked against it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

from watchkeeper.documents.settings_told import settings_told
from watchkeeper.domain.address_checks import (
    AddressError,
    checked_bucket_service,
    checked_database_address,
    checked_server_address,
    checked_web_address,
)
from watchkeeper.domain.addresses import told_only_by_host, without_password
from watchkeeper.domain.allowed_hosts import AllowedHost
from watchkeeper.domain.attempts import OnGateFailed
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.evidence import PENDING_MARKERS
from watchkeeper.domain.host_guard.limits import Limits
from watchkeeper.domain.variables import PREFIX, READ_ELSEWHERE, unknown_variable

SECRET_PATHS = ("audit_anchor_url", "dead_man_url")
"""Web addresses that only we should know: whoever has one may call it in our place."""

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9._/-]*)?")


@dataclass(frozen=True, slots=True)
class Settings:
    """What this process was told. Times are in seconds, sizes in bytes. `document` is where it was told, if it was.

    `pinned` are those that a variable said: no document says them otherwise.
    """

    home: Path
    document: Path | None = None
    pinned: frozenset[str] = frozenset()
    url: str | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    behind_proxy: bool = False
    database_url: str | None = None
    database_direct_url: str | None = None
    database_pooled: bool = False
    database_pool_size: int = 10
    postgres_bin: Path | None = None
    worker_id: str | None = None
    agent_user: str | None = None
    artifact_limit_bytes: int = 256 * 1024 * 1024
    artifact_s3_url: str | None = None
    artifact_s3_endpoint: str | None = None
    artifact_s3_region: str | None = None
    body_limit_bytes: int = 1024 * 1024
    fetch_allow: tuple[str, ...] = ()
    gate_http_statuses: tuple[int, ...] = (200,)
    pending_markers: tuple[str, ...] = PENDING_MARKERS
    on_gate_failed: str = "stuck"
    job_retention_days: float = 90.0
    output_retention_days: float = 35.0
    event_retention_days: float = 14.0
    orphan_retention_hours: float = 24.0
    audit_key_file: Path | None = None
    audit_anchor_file: Path | None = None
    audit_anchor_url: str | None = None
    dead_man_url: str | None = None
    dead_man_seconds: float = 60.0
    repair_first_seconds: float = 300.0
    host_textfile_dir: Path | None = None
    host_most_targets: int = 8
    host_runs_per_hour: int = 2
    host_cool_down_seconds: float = 1800.0
    host_post_check_seconds: tuple[int, ...] = (30, 300, 1800)
    host_names: tuple[str, ...] = ("localhost", "127.0.0.1")
    log_level: str = "info"
    log_format: str = "auto"

    def __post_init__(self) -> None:
        if self.log_level not in {"debug", "info", "warning", "error"}:
            raise SettingError(f"log_level is {self.log_level!r}; it is one of debug, info, warning, error")
        if self.log_format not in {"auto", "json", "text"}:
            raise SettingError(f"log_format is {self.log_format!r}; it is one of auto, json, text")
        if self.port is not None and not 0 <= self.port <= 65535:
            raise SettingError(f"port is {self.port}; it is a number from 0 to 65535")
        for name in ("database_pool_size", "artifact_limit_bytes", "body_limit_bytes"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} is {getattr(self, name)}; it is at least 1")
        for name in (
            "job_retention_days",
            "output_retention_days",
            "event_retention_days",
            "orphan_retention_hours",
            "dead_man_seconds",
            "repair_first_seconds",
        ):
            if getattr(self, name) <= 0:
                raise SettingError(f"{name} is {getattr(self, name)}; it is more than 0")
        if self.on_gate_failed not in {*OnGateFailed}:
            raise SettingError(
                f"on_gate_failed is {self.on_gate_failed!r}; it is one of {', '.join(OnGateFailed)}"
            )
        if not self.gate_http_statuses or not all(200 <= code <= 399 for code in self.gate_http_statuses):
            raise SettingError("gate_http_statuses are HTTP statuses from 200 to 399, such as 200,302")
        for entry in self.fetch_allow:
            try:
                AllowedHost.parse(entry)
            except ValueError as error:
                raise SettingError(f"fetch_allow names {entry!r}: {error}") from None

        self._check_bucket()
        _ = self.host_limits

    def _check_bucket(self) -> None:
        url, endpoint = self.artifact_s3_url, self.artifact_s3_endpoint
        if url is not None and not _BUCKET.fullmatch(url):
            raise SettingError("artifact_s3_url is no s3://BUCKET or s3://BUCKET/PREFIX")
        if endpoint is not None:
            try:
                checked_bucket_service(endpoint)
            except AddressError as error:
                raise SettingError(f"artifact_s3_endpoint {error}") from None
        if url is None and (endpoint is not None or self.artifact_s3_region is not None):
            raise SettingError("artifact_s3_endpoint and artifact_s3_region need artifact_s3_url")

    @property
    def host_limits(self) -> Limits:
        """Give how often and how far the host guard may act; raise SettingError for limits that are none."""
        return Limits(
            self.host_most_targets,
            self.host_runs_per_hour,
            self.host_cool_down_seconds,
            self.host_post_check_seconds,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """Give the secret parts of addresses in these settings, which no log and no record may show."""
        urls = (self.database_url, self.database_direct_url, self.audit_anchor_url, self.dead_man_url)
        found = [without_password(url)[1] for url in urls if url]
        found += [told_only_by_host(url)[1] for url in map(self.__getattribute__, SECRET_PATHS) if url]
        return tuple(secret for secret in found if secret)

    def shown(self, name: str) -> Any:
        """Give a setting as people may see it: an address without its password, or its secret path."""
        value = getattr(self, name)
        if not isinstance(value, str):
            return value
        return (told_only_by_host if name in SECRET_PATHS else without_password)(value)[0]

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings of this process.

        Raises SettingError for an unknown setting, naming the one that was probably meant, and for a wrong value.
        """
        environ = os.environ if environ is None else environ
        if unknown := unknown_variable(environ):
            raise SettingError(unknown)
        values: dict[str, Any] = {}
        document = None
        pinned = set()
        if config := environ.get(PREFIX + "CONFIG"):
            document = Path(config).expanduser().absolute()
            values.update(told_by(document))
        for name, text in environ.items():
            if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in READ_ELSEWHERE:
                continue
            field = name.removeprefix(PREFIX).lower()
            values[field] = _convert(name, field, text)
            pinned.add(field)
        home = values.pop("home", None) or default_home(environ)
        return cls(
            home=Path(home).expanduser().absolute(), document=document, pinned=frozenset(pinned), **values
        )


def default_home(environ: Mapping[str, str]) -> Path:
    """Give the home that is used when none is set: the user's state directory (XDG base directories)."""
    if state := environ.get("XDG_STATE_HOME"):
        return Path(state) / "watchkeeper"
    if not environ.get("HOME"):
        raise SettingError("neither WATCHKEEPER_HOME nor HOME is set; set one of them")
    return Path(environ["HOME"]) / ".local" / "state" / "watchkeeper"


def told_by(path: Path) -> dict[str, Any]:
    """Give the settings that a document tells, as values; raise SettingError for a wrong one."""
    told = settings_told(path, FIELDS)
    return {key: _convert(f"{key} in {path}", key, value) for key, value in told.items()}


def _convert(name: str, field: str, value: Any) -> Any:
    try:
        return FIELDS[field](value)
    except AddressError as error:
        raise SettingError(f"{name} {error}") from None
    except (TypeError, ValueError) as error:
        raise SettingError(f"{name} is {value!r}: {error}") from error


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    match str(value).strip().lower():
        case "1" | "true" | "yes" | "on":
            return True
        case "0" | "false" | "no" | "off":
            return False
    raise ValueError("expected true or false")


def _integer(value: Any) -> int:
    if isinstance(value, bool | float):
        raise TypeError("expected a whole number")
    try:
        return int(value)
    except ValueError:
        raise ValueError("expected a whole number") from None


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("expected a number")
    try:
        number = float(value)
    except ValueError:
        raise ValueError("expected a number") from None
    if not math.isfinite(number):
        raise ValueError("expected a number that has an end")
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a text")
    return value


def _path(value: Any) -> Path:
    return Path(_text(value)).expanduser().absolute()


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_text(entry) for entry in value)
    return tuple(entry.strip() for entry in str(value).split(",") if entry.strip())


def _integers(value: Any) -> tuple[int, ...]:
    entries = (
        value if isinstance(value, list) else [entry for entry in str(value).split(",") if entry.strip()]
    )
    return tuple(_integer(entry) for entry in entries)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "Path": _path,
    "Path | None": _path,
    "str": _text,
    "str | None": _text,
    "int": _integer,
    "int | None": _integer,
    "float": _number,
    "bool": _boolean,
    "tuple[str, ...]": _texts,
    "tuple[int, ...]": _integers,
}


def _address(check: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: check(_text(value))


_ADDRESSES: dict[str, Callable[[Any], str]] = {
    "url": _address(checked_server_address),
    "database_url": _address(checked_database_address),
    "database_direct_url": _address(checked_database_address),
    "audit_anchor_url": _address(checked_web_address),
    "dead_man_url": _address(checked_web_address),
}

FIELDS: dict[str, Callable[[Any], Any]] = {
    field.name: _ADDRESSES.get(field.name, _CONVERTERS[str(field.type)])
    for field in dataclass_fields(Settings)
    if field.name not in ("document", "pinned")
}
