"""The agent of docs/extend/agent.md, taken from the page as it stands: one file and one table make it known."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.stream_words import word
from watchkeeper import agents
from watchkeeper.agents import known, verdicts
from watchkeeper.agents.adapter import Setup, Turn
from watchkeeper.agents.user import SYSTEM_PATH, AgentUser
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.sessions.events import Limited, Retrying, Said, ToolOpened, Trouble

PAGE = Path(__file__).parents[2] / "docs/extend/agent.md"
PROGRAM = r"""#!/bin/sh
[ "$1" = --version ] && { echo muse 1.4; exit; }
mkdir -p $MUSE_HOME/threads; echo "$@" > $MUSE_HOME/threads/t-1.jsonl
read prompt
cat <<END
{"event": "hello", "thread": "t-1"}
{"event": "says", "text": "You want: $prompt"}
{"event": "thinks"}
{"event": "runs", "id": "1", "command": "make"}
{"event": "ran", "id": "1", "output": "ok", "code": 0}
{"event": "sings"}
{"event": "refused", "why": "slow down", "status": 429}
{"event": "over", "ok": false, "why": "out of credits, resets in 2 hours"}
END
"""


@pytest.fixture
def muse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the page's module and table where an agent's stand."""
    code, table = (
        re.search(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL) for kind in ("python", "toml")
    )
    assert code is not None
    assert table is not None
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents/muse.py").write_text(code[1])
    shutil.copytree(verdicts.PLACE, tmp_path / "tables")
    (tmp_path / "tables/muse.toml").write_text(table[1])
    monkeypatch.setattr(verdicts, "PLACE", tmp_path / "tables")
    monkeypatch.setattr(agents, "__path__", [*agents.__path__, str(tmp_path / "agents")])
    verdicts.table.cache_clear()
    yield
    sys.modules.pop("watchkeeper.agents.muse")
    verdicts.table.cache_clear()


@pytest.mark.usefixtures("muse")
def test_the_pages_agent_is_found_started_resumed_and_read(place: Path, work: Path, user: AgentUser) -> None:
    """It is known by its name; its program is asked for its version, gets its prompt, and its lines have a meaning."""
    assert "muse" in known.agents()
    with pytest.raises(UsageError, match="muse is not installed"):
        known.adapter("muse", Setup(user, place, str(place)))
    (place / "bin").mkdir(mode=0o755)
    (place / "bin/muse").write_text(PROGRAM)
    (place / "bin/muse").chmod(0o755)
    home = place / "home-of-muse"
    setup = Setup(user, place, f"{place / 'bin'}:{SYSTEM_PATH}", {"MUSE_HOME": str(home)}, ["--fast"])
    agent = known.adapter("muse", setup, lambda: 1_000_000.0)
    assert (agent.name, agent.version, agent.measured) == ("muse", "1.4", True)
    assert "muse login" in agent.login
    turn = Turn("a page", work, work, thread="t-1")
    orders = agent.launch(turn)
    done = subprocess.run(
        orders.command,
        env=dict(orders.environment),
        input=orders.stdin,
        capture_output=True,
        text=True,
        check=True,
    )
    events = [event for line in done.stdout.splitlines() for event in agent.read(line)]
    assert [word(event) for event in events] == [
        "began", "said", "stirred", "open:shell", "close", "unknown",
        "retrying:rate_limit", "limited-until", "failed:usage_limit",
    ]  # fmt: skip
    said, opened, limited = events[1], events[3], events[7]
    assert isinstance(said, Said)
    assert isinstance(opened, ToolOpened)
    assert (said.text, opened.shown) == ("You want: a page", "make")
    assert limited == Limited(1_000_000.0 + 7200, "out of credits, resets in 2 hours")
    assert isinstance(events[6], Retrying)
    assert events[6].trouble is Trouble.RATE_LIMIT
    transcript = agent.transcript(turn, "t-1")
    assert transcript is not None
    assert transcript.read_text().split() == ["--json", "--resume", "t-1", "--fast"]
    assert agent.transcript(turn, "../t-1") is None
    assert agent.read_error("you are not logged in")
