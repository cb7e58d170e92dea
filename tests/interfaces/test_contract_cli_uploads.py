"""Uploads of the contract CLI: which files are sent under which names, and which are refused."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from interfaces.contract_program import Program
from interfaces.contract_server import JOB, ContractServer, answer, error
from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.contract.multipart import body_of
from watchkeeper.interfaces.cli.contract.uploads import collect


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "site"
    (folder / "css").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>hello</h1>")
    (folder / "css" / "看板.css").write_text("h1 {}")
    (folder / 'a "quoted" \\ name.txt').write_bytes(b"\r\n--boundary--\r\n")
    return folder


def test_directories_are_sent_with_their_names(
    program: Program, contract: ContractServer, site: Path
) -> None:
    """A directory is walked; its files keep their names within it, and every byte arrives."""
    program.claim()
    (site.parent / "big.bin").write_bytes(os.urandom(3_000_000))
    outcome = program.run("upload-files", JOB, str(site), str(site.parent / "big.bin"))
    assert outcome.exit_code == 0
    files = contract.last("files").files
    assert list(files) == ['a "quoted" \\ name.txt', "css/看板.css", "index.html", "big.bin"]
    assert files['a "quoted" \\ name.txt'] == b"\r\n--boundary--\r\n"
    assert files["big.bin"] == (site.parent / "big.bin").read_bytes()
    assert contract.last("files").lease == "1.first-secret"


def test_a_skipped_upload_is_told(program: Program, contract: ContractServer, tmp_path: Path) -> None:
    """A skipped upload is told with its reason, and a refused one with the refusal."""
    (tmp_path / "a.bin").write_bytes(b"x" * 100)
    contract.troubles["files"].append(
        answer(200, {"ok": True, "artifacts": [], "skipped": {"reason": "no deliverable id"}})
    )
    assert program.run("upload-files", JOB, "a.bin").answer["skipped"] == {"reason": "no deliverable id"}
    contract.troubles["files"].append(error(409, "stale_lease"))
    assert program.run("upload-files", JOB, "a.bin").error["code"] == "stale_lease"


def refusal(paths: list[Path], workspace: Path | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        collect([str(path) for path in paths], workspace)
    return caught.value.message


def test_paths_that_leave_the_workspace_are_refused(site: Path, tmp_path: Path) -> None:
    """A path outside the workspace is refused by name: plainly, by .., by a link, and by a link in a
    directory.
    """
    work = site.parent
    secret = tmp_path / "secret"
    secret.write_text("key")
    (work / "link").symlink_to(secret)
    for path in (secret, work / ".." / "secret", work / "link"):
        message = refusal([path], work)
        assert "outside the workspace" in message
        assert repr(str(path)) in message
    (site / "link").symlink_to(secret)
    assert str(site / "link") in refusal([site], work)
    assert "outside the workspace" in refusal([tmp_path], work)


def test_links_out_of_a_directory_are_refused(site: Path) -> None:
    """A link that leads out of the directory that was named is refused also without a workspace."""
    (site.parent / "other.txt").write_text("x")
    (site / "css" / "link.txt").symlink_to("../../other.txt")
    assert "leads out of" in refusal([site])


def test_a_link_that_is_named_itself_may_not_lead_away(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a workspace a link is followed within the current directory only, whichever part of a path it is."""
    monkeypatch.chdir(site)
    (site.parent / "other").mkdir()
    (site.parent / "other" / "key").write_text("x")
    (site / "away").symlink_to("../other/key")
    (site / "aside").symlink_to("../other")
    (site / "near").symlink_to("index.html")
    for path in (Path("away"), site / "away", Path("aside/key"), Path("aside")):
        message = refusal([path])
        assert "leads out of the current directory" in message
        assert repr(str(path)) in message
    assert [file.name for file in collect(["near"], None)] == ["near"]
    assert [file.name for file in collect(["../other/key"], None)] == ["key"]


def test_a_file_that_has_content_but_no_size_is_refused(site: Path) -> None:
    """A file of /proc is not stored as an empty one; an empty file is sent as what it is."""
    assert "made by the kernel" in refusal([Path("/proc/self/status")])
    (site / "empty.txt").touch()
    assert [file.size for file in collect([str(site / "empty.txt")], None)] == [0]


def test_links_within_a_directory_are_followed(site: Path) -> None:
    """A link to a neighbour is sent under its own name; one that leads in a circle is refused."""
    (site / "style").symlink_to("css")
    assert [file.name for file in collect([str(site)], site)][-2:] == ["index.html", "style/看板.css"]
    (site / "css" / "up").symlink_to("..")
    assert "leads back" in refusal([site])


