"""What an agent's own transcript tells beside its stream: that it is at work, and what it has used."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from watchkeeper.agents.claude import ClaudeTally
from watchkeeper.agents.codex import CodexTally
from watchkeeper.domain.sessions.events import Spent
from watchkeeper.domain.sessions.facts import TranscriptGrew
from watchkeeper.services.supervision import transcript_look
from watchkeeper.services.supervision.transcript_look import TranscriptLook


def counted(total: int) -> str:
    usage = {"input_tokens": total - 10, "output_tokens": 10, "total_tokens": total}
    return json.dumps({"payload": {"type": "token_count", "info": {"total_token_usage": usage}}}) + "\n"


def answered(name: str, tokens: int) -> str:
    message = {
        "id": name,
        "usage": {"input_tokens": tokens, "cache_read_input_tokens": 5, "output_tokens": 1},
    }
    return json.dumps({"type": "assistant", "message": message}) + "\n"


def test_growth_and_use_are_told_as_they_come(tmp_path: Path) -> None:
    """What was there at first is no growth, but was used; a count that stays says nothing again."""
    path = tmp_path / "rollout.jsonl"
    path.write_text(counted(100))
    look = TranscriptLook(lambda: path, CodexTally())
    assert look.look() == [Spent(100)]
    assert look.look() == []
    with path.open("a") as file:
        file.write(counted(100) + counted(250) + counted(300) + '{"half')
    assert look.look() == [TranscriptGrew(), Spent(300)]
    with path.open("a") as file:
        file.write(' a line"}\n' + counted(310))
    assert look.look() == [TranscriptGrew(), Spent(310)]


def test_a_transcript_that_comes_later_is_found(tmp_path: Path) -> None:
    """An agent writes its file after its first words; all that is in it by then has come since."""
    path = tmp_path / "later.jsonl"
    look = TranscriptLook(lambda: path if path.exists() else None, ClaudeTally())
    assert look.look() == []
    path.write_text(answered("m1", 10) + answered("m1", 10) + answered("m2", 20))
    assert look.look() == [TranscriptGrew(), Spent(42)]


def test_answers_are_counted_once_each() -> None:
    """Claude Code repeats an answer's use with each of its parts; lines of other kinds count for nothing."""
    tally = ClaudeTally()
    told = [
        tally.take(line.encode()) for line in (answered("m1", 10), answered("m1", 10), '{"usage": 5}', "{")
    ]
    assert told == [Spent(16), None, None, None]
    assert tally.take(answered("m2", 1).encode()) == Spent(23)


@pytest.mark.parametrize("kind", ["pipe", "link", "directory", "nothing"])
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, kind: str) -> None:
    """The place is the agent's own: a pipe does not hang the supervisor, a link leads it nowhere."""
    path, other = tmp_path / "transcript", tmp_path / "other"
    other.write_text(counted(100))
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(other)
        case "directory":
            path.mkdir()
    assert TranscriptLook(lambda: path, CodexTally()).look() == []


def test_a_long_transcript_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One look reads so much and no more; an overlong line is passed over."""
    monkeypatch.setattr(transcript_look, "MOST_BYTES", 1000)
    monkeypatch.setattr(transcript_look, "LONGEST_LINE", 2000)
    path = tmp_path / "rollout.jsonl"
    path.write_text("x" * 5000 + "\n" + counted(77))
    look = TranscriptLook(lambda: path, CodexTally())
    told = [fact for _ in range(7) for fact in look.look()]
    assert told == [Spent(77)]
