"""The page on retention says what the program does."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from watchkeeper.services.retention import RETENTION, Kept, RetentionConfig
from watchkeeper.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "retention.md"
DEFAULTS = {field.name: field.default for field in fields(Settings)}


def row(kept: Kept) -> str:
    return f"| `{kept.table}` | {kept.until or length(kept)} | {kept.unless} |"


def length(kept: Kept) -> str:
    if isinstance(kept.days, str):
        setting = f"{kept.days.removesuffix('_days')}_retention_days"
        return f"`{setting}` ({DEFAULTS[setting]:g}) after {kept.since}"
    minutes = round(kept.age(RetentionConfig()) * 1440)
    long = f"{minutes} minutes" if minutes < 60 else f"{minutes // 1440} day{'s' if minutes > 1440 else ''}"
    return f"{long} after {kept.since}"


def test_the_page_lists_what_each_table_keeps() -> None:
    """Whoever asks how long something is kept reads the rule that the duty goes by."""
    listed = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert listed == [row(kept) for kept in RETENTION]
