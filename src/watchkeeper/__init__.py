"""Watchkeeper runs and guards unattended workers: durable jobs, fenced leases, an evidence gate, rescue and audit.

The names below are imported at first use, so that the contract CLI starts without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchkeeper.client.api import ApiClient
    from watchkeeper.library import Client, Worker
    from watchkeeper.services.enqueueing import JobRequest
    from watchkeeper.services.handlers import JobContext, job

__version__ = "0.1.0"

__all__ = ["ApiClient", "Client", "JobContext", "JobRequest", "Worker", "__version__", "job"]

_HOMES = {
    "ApiClient": "watchkeeper.client.api",
    "Client": "watchkeeper.library",
    "Worker": "watchkeeper.library",
    "JobContext": "watchkeeper.services.handlers",
    "JobRequest": "watchkeeper.services.queue",
    "job": "watchkeeper.services.handlers",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
