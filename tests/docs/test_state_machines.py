"""The page of state machines is that of the program."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    """docs/state-machines.md says what the transition tables say; scripts/state_machines.py writes it anew."""
    spec = importlib.util.spec_from_file_location("state_machines", ROOT / "scripts" / "state_machines.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (ROOT / "docs" / "state-machines.md").read_text(encoding="utf-8") == script.page()
