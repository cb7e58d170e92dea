"""The pages about agents name what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from watchkeeper.agents.known import agents

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "src" / "watchkeeper" / "agents" / "tables"


def test_every_agent_is_shown_with_how_it_is_started() -> None:
    """docs/agents.md begins with one line for each agent that `work --agent` knows."""
    text = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
    shown = re.findall(r"^watchkeeper work --agent (\w+)", text, re.MULTILINE)
    assert sorted(shown[: len(agents())]) == sorted(agents())


def test_every_key_of_a_table_is_explained() -> None:
    """docs/extend/agent.md has a row for each key that a table of an agent has, and no other."""
    text = (ROOT / "docs" / "extend" / "agent.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    tables = {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in TABLES.glob("*.toml")}
    assert tables.keys() == set(agents())
    assert all(set(table) == set(rows) for table in tables.values())
