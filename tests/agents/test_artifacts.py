"""Artifacts are taken from the workspace and from nowhere else, whatever the agent tries."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.agents.artifacts import ArtifactRefused, files_in, gather, open_inside

LIMIT = 1000


@pytest.fixture
def work(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    (tmp_path / "secret").write_text("not yours")
    return directory


def test_what_was_handed_in_is_gathered(work: Path) -> None:
    """The summary, and for each entry its files: one of a file, all of a directory, none of a URL."""
    (work / "site/css").mkdir(parents=True)
    for name in ("site/index.html", "site/css/a.css", "report.md"):
        (work / name).write_text("x" * 10)
    entries = [
        {"kind": "page", "path": "site", "primary": True},
        {"kind": "report", "path": "./report.md"},
        {"kind": "link", "url": "https://example.org/"},
    ]
    hand_in(work, {"summary": "done", "artifacts": entries})
    gathered = gather(work, LIMIT)
    assert (gathered.summary, gathered.declared) == ("done", True)
    assert [artifact.entry for artifact in gathered.artifacts] == entries
    names = [[(file.name, file.path, file.size) for file in item.files] for item in gathered.artifacts]
    assert names == [
        [("css/a.css", "site/css/a.css", 10), ("index.html", "site/index.html", 10)],
        [("report.md", "report.md", 10)],
        [],
    ]
    with open_inside(work, "site/css/a.css", LIMIT) as file:
        assert file.read() == b"x" * 10


def test_an_absolute_path_in_the_workspace_is_taken(work: Path) -> None:
    """An agent may name its file by the full path that it sees."""
    (work / "a.md").write_text("x")
    hand_in(work, [{"kind": "report", "path": str(work / "a.md")}])
    assert gather(work, LIMIT).artifacts[0].files[0].path == "a.md"


def test_without_a_manifest_the_files_can_be_listed(work: Path) -> None:
    """No artifacts.json is no error; what lies there is listed, inputs and hidden names left out."""
    for name in ("prompt.md", "job.json", "payload.json", ".cache", "result.txt"):
        (work / name).write_text("x")
    (work / ".git").mkdir()
    (work / "out").mkdir()
    (work / "out/.hidden").write_text("x")
    assert not gather(work, LIMIT).declared
    assert [file.path for file in files_in(work, LIMIT)] == ["out/.hidden", "result.txt"]


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "a/../../secret", "..", "", ".", "/", "sub/../../../etc/passwd"]
)
def test_a_path_that_leaves_the_workspace_is_refused(work: Path, path: str) -> None:
    """`..` and absolute paths elsewhere are named and refused."""
    assert refusal(work, path) == "leaves_workspace"


@pytest.mark.parametrize("path", ["nul\0byte", "\ud800"])
def test_a_path_that_is_no_text_is_refused(work: Path, path: str) -> None:
    """A NUL or half a character in a path is an answer, not a crash."""
    assert refusal(work, path) == "bad_name"


def test_symbolic_links_are_refused_at_every_place(work: Path) -> None:
    """A link as the file, as a directory on the way, within a handed-in directory, or as the manifest."""
    (work / "link").symlink_to(work.parent / "secret")
    (work / "up").symlink_to(work.parent)
    (work / "loop").symlink_to("loop")
    (work / "site").mkdir()
    (work / "site/page").symlink_to("/etc/passwd")
    for path in ("link", "up", "up/secret", "loop", "site", "site/page"):
        assert refusal(work, path) == "symbolic_link", path
    (work / "artifacts.json").unlink()
    (work / "artifacts.json").symlink_to(work.parent / "secret")
    with pytest.raises(ArtifactRefused, match="symbolic link"):
        gather(work, LIMIT)


def test_a_workspace_that_became_a_link_is_refused(work: Path) -> None:
    """The workspace itself is not followed elsewhere."""
    work.rmdir()
    work.symlink_to("/etc")
    with pytest.raises(ArtifactRefused) as refused:
        open_inside(work, "passwd", 10_000_000)
    assert refused.value.problem == "leaves_workspace"


def test_a_hard_link_is_refused(work: Path) -> None:
    """A second name of a file outside is not taken for the agent's own."""
    (work / "copy").hardlink_to(work.parent / "secret")
    assert refusal(work, "copy") == "hard_link"


def test_pipes_sockets_and_devices_are_refused_without_waiting(work: Path) -> None:
    """A FIFO that nobody writes to does not hold up the supervisor; neither does a device or a socket."""
    os.mkfifo(work / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(work / "socket"))
        assert refusal(work, "pipe") == "not_a_file"
        assert refusal(work, "socket") == "not_a_file"
    if os.geteuid() == 0:
        os.mknod(work / "zero", 0o020666, os.makedev(1, 5))
        assert refusal(work, "zero") == "not_a_file"


def test_sizes_and_depth_are_bounded(work: Path) -> None:
    """A file over the limit, and a tree without end, are refused by name."""
    (work / "big").write_bytes(b"x" * (LIMIT + 1))
    assert refusal(work, "big") == "too_large"
    deep = work / "deep"
    deep.joinpath(*["d"] * 60).mkdir(parents=True)
    assert refusal(work, "deep") == "too_many"


def test_what_is_not_there_is_named(work: Path) -> None:
    """A missing file, an empty directory, and a file used as a directory."""
    (work / "empty").mkdir()
    (work / "file").write_text("x")
    assert refusal(work, "none.md") == "missing"
    assert refusal(work, "none/none.md") == "missing"
    assert refusal(work, "empty") == "missing"
    assert refusal(work, "file/inner") == "not_a_file"


MALFORMED = ["", "{", "5", '"x"', '{"artifacts": 5}', '{"artifacts": [5]}', '{"summary": 5}', '[{"path": 5}]']


@pytest.mark.parametrize("text", [*MALFORMED, "[" * 9999, "\xff"])
def test_a_malformed_manifest_is_refused(work: Path, text: str) -> None:
    """Whatever artifacts.json holds, the answer is a clear refusal."""
    (work / "artifacts.json").write_text(text, encoding="latin-1")
    with pytest.raises(ArtifactRefused) as refused:
        gather(work, LIMIT)
    assert refused.value.problem == "malformed"


def hand_in(work: Path, document: Any) -> None:
    (work / "artifacts.json").write_text(json.dumps(document))


def refusal(work: Path, path: str) -> str:
    """Give the problem that an artifact of this path is refused for."""
    hand_in(work, [{"kind": "report", "path": path}])
    with pytest.raises(ArtifactRefused) as refused:
        gather(work, LIMIT)
    assert refused.value.details["failed"][0]["check"] == refused.value.problem
    return refused.value.problem
