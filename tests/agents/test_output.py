"""Output is followed line by line from its file, whatever the lines are like."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from watchkeeper.agents.output import KEPT_BYTES, Follower


def test_lines_come_once_and_whole(tmp_path: Path) -> None:
    """Half a line waits for its other half; each line is given once."""
    path = tmp_path / "out"
    follower = Follower(path)
    assert follower.lines() == []
    path.write_bytes(b"one\ntw")
    assert [line.text for line in follower.lines()] == ["one"]
    with path.open("ab") as file:
        file.write(b"o\n\nend")
    assert [line.text for line in follower.lines()] == ["two", ""]
    last = follower.last()
    assert last is not None
    assert last.text == "end"
    assert last.end == path.stat().st_size


def test_a_new_follower_goes_on_where_the_last_stopped(tmp_path: Path) -> None:
    """The offset after a line is all that has to be kept to go on from there."""
    path = tmp_path / "out"
    path.write_bytes(b"a\nb\nc\npart")
    first, second, _ = Follower(path).lines()
    again = Follower(path, second.end)
    assert [line.text for line in again.lines()] == ["c"]
    assert first.end == second.start == 2
    assert again.offset == 6, "the unfinished line is read again by who comes next"


def test_a_line_over_the_bound_is_kept_by_head_tail_and_hash(tmp_path: Path) -> None:
    """A huge line costs bounded memory, and its hash and size are those of the whole."""
    path = tmp_path / "out"
    huge = b"H" * 100 + bytes(range(32, 127)) * 30_000 + b"T" * 100
    path.write_bytes(b"before\n" + huge + b"\nafter\n")
    follower = Follower(path, max_line=1_000_000)
    lines = []
    while found := follower.lines(max_bytes=300_000):
        lines += found
        if lines[-1].text == "after":
            break
    else:
        while not lines or lines[-1].text != "after":
            lines += follower.lines(max_bytes=300_000)
    assert [lines[0].text, lines[2].text] == ["before", "after"]
    line = lines[1]
    assert (line.size, line.sha256) == (len(huge), hashlib.sha256(huge).hexdigest())
    assert line.data.startswith(huge[:KEPT_BYTES])
    assert line.data.endswith(huge[-KEPT_BYTES:])
    assert len(line.data) < 3 * KEPT_BYTES
    assert line.end == lines[2].start


def test_a_line_just_at_the_bound_is_kept_whole(tmp_path: Path) -> None:
    """The bound itself still fits."""
    path = tmp_path / "out"
    path.write_bytes(b"x" * 1000 + b"\n" + b"y" * 1001 + b"\n")
    exact, over = Follower(path, max_line=1000).lines()
    assert exact.sha256 is None
    assert over.sha256 == hashlib.sha256(b"y" * 1001).hexdigest()
    assert over.data == b"y" * 1001 + b" [0 bytes left out] "


def test_bytes_that_are_no_text_are_shown_as_well_as_can_be(tmp_path: Path) -> None:
    """Invalid UTF-8 and NUL do not stop the follower."""
    path = tmp_path / "out"
    path.write_bytes(b"\xff\x00ok\n")
    assert [line.text for line in Follower(path).lines()] == ["\ufffd\x00ok"]


@pytest.mark.parametrize("later", [b"new\n", b"something else, and more than there was\n", b""])
def test_a_cut_file_is_followed_from_its_beginning(tmp_path: Path, later: bytes) -> None:
    """Append-only does not keep a writer from cutting its file: that is told, and what comes after it is seen."""
    path = tmp_path / "out"
    path.write_bytes(b"first\nsecond\nhalf")
    follower = Follower(path)
    assert [line.text for line in follower.lines()] == ["first", "second"]
    os.truncate(path, 0)
    with path.open("ab") as file:
        file.write(later)
    half, told, *more = follower.lines()
    assert half.text == "half"
    assert told.cut
    assert "17 bytes were read" in told.text
    assert [line.data + b"\n" for line in more] == [later][: bool(later)]
    assert not follower.is_cut()
    assert follower.lines() == []
