"""The secrets that this process can name: of its settings, its environment and its home; redaction takes them out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.known_values import secret_variables, secrets_of_text
from watchkeeper.settings import Settings
from watchkeeper.storage.placement import STATE_ROOT, existing_place

OF_THE_HOME = ("owner-token", "worker-token-*", "audit-key")
OF_THE_DATABASE = ("password", "admin-password")
MAX_FILE_BYTES = 16 * 1024
"""A larger file is none of ours."""


def known_secrets(settings: Settings, environ: Mapping[str, str] | None = None) -> list[str]:
    """Give every secret value at hand.

    Tokens are learnt as callers bring them: only their hashes are kept.
    """
    variables = secret_variables(os.environ if environ is None else environ).values()
    return [*settings.secrets, *variables, *secrets_of_home(settings.home, settings.audit_key_file)]


def secrets_of_home(home: Path, *more: Path | None) -> list[str]:
    """Give what a home's secret files hold, and more files that are named, of those that this user may read."""
    return [text for path in secret_files(home, *more) for text in secrets_of_text(_read(path)) if text]


def secret_files(home: Path, *more: Path | None) -> list[Path]:
    """Give the files of a home that hold secrets, those of its own database too, and more that are there."""
    found = [path for pattern in OF_THE_HOME for path in sorted(home.glob(pattern))]
    found += [path for path in more if path is not None and path.is_file()]
    place = database_place(home)
    return found + [
        place / name for name in OF_THE_DATABASE if place is not None and (place / name).is_file()
    ]


def database_place(home: Path) -> Path | None:
    """Give where the home's own database really lies; None where it has none."""
    try:
        return existing_place((home / "database").resolve(), STATE_ROOT)
    except (OSError, SettingError):
        return None


def _read(path: Path) -> str:
    try:
        return path.read_bytes()[:MAX_FILE_BYTES].decode("utf-8", "replace")
    except OSError:
        return ""
