"""A supervisor to be killed: starts the session that its argument describes, says so, and waits for ever.

Argument: JSON of {place, work, script, use_scope, hard_cap_seconds}; prints the session's directory.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from watchkeeper.agents.session import Session, SessionSpec
from watchkeeper.agents.user import agent_user

order = json.loads(sys.argv[1])
session = Session.start(
    SessionSpec(
        directory=Path(order["place"]) / "session-of-the-killed",
        command=["sh", "-c", order["script"]],
        environment={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        workspace=Path(order["work"]),
        user=agent_user(None),
        home=Path(order["place"]),
        grace_seconds=1.0,
        hard_cap_seconds=order["hard_cap_seconds"],
        use_scope=order["use_scope"],
    )
)
print(session.directory, flush=True)
signal.pause()
