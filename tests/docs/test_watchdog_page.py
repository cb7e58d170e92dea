"""The watchdog's pages: every rule stands in the table, and has a runbook that says what to type."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.interfaces.cli.main import COMMANDS
from watchkeeper.interfaces.cli.needs import NEEDS

ROOT = Path(__file__).parents[2]
HEADINGS = ["Trigger", "Fixed steps", "Escalation", "Rollback"]
CONTRACT = {"doctor", "touch", "progress", "verify", "work"}
LATER = {"why"}
"""Commands that another part of the program brings."""


def test_the_table_of_rules_is_the_catalogues() -> None:
    """docs/watchdog.md has each rule as the program knows it; scripts/watchdog_rules.py writes it anew."""
    spec = importlib.util.spec_from_file_location("watchdog_rules", ROOT / "scripts" / "watchdog_rules.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text = (ROOT / "docs" / "watchdog.md").read_text(encoding="utf-8")
    assert script.page(text) == text
    assert text.count("](runbooks/") == len(RuleName)


def test_every_rule_is_in_the_catalogue_and_no_runbook_is_without_one() -> None:
    """A rule that fires can be looked up, and a page that is read belongs to a rule."""
    assert set(RULES) == set(RuleName)
    assert {page.stem for page in (ROOT / "docs" / "runbooks").glob("*.md")} == {
        str(name) for name in RuleName
    }


@pytest.mark.parametrize("name", RuleName)
def test_every_rule_has_a_runbook(name: RuleName) -> None:
    """Its page has trigger, fixed steps, escalation and rollback, and types only commands that there are."""
    rule = RULES[name]
    text = (ROOT / rule.runbook).read_text(encoding="utf-8")
    flat = " ".join(text.split())
    assert text.startswith(f"# {name}\n")
    assert f"{rule.sentence} It is over when {rule.closes_when}." in flat
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    steps = text.split("## Fixed steps")[1].split("## Escalation")[0]
    assert len(re.findall(r"^\d+\. ", steps, re.MULTILINE)) >= 3
    for command in re.findall(r"`watchkeeper ([a-z-]+(?: [a-z-]+)?)", flat):
        first = command.split()[0]
        assert command in NEEDS or first in NEEDS or first in CONTRACT | LATER or first in COMMANDS, command
