"""How every long-running command begins: its settings read, its log set up."""

from __future__ import annotations

import sys

from watchkeeper import logs
from watchkeeper.domain.redaction import Redactor
from watchkeeper.interfaces.cli.local import make_home
from watchkeeper.settings import Settings


def begin() -> Settings:
    """Read the settings, make the home, and log to stderr from here on; raise SettingError for a wrong one."""
    settings = Settings.read()
    make_home(settings.home)
    urls = [url for url in (settings.database_url, settings.database_direct_url) if url]
    redactor = Redactor([*urls, *settings.secrets])
    logs.configure(level=settings.log_level, form=settings.log_format, redact=redactor.redact)
    return settings


def note(sentence: str) -> None:
    """Tell the person, or the log of `up`, what is being waited for."""
    print(sentence, file=sys.stderr, flush=True)
