"""The agents that the tests start are pinned whole, and by no registry's address."""

from __future__ import annotations

import json
from pathlib import Path

PLACE = Path(__file__).parents[1] / "agents_npm"


def test_the_agents_under_test_are_pinned() -> None:
    """Each package of the lock file has its version and digest; where it comes from is the machine's own setting."""
    packages = json.loads((PLACE / "package-lock.json").read_text())["packages"]
    pinned = {name: package for name, package in packages.items() if name}
    assert {"node_modules/@openai/codex", "node_modules/@anthropic-ai/claude-code"} <= pinned.keys()
    assert all(package["integrity"].startswith("sha512-") for package in pinned.values())
    for file in ("package.json", "package-lock.json", ".npmrc"):
        assert "://" not in (PLACE / file).read_text()
