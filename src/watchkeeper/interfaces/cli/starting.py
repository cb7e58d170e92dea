"""How every long-running command begins: its settings read, its log set up."""

from __future__ import annotations

import sys

from watchkeeper import logs
from watchkeeper.interfaces.cli.local import log_redactor, make_home
from watchkeeper.settings import Settings


def begin() -> Settings:
    """Read the settings, make the home, and log to stderr from here on; raise SettingError for a wrong one."""
    settings = Settings.read()
    make_home(settings.home)
    logs.configure(level=settings.log_level, form=settings.log_format, redact=log_redactor(settings))
    return settings


def note(sentence: str) -> None:
    """Tell the person, or the log of `up`, what is being waited for."""
    print(sentence, file=sys.stderr, flush=True)
