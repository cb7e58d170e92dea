"""What can be seen to be wrong of a page as it stands on the screen."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

AXE = Path(__file__).parents[1] / "browser_npm" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
GRAVE = ("serious", "critical")


@cache
def _script(path: Path) -> str:
    return path.read_text(encoding="utf-8")


async def look(page: Page, name: str) -> Any:
    """Take one of the looks of looks.js, through the door of developers: no policy is loosened for it."""
    return await page.evaluate(f"{_script(Path(__file__).with_suffix('.js'))}.{name}()")


async def grave_findings(page: Page) -> list[str]:
    """Let axe look; give what it holds for serious or critical, each with the first places."""
    await page.evaluate(_script(AXE))
    found: list[dict[str, Any]] = await page.evaluate(
        "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then((r) => r.violations)",
        list(RULES),
    )
    return [
        f"{one['id']} ({one['impact']}): {one['help']}; {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in GRAVE
    ]


async def overflowing(page: Page) -> list[str]:
    """Name what stands outside of the screen to the left or right."""
    found: list[str] = await look(page, "overflowing")
    return found


async def small_targets(page: Page) -> list[str]:
    """Name what a thumb would miss: buttons, choices and links of the navigation below 44 px."""
    found: list[str] = await look(page, "smallTargets")
    return found
