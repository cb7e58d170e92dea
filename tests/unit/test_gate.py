"""Nothing turns green without evidence, and whatever is wrong is named."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from watchkeeper.domain.artifacts import ArtifactKind, ClaimedArtifact, guess_kind
from watchkeeper.domain.contents import look_at
from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.evidence import FailedCheck, FileFindings, GateCheck, GateVerdict
from watchkeeper.domain.gate import claims_of, judge

Case = tuple[dict[str, Any], list[ClaimedArtifact], list[FileFindings] | None, list[str], list[str]]

PAGE = "<!doctype html><title>Report</title><h1>All is well</h1>"


LOST = FailedCheck(GateCheck.FILE_UNREADABLE, "it cannot be read")
LATE = FailedCheck(GateCheck.TIMEOUT, "it could not be read in time")


def stored(name: str, text: str | None = PAGE, *, is_cut: bool = False, **more: Any) -> FileFindings:
    data = b"\0binary" if text is None else text.encode()
    sha256 = hashlib.sha256(data).hexdigest()
    facts = {"bytes": len(data), "sha256": sha256, "sha256_now": sha256, "kind": guess_kind(name)}
    content = look_at(name, None, text, is_cut=is_cut)
    return FileFindings(**{"artifact_id": f"id-{name}", "name": name, "content": content, **facts, **more})


def page(text: str | None = PAGE, **more: Any) -> FileFindings:
    return stored("index.html", text, **more)


def claim(kind: str, place: str, **more: Any) -> ClaimedArtifact:
    return ClaimedArtifact.parse({"kind": kind, ("url" if ":" in place else "path"): place, **more})


def gate(
    contract: dict[str, Any], claimed: list[ClaimedArtifact], files: list[FileFindings] | None
) -> GateVerdict:
    return judge(ResultContract.parse(contract), claimed, files)


def names(verdict: GateVerdict) -> list[str]:
    return [failed.check.value for failed in verdict.all_failed]


GOOD = [claim("html_page", "index.html")]


def test_a_page_in_the_store_passes() -> None:
    """A page that opens, shows something and is what was uploaded completes the job."""
    verdict = gate({}, GOOD, [page(), stored("notes.md", "# Notes")])
    assert verdict.passed
    assert verdict.outcome == "passed"
    assert verdict.http_status == 200
    assert [file["name"] for file in verdict.files_json()] == ["index.html", "notes.md"]


CASES: dict[str, Case] = {
    "nothing at all": ({}, [], [], ["no_primary"], ["empty_file_list"]),
    "nothing named": ({}, [], [stored("a.html")], ["no_primary"], []),
    "no list": ({}, GOOD, None, [], ["no_file_list", "missing_file"]),
    "nothing uploaded": ({}, GOOD, [], [], ["empty_file_list", "missing_file"]),
    "unknown id": ({}, [claim("app", "artifact:x")], [stored("a.html")], [], ["http_status"]),
    "empty page": ({}, GOOD, [page("")], [], ["empty_body"]),
    "blank page": ({}, GOOD, [page(" \n\t")], [], ["empty_body"]),
    "hollow page": ({}, GOOD, [page("<html><body></body>")], [], ["empty_body"]),
    "bytes as a page": ({}, GOOD, [page(None)], [], ["file_unreadable"]),
    "lost file": ({}, GOOD, [page(problem=LOST)], [], ["file_unreadable"]),
    "unread file": ({}, GOOD, [page(sha256_now=None)], [], ["file_unreadable"]),
    "slow file": ({}, GOOD, [page(problem=LATE)], [], ["timeout"]),
    "changed": ({}, GOOD, [page(sha256_now="0" * 64)], [], ["changed_since_check"]),
    "endless text": ({}, GOOD, [page(is_cut=True)], [], ["too_large"]),
    "marker": ({}, GOOD, [page("<p>pending publish")], [], ["pending_marker"]),
    "hidden marker": ({}, GOOD, [page("<!--pending publish-->ok")], [], []),
    "marker beside": ({}, GOOD, [page(), stored("n.md", "local-only")], [], ["pending_marker"]),
    "marker in a log": ({}, GOOD, [page(), stored("run.log", "local-only")], [], []),
    "other lost": ({}, GOOD, [page(), stored("a.csv", "1", problem=LOST)], [], ["file_unreadable"]),
    "lone Markdown": ({}, [claim("md", "n.md")], [stored("n.md", "# N")], ["markdown_only"], []),
    "only Markdown": (
        {},
        [claim("md", "n.md"), claim("runbook", "r.md")],
        [stored("n.md", "# N"), stored("r.md", "# R")],
        ["no_primary", "markdown_only"],
        [],
    ),
    "Markdown relabelled": ({}, [claim("dashboard", "n.md")], [stored("n.md", "# N")], ["markdown_only"], []),
    "Markdown renamed": ({}, GOOD, [page("# Notes\n\ndone")], ["markdown_only"], []),
    "data relabelled": ({}, [claim("dashboard", "d.csv")], [stored("d.csv", "1")], ["no_primary"], []),
    "not openable": ({}, [claim("report", "r.pdf")], [stored("r.pdf", None)], ["no_primary"], []),
    "two that could be": (
        {},
        [claim("html", "a.html"), claim("html", "b.html")],
        [stored("a.html"), stored("b.html")],
        ["no_primary"],
        [],
    ),
    "local primary": (
        {},
        [claim("pls_file", "pls_file://x", primary=True)],
        [stored("a.html")],
        ["local_only"],
        [],
    ),
    "local, relabelled": ({}, [claim("dashboard", "pls_file://x")], [stored("a.html")], ["local_only"], []),
    "local, any": ({"primary": "any"}, [claim("pls_file", "x.html")], [stored("x.html")], ["local_only"], []),
    "foreign primary": ({}, [claim("dashboard", "https://example.org/d")], [], [], ["refused_address"]),
    "no web address": ({}, [claim("dashboard", "javascript:x")], [], [], ["refused_address"]),
    "wants external": ({"publish": "external"}, GOOD, [page()], ["no_primary"], []),
    "foreign beside": ({}, [*GOOD, claim("report", "https://example.org/r")], [page()], [], []),
    "required but foreign": (
        {"required_kinds": ["report"]},
        [*GOOD, claim("report", "https://example.org/r")],
        [page()],
        [],
        ["refused_address"],
    ),
    "missing kind": ({"required_kinds": ["md"]}, GOOD, [page()], ["missing_kind"], []),
    "kind uploaded": ({"required_kinds": ["md"]}, GOOD, [page(), stored("n.md", "N")], [], []),
    "empty kind": ({"required_kinds": ["data"]}, GOOD, [page(), stored("d.csv", "")], [], ["empty_body"]),
    "kind relabelled": (
        {"required_kinds": ["dashboard"]},
        [*GOOD, claim("dashboard", "d.csv")],
        [page(), stored("d.csv", "1")],
        ["missing_kind"],
        [],
    ),
    "too few files": ({"expected_files": 2}, GOOD, [page()], [], ["missing_file"]),
    "no match": ({"expected_files": ["*.html", "d/*.csv"]}, GOOD, [page()], [], ["missing_file"]),
    "listed, not there": (
        {},
        [claim("html", "index.html", files=["index.html", "b.js"])],
        [page()],
        [],
        ["missing_file"],
    ),
    "named, not there": ({}, [*GOOD, claim("data", "d.csv")], [page()], [], ["missing_file"]),
    "named, empty": ({}, [*GOOD, claim("data", "d.csv")], [page(), stored("d.csv", "")], [], ["empty_body"]),
    "too small": ({"primary": {"min_bytes": 1000}}, GOOD, [page()], [], ["empty_body"]),
    "other kind": ({"primary": {"kinds": ["dashboard"]}}, GOOD, [page()], ["no_primary"], []),
    "wants Markdown": (
        {"primary": {"kinds": ["md"]}},
        [claim("md", "n.md")],
        [stored("n.md", "# N")],
        [],
        [],
    ),
    "any primary": ({"primary": "any"}, [claim("md", "n.md")], [stored("n.md", "# N")], [], []),
    "any, empty": ({"primary": "any"}, [claim("md", "n.md")], [stored("n.md", "")], [], ["empty_body"]),
    "shared page": ({}, [claim("gist", "index.html")], [page()], [], []),
    "shared Markdown": ({}, [claim("gist", "n.md")], [stored("n.md", "N")], ["markdown_only"], []),
    "shared data": ({}, [claim("gist", "d.csv")], [stored("d.csv", "1")], ["no_primary"], []),
    "a tool": ({}, [claim("tool", "t.py")], [stored("t.py", "print(1)")], [], []),
    "an app": ({}, [claim("app", "a.html")], [stored("a.html", "<script src=a.js></script>")], [], []),
    "a log as a tool": ({}, [claim("tool", "t.log")], [stored("t.log", "x")], ["no_primary"], []),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_wrong_is_named(case: Case) -> None:
    """Each shortcoming fails by its own name, in its own class, and nothing else does."""
    contract, claimed, files, rejected, failed = case
    verdict = gate(contract, claimed, files)
    assert [one.check.value for one in verdict.rejected] == rejected
    assert [one.check.value for one in verdict.failed] == failed
    assert verdict.passed is (not rejected and not failed)


def test_every_failure_is_named_not_only_the_first() -> None:
    """An agent that gets several things wrong is told all of them at once."""
    verdict = gate(
        {"required_kinds": ["image"], "expected_files": 5},
        [claim("md", "n.md", primary=True)],
        [stored("n.md", "TODO: publish", sha256_now="0" * 64), stored("x.csv", "", problem=LOST)],
    )
    assert names(verdict) == [
        *("missing_kind", "markdown_only"),
        *("file_unreadable", "missing_file", "pending_marker", "changed_since_check"),
    ]
    assert verdict.outcome == "contract_rejected"
    assert all(failed.detail for failed in verdict.all_failed)


def test_the_last_upload_of_a_name_counts() -> None:
    """An agent that mends a file uploads it again; the older version is not held against it."""
    old = page("<p>pending publish", artifact_id="old")
    verdict = gate({}, GOOD, [old, page()])
    assert verdict.passed
    assert "pending_marker" in names(gate({}, [claim("html", "artifact:old")], [old, page()]))


def test_markers_are_data() -> None:
    """An operator's own list replaces the markers."""
    content = look_at("index.html", None, "<p>Entwurf", markers=["entwurf", ""])
    assert names(judge(ResultContract(), GOOD, [page("<p>Entwurf")])) == []
    assert names(judge(ResultContract(), GOOD, [page(content=content)])) == ["pending_marker"]


def test_stored_files_can_be_claimed_as_they_are() -> None:
    """`verify` without a list looks at what was uploaded."""
    files = [page(kind=ArtifactKind.DASHBOARD), stored("d.csv", "1")]
    verdict = judge(ResultContract(), claims_of(files), files)
    assert verdict.passed
    assert verdict.primary_file == files[0]


def test_the_hash_of_a_finding_tells_findings_apart() -> None:
    """Equal findings have equal hashes, different files or failures different ones."""
    first = gate({}, GOOD, [page()])
    assert first.output_hash == gate({}, GOOD, [page()]).output_hash
    assert first.output_hash != gate({"expected_files": 2}, GOOD, [page()]).output_hash
    changed = replace(page(), sha256="0" * 64)
    assert first.output_hash != gate({}, GOOD, [changed]).output_hash
