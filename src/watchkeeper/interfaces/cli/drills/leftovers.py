"""Projects that drills left behind: a later drill removes those whose process was killed, and no others."""

from __future__ import annotations

import os
import re
import socket
from datetime import UTC, datetime, timedelta

from watchkeeper.interfaces.cli.client import Client

OLD = timedelta(hours=1)
"""A drill takes minutes; what is younger may be another's that is just beginning."""

PREFIX = "drill-"
_TITLE = re.compile(r"a drill of (?P<machine>\S+), process (?P<pid>\d+), since (?P<since>\S+)")


def title() -> str:
    """Say of a drill's project which process removes it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return f"a drill of {socket.gethostname()}, process {os.getpid()}, since {now}"


def leftovers(whole: Client) -> list[str]:
    """Give the projects of this machine's drills that began long ago and whose process is gone."""
    rows = whole.pages("/api/projects", "projects")
    return [
        row["project_id"]
        for row in rows
        if row["project_id"].startswith(PREFIX) and _is_left(row["title"], datetime.now(UTC))
    ]


def _is_left(said: str, now: datetime) -> bool:
    found = _TITLE.fullmatch(said)
    if found is None or found["machine"] != socket.gethostname():
        return False
    try:
        since = datetime.fromisoformat(found["since"])
    except ValueError:
        return False
    return now - since > OLD and not _lives(int(found["pid"]))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
