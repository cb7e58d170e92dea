"""What this machine's home holds: the database, the owner's token, the address of the running server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from watchkeeper import logs
from watchkeeper.domain.addresses import DEFAULT_URL
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.known_secrets import known_secrets
from watchkeeper.settings import Settings
from watchkeeper.storage.binaries import find
from watchkeeper.storage.embedded import EmbeddedServer

OWNER_FILE = "owner-token"
URL = "url"

Say = Callable[[str], None]


def embedded_server(settings: Settings, say: Say) -> EmbeddedServer:
    """Give the home's own PostgreSQL, running or not; raise SettingError where no programs for it are found."""
    return EmbeddedServer(settings.home / "database", binaries=find(settings.postgres_bin), progress=say)


def running_database(settings: Settings) -> str | None:
    """Give the address of the database that was set, or of the home's own if it runs; starts nothing."""
    if settings.database_url is not None or not has_database(settings):
        return settings.database_url
    server = embedded_server(settings, lambda _: None)
    return server.url() if server.status().state == "running" else None


@contextmanager
def with_database(settings: Settings, say: Say) -> Iterator[Settings]:
    """Give settings that name a database: the one that was set, else the home's own, kept running meanwhile.

    Raises SettingError where neither is there.
    """
    if settings.database_url is None and not has_database(settings):
        raise SettingError(
            f"no database is set, and {settings.home} has none of its own",
            hint="Set WATCHKEEPER_DATABASE_URL, or run 'watchkeeper up', which brings its own.",
        )
    with database_user(settings, say) as start:
        yield start()


@contextmanager
def database_user(settings: Settings, say: Say) -> Iterator[Callable[[], Settings]]:
    """Count as a user of the database for the block; gives what starts or joins it, and then names it.

    Makes the home's own where none was set and there is none yet.
    """
    if settings.database_url is not None:
        yield lambda: settings
        return
    server = embedded_server(settings, say)
    with server.user(stop_when_last=True):
        yield lambda: _named(settings, server.start())


def _named(settings: Settings, database_url: str) -> Settings:
    complete = replace(settings, database_url=database_url)
    # The password of the home's own database was not known when the log began.
    logs.redact_with(log_redactor(complete))
    return complete


def log_redactor(settings: Settings) -> Callable[[Any], Any]:
    """Give what takes the secrets of these settings out of log lines."""
    urls = [url for url in (settings.database_url, settings.database_direct_url) if url]
    return Redactor([*urls, *known_secrets(settings)]).redact_data


def has_database(settings: Settings) -> bool:
    """Say whether there is a database already, set or the home's own."""
    return settings.database_url is not None or (settings.home / "database").exists()


def make_home(home: Path) -> None:
    """Make the home, closed to other users; raise SettingError where that cannot be.

    Root's may be passed through, not read: the database and the agents there run as users of their own.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        (home / "logs").mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingError(
            f"the home {home} cannot be made: {error.strerror}",
            hint="Set WATCHKEEPER_HOME to a directory that this user may write.",
        ) from error


def own_token(settings: Settings) -> tuple[str | None, bool]:
    """Give the token to act with, and whether it is the owner's of this home; raise SettingError for a garbled one."""
    if given := os.environ.get("WATCHKEEPER_TOKEN", "").strip():
        return as_token(given, "WATCHKEEPER_TOKEN"), False
    if own := read_secret(settings.home / OWNER_FILE):
        return as_token(own, str(settings.home / OWNER_FILE)), True
    return None, False


def as_token(text: str, source: str) -> str:
    """Give the text if it can be a token; raise SettingError, which never shows it, if not."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise SettingError(
            f"{source} holds characters that no token has",
            hint="Copy the token again: there must be nothing beside it.",
        )
    return text


def read_secret(path: Path) -> str | None:
    """Read a one-line file of a secret; None where there is none for this user."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        return None


def write_secret(path: Path, secret: str) -> None:
    """Write a one-line file that only this user can read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with suppress(FileNotFoundError):  # left behind by a start that was killed here
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def read_url(settings: Settings) -> str:
    """Give the server's address: the one that was set, else the one a running server left here, else the usual."""
    if settings.url is not None:
        return settings.url
    return read_secret(settings.home / URL) or DEFAULT_URL