def test_what_is_no_file_is_refused(site: Path) -> None:
    """Pipes, sockets, devices, broken links, empty directories and missing files are each told as what
    they are.
    """
    os.mkfifo(site.parent / "pipe")
    assert "is a pipe" in refusal([site.parent / "pipe"])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(site.parent / "s"))
        assert "is a socket" in refusal([site.parent / "s"])
    assert "is a device" in refusal([Path("/dev/null")])
    (site.parent / "broken").symlink_to("nothing")
    assert "No such file" in refusal([site.parent / "broken"])
    (site.parent / "empty").mkdir()
    assert "holds no files" in refusal([site.parent / "empty"])
    assert "No such file" in refusal([site.parent / "missing"])


def test_names_that_cannot_be_sent_are_refused(site: Path) -> None:
    """Two files of one name, a name with control characters or without an encoding: refused, not mangled."""
    (site.parent / "index.html").write_text("other")
    assert "two files would be named 'index.html'" in refusal([site, site.parent / "index.html"])
    (site / "two\nlines").write_text("x")
    assert "control characters" in refusal([site])
    (site / "two\nlines").unlink()
    Path(os.fsdecode(os.fsencode(site) + b"/\xff")).write_text("x")
    assert "not UTF-8" in refusal([site])


def test_a_file_that_changes_is_not_sent_as_another(site: Path) -> None:
    """A file that was exchanged or cut between the look and the sending is refused."""
    page = site / "index.html"
    body = body_of(collect([str(page)], None))
    assert sum(map(len, body.chunks())) == body.length
    page.write_text("shorter")
    with pytest.raises(UsageError, match="changed"):
        list(body.chunks())


def test_an_upload_from_outside_sends_nothing(
    program: Program, contract: ContractServer, tmp_path: Path
) -> None:
    """The command refuses a path that leaves WATCHKEEPER_WORKSPACE before anything is sent."""
    (tmp_path / "work").mkdir()
    outcome = program.run("upload-files", JOB, "/etc/hostname", WATCHKEEPER_WORKSPACE=str(tmp_path / "work"))
    assert (outcome.exit_code, outcome.error["code"]) == (2, "usage")
    assert "/etc/hostname" in outcome.error["message"]
    assert contract.seen == []


def test_complete_uploads_what_it_names_by_path(
    program: Program, contract: ContractServer, site: Path
) -> None:
    """Artifacts given by path are uploaded first and named by their ids; the rest of an entry stays as it
    was.
    """
    artifacts = [
        {"kind": "html_page", "path": str(site), "primary": True, "title": "Page"},
        {"kind": "markdown", "path": "notes.md"},
        {"kind": "report", "url": "https://example.org/r"},
    ]
    (program.home.parent / "notes.md").write_text("# notes")
    assert program.run("complete", JOB, "done", json.dumps({"artifacts": artifacts})).exit_code == 0
    assert contract.verbs() == ["files", "files", "complete"]
    assert contract.last("complete").json["artifacts"] == [
        {
            "kind": "html_page",
            "primary": True,
            "title": "Page",
            "files": ['a "quoted" \\ name.txt', "css/看板.css", "index.html"],
            "artifact_id": "art-index.html",
        },
        {"kind": "markdown", "artifact_id": "art-notes.md"},
        artifacts[2],
    ]


def test_complete_with_a_bad_path_sends_nothing(program: Program, contract: ContractServer) -> None:
    """An artifact whose file is missing is told before the job is ended."""
    outcome = program.run("complete", JOB, "done", '[{"kind": "html_page", "path": "missing.html"}]')
    assert (outcome.exit_code, outcome.error["code"]) == (2, "usage")
    assert "missing.html" in outcome.error["message"]
    assert contract.seen == []


def test_complete_whose_files_are_not_stored_is_rejected(program: Program, contract: ContractServer) -> None:
    """Where the store skipped a file the job is not completed without it."""
    (program.home.parent / "a.html").write_text("x")
    contract.troubles["files"].append(
        answer(200, {"ok": True, "artifacts": [], "skipped": {"reason": "no place"}})
    )
    outcome = program.run("complete", JOB, "done", '[{"kind": "html_page", "path": "a.html"}]')
    assert (outcome.exit_code, outcome.error["code"]) == (3, "contract_rejected")
    assert "no place" in outcome.error["message"]
    assert contract.verbs() == ["files"]
