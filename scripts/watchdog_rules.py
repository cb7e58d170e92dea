"""Write the table of rules into docs/watchdog.md from the catalogue: `python scripts/watchdog_rules.py`."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.domain.rules.catalogue import RULES, Rule

PAGE = Path(__file__).parents[1] / "docs" / "watchdog.md"
BEGIN, END = "<!-- rules: written by scripts/watchdog_rules.py -->\n", "<!-- end of rules -->\n"


def page(text: str) -> str:
    """Give the page's text with the table as the catalogue has it now."""
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}{table()}{END}{rest.split(END, 1)[1]}"


def table() -> str:
    """Give a line for each rule."""
    head = "| rule | severity | what it found | plan | calls | next action | closes when |\n"
    return head + "|---" * 7 + "|\n" + "".join(_line(rule) for rule in RULES.values())


def _line(rule: Rule) -> str:
    name = f"[`{rule.name}`](runbooks/{rule.name}.md)"
    calls = {None: "nobody by itself", 0: f"{rule.escalation} at once"}.get(
        rule.escalate_after, f"{rule.escalation} after {rule.escalate_after} failed repairs"
    )
    plan = f"{rule.action}, **stops the worker**" if rule.stops_worker else rule.action
    cells = [name, rule.severity, rule.sentence, plan, calls, rule.next_action, rule.closes_when]
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
