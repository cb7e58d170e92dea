"""Where promtool and amtool are: on the path, or where scripts/prometheus-tools brought them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

BROUGHT = Path(__file__).parent / "prometheus_tools/usr/bin"


def tool(name: str) -> str:
    """Give the program's path; skip the test by name where it is not there."""
    found = shutil.which(name) or shutil.which(name, path=str(BROUGHT))
    if found is None:
        pytest.skip(f"{name} is not there (Debian: prometheus, prometheus-alertmanager)")
    return found
