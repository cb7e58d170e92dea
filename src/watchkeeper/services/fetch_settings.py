"""How far this installation fetches, by its settings."""

from __future__ import annotations

from contextlib import suppress

from watchkeeper.domain.addresses import DEFAULT_PORT, DEFAULT_URL
from watchkeeper.domain.allowed_hosts import AllowedHost, OwnListeners
from watchkeeper.services.fetch import FetchConfig
from watchkeeper.settings import Settings


def fetch_config(settings: Settings) -> FetchConfig:
    """Read what the gate may fetch beside the open web, and where our own server is, which it never fetches."""

    def own() -> OwnListeners:
        urls = [settings.url or DEFAULT_URL]
        with suppress(OSError):  # no server of this home listens, then
            urls.append((settings.home / "url").read_text(encoding="utf-8").strip())
        return OwnListeners.of(urls, {settings.port or DEFAULT_PORT})

    allowed = tuple(AllowedHost.parse(entry) for entry in settings.fetch_allow)
    return FetchConfig(allowed=allowed, own=own)
