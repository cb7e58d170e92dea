"""What the tests take from npm is pinned whole, and by no registry's address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
WANTED = {"agents_npm": {"@openai/codex", "@anthropic-ai/claude-code"}, "browser_npm": {"axe-core"}}


@pytest.mark.parametrize("folder", WANTED)
def test_what_comes_from_npm_is_pinned(folder: str) -> None:
    """Each package of the lock file has its version and digest; where it comes from is the machine's own setting."""
    packages = json.loads((TESTS / folder / "package-lock.json").read_text())["packages"]
    pinned = {name: package for name, package in packages.items() if name}
    assert {f"node_modules/{name}" for name in WANTED[folder]} <= pinned.keys()
    assert all(package["integrity"].startswith("sha512-") for package in pinned.values())
    for file in ("package.json", "package-lock.json", ".npmrc"):
        assert "://" not in (TESTS / folder / file).read_text()
