"""The rules for Prometheus and Alertmanager that are shipped: checked by their own programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from prometheus_programs import tool

SHIPPED = Path(__file__).parents[2] / "deploy/prometheus"


def run(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, cwd=SHIPPED, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("rules", ["host_guard", "watchkeeper"])
def test_rules_fire_when_they_should_and_only_then(rules: str) -> None:
    """Each rule fires after its time and not before; a burst, a calm short window, one failure alone never."""
    code, said = run(tool("promtool"), "test", "rules", f"{rules}.tests.yml")
    assert code == 0, said


@pytest.mark.parametrize("rules", ["host_guard", "watchkeeper"])
def test_rules_are_clean(rules: str) -> None:
    """`promtool check rules` finds nothing, with every lint on."""
    code, said = run(tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", f"{rules}.rules.yml")
    assert code == 0, said


def test_alertmanagers_part_is_understood() -> None:
    """`amtool check-config` accepts it, with the one rule by which a missing monitor silences both lanes."""
    code, said = run(tool("amtool"), "check-config", "alertmanager.yml")
    assert (code, "1 inhibit rules" in said) == (0, True), said
