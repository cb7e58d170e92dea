"""A person turns a channel on at the command line, tries it, and no secret is shown anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interfaces.test_operator_cli import Run, environ, run
from services.chat_servers import BOT, chatting

__all__ = ["environ", "run"]


@pytest.fixture(autouse=True)
def here(environ: dict[str, str]) -> None:
    """Let channels lead to this machine."""
    environ["WATCHKEEPER_FETCH_ALLOW"] = "127.0.0.1"


def test_a_channel_is_turned_on_tried_and_shown_without_its_secrets(run: Run, tmp_path: Path) -> None:
    """The secret of a channel comes from a file, and is in no answer, rehearsal or list."""
    (tmp_path / "token").write_text(BOT)
    with chatting() as chat:
        on = ["channel", "on", "duty", "--kind", "telegram", "--set", "chat=-5", "--set", f"api={chat.url}"]
        on += ["--secret-file", f"token={tmp_path / 'token'}", "--language", "zh_Hant", "--json"]
        rehearsed = run(*on, "--dry-run")
        assert json.loads(rehearsed.stdout)["body"]["secrets"] == {"token": "..."}
        done = run(*on)
        assert "channel" in json.loads(done.stdout), done.stdout + done.stderr
        tried = run("channel", "test", "duty")
        assert tried.stdout.strip() == "delivered", tried.stderr
        assert "頻道 duty 測試" in chat.sent("sendMessage")[0].document["text"]
        shown = [rehearsed, done, tried, run("channel", "list", "--json")]
        assert all(BOT not in one.stdout + one.stderr for one in shown)
        assert "duty" in shown[-1].stdout
