"""What a machine's config document says of its sessions reaches their supervisor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watchkeeper.domain.placed import DocumentRefused
from watchkeeper.interfaces.cli import work_agent
from watchkeeper.interfaces.cli.work_options import WorkOptions
from watchkeeper.settings import Settings


def started(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the configuration that a supervisor of plain commands is started with."""
    taken: list[Any] = []

    async def supervise(config: Any, _tools: Any) -> int:
        taken.append(config)
        return 0

    monkeypatch.setattr(work_agent, "supervise", supervise)
    monkeypatch.setenv("WATCHKEEPER_TOKEN", "wkw_" + "a" * 43)
    work_agent.work_agent("command", settings, WorkOptions(None, (), None, None, "default"), [], None)
    return taken[0]


def test_shared_daemons_are_spared_by_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`host.shared_daemons` of the document is what no session's end ends; a refused document starts nothing."""
    document = tmp_path / "it.yaml"
    settings = Settings(home=tmp_path / "home", url="http://127.0.0.1:1", document=document)
    document.write_text("host: {shared_daemons: [/usr/bin/ssh-agent, gpg-agent]}\n")
    assert started(settings, monkeypatch).shared_daemons == ("/usr/bin/ssh-agent", "gpg-agent")
    document.write_text("host: {shared_demons: [gpg-agent]}\n")
    with pytest.raises(DocumentRefused, match=r"it\.yaml"):
        started(settings, monkeypatch)
