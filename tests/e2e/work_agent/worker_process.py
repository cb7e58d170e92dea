"""One `work --agent command`, with its config as JSON on stdin; the token is the first line."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from watchkeeper.logs import configure
from watchkeeper.services.supervise import supervise
from watchkeeper.services.supervision.config import SupervisorConfig

PATHS = ("home", "system_place")

token = sys.stdin.readline().strip()
given = json.load(sys.stdin)
given |= {name: Path(given[name]) for name in PATHS if name in given}
configure(level="info", form="json", redact=str)
sys.exit(asyncio.run(supervise(SupervisorConfig(token=token, **given))))
