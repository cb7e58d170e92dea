"""An agent's output as it is kept for the record: redacted, bounded, and the latest at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.agents.session import Session
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.runs import told_by_supervisor
from watchkeeper.services.supervision.output_watch import BACKLOG_BYTES, KEPT_CHARS, TAIL_CHARS, OutputWatch

SECRET = "correct-horse-battery"


@pytest.fixture
def watch(tmp_path: Path) -> OutputWatch:
    (tmp_path / "session").mkdir()
    return OutputWatch(Session.adopt(tmp_path / "session"), tmp_path, Redactor([SECRET]))


def test_secrets_are_taken_out_wherever_they_are_cut(tmp_path: Path, watch: OutputWatch) -> None:
    """A known secret shows neither in the copy nor in the tail, even when it came in two writes; the server is told."""
    assert watch.taken_out == {}
    stdout = tmp_path / "session/stdout"
    stdout.write_text(f"begin {SECRET[:7]}")
    watch.look()
    with stdout.open("a") as file:
        file.write(f"{SECRET[7:]} end\nlast")
    watch.look()
    watch.finish()
    assert watch.tail("stdout") == "begin [redacted:known] end\nlast"
    assert (tmp_path / "stdout.redacted").read_text() == "begin [redacted:known] end\nlast"
    assert told_by_supervisor(watch.taken_out) == ["known"]
    assert (tmp_path / "stdout.redacted").stat().st_mode & 0o777 == 0o600


def test_a_copy_ends_where_it_is_full(tmp_path: Path, watch: OutputWatch) -> None:
    """The line that crosses the bound is cut at what is left of it, not kept whole."""
    (tmp_path / "session/stdout").write_text(("x" * (KEPT_CHARS * 3 // 4) + "\n") * 3)
    watch.finish()
    kept = (tmp_path / "stdout.redacted").read_text()
    assert kept[KEPT_CHARS:] == "\n[the rest is left out here]\n"


def test_endless_output_is_bounded_and_its_end_kept(tmp_path: Path, watch: OutputWatch) -> None:
    """Of more than can be read at once the middle is skipped; copy and tail stay small, the last line is there."""
    line = "tick " * 20 + "\n"
    text = line * (2 * BACKLOG_BYTES // len(line)) + "the end\n"
    (tmp_path / "session/stderr").write_text(text)
    watch.look()
    watch.finish()
    tail = watch.tail("stderr")
    assert tail.endswith("the end")
    assert tail.startswith("tick")
    assert len(tail) <= TAIL_CHARS
    kept = (tmp_path / "stderr.redacted").read_text()
    assert len(kept) < KEPT_CHARS + 4 * 1024 * 1024
    assert "bytes skipped" in kept
