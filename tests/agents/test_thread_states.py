"""How a thread of Codex stands, as its app-server tells it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchkeeper.agents import known
from watchkeeper.domain.sessions.events import Stirred, Waits


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["waitingOnApproval"], Waits("waitingOnApproval")),
        (["waitingOnUserInput"], Waits("waitingOnUserInput")),
        ([], Stirred("session_state_changed")),
        ("waitingOnApproval", Stirred("session_state_changed")),
    ],
)
def test_a_codex_that_waits_for_a_person_says_so_in_its_state(flags: Any, expected: Waits | Stirred) -> None:
    """What its app-server tells of a thread is understood where it stands in a recording."""
    status = {"type": "active", "activeFlags": flags}
    line = json.dumps({"method": "thread/status/changed", "params": {"threadId": "t", "status": status}})
    assert known.stream("codex").read(line) == [expected]
