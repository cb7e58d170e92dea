"""What is shipped for Prometheus and Grafana speaks of metrics and pages that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from watchkeeper.services.metrics import HELP

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RULES = sorted((DEPLOY / "prometheus").glob("*.rules.yml"))
NAME = re.compile(r"\bwatchkeeper_(\w+)")


def headings(page: Path) -> set[str]:
    """Give the anchors of a page's headings."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_the_dashboard_asks_for_what_is_told() -> None:
    """Every panel has a question, and every metric in it is one that `/metrics` tells."""
    panels = json.loads((DEPLOY / "grafana/watchkeeper.json").read_text(encoding="utf-8"))["panels"]
    asked = {
        panel["title"]: [target["expr"] for target in panel["targets"]]
        for panel in panels
        if panel["type"] != "row"
    }
    assert all(asked.values())
    assert {name for exprs in asked.values() for expr in exprs for name in NAME.findall(expr)} <= set(HELP)


def test_the_rules_ask_for_what_is_told() -> None:
    """A rule on a metric that nobody tells would never fire."""
    groups = YAML(typ="safe").load(DEPLOY / "prometheus/watchkeeper.rules.yml")["groups"]
    asked = {name for group in groups for rule in group["rules"] for name in NAME.findall(rule["expr"])}
    assert asked
    assert asked <= set(HELP)


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.name)
def test_every_alert_leads_to_a_page(rules: Path) -> None:
    """Who is woken finds what to do: the page and its heading are there."""
    text = rules.read_text(encoding="utf-8")
    links = re.findall(r"runbook_url: (\S+)#(\S+)", text)
    assert len(links) == text.count("- alert:")
    assert [link for link in links if link[1] not in headings(ROOT / link[0])] == []
