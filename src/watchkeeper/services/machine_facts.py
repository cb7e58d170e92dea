"""What this machine and this program are: versions, kernel, limits. Blocks; raises nothing that is not a bug."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from watchkeeper import __version__

LIBRARIES = (
    "psycopg",
    "psycopg-pool",
    "fastapi",
    "starlette",
    "uvicorn",
    "pydantic",
    "typer",
    "cryptography",
)


def machine_facts(home: Path) -> dict[str, Any]:
    """Give what a maintainer asks first."""
    return {
        "watchkeeper": __version__,
        "python": sys.version,
        "libraries": {name: _version(name) for name in LIBRARIES},
        "system": _system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "memory": _first_lines(Path("/proc/meminfo"), 3),
        "load": _first_lines(Path("/proc/loadavg"), 1),
        "cgroup": cgroup_kind(),
        "is_root": os.geteuid() == 0,
        "home": {"path": str(home), "free_bytes": _free(home)},
    }


def cgroup_kind(root: Path = Path("/sys/fs/cgroup")) -> str:
    """Name the control groups that the kernel offers: v2, hybrid, v1 or none."""
    if (root / "cgroup.controllers").exists():
        return "v2"
    if (root / "unified" / "cgroup.controllers").exists():
        return "hybrid"
    return "v1" if (root / "memory").is_dir() else "none"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.platform())
    except OSError:
        return platform.platform()


def _first_lines(path: Path, count: int) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[:count]
    except OSError:
        return []


def _free(home: Path) -> int | None:
    try:
        return shutil.disk_usage(home).free
    except OSError:
        return None
