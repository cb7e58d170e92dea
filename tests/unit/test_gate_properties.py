"""Whatever is handed in, the gate passes only what has evidence."""

import hashlib
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.domain.artifacts import OPENABLE, ArtifactKind, ClaimedArtifact, guess_kind
from watchkeeper.domain.contents import look_at
from watchkeeper.domain.contracts import Publish, ResultContract
from watchkeeper.domain.evidence import CONTRACT_CHECKS, FailedCheck, FileFindings, ForeignFindings, GateCheck
from watchkeeper.domain.gate import judge, wanted_addresses

Case = tuple[ResultContract, list[ClaimedArtifact], list[FileFindings]]

NAMES = ["index.html", "b.html", "notes.md", "d.csv", "p.png", "tool.py", "run.log"]
TEXTS = [
    "",
    " ",
    "<h1>ok</h1>",
    "# ok",
    "<p>pending publish</p>",
    "<!-- pending publish --><b>ok</b>",
    "<div></div>",
    None,
]
kinds = st.sampled_from(list(ArtifactKind))


DATA = {text: (text if text is not None else "\0").encode() for text in TEXTS}
TEXT_OF = {hashlib.sha256(data).hexdigest(): text for text, data in DATA.items()}
UNREAD = [FailedCheck(check, "it was so") for check in (GateCheck.FILE_UNREADABLE, GateCheck.TIMEOUT)]
GONE = FailedCheck(GateCheck.MISSING_FILE, "it was not there")


def found(name: str, text: str | None, **facts: Any) -> FileFindings:
    data = DATA[text]
    sha256 = hashlib.sha256(data).hexdigest()
    given = {"kind": guess_kind(name), "bytes": len(data), "sha256": sha256, "sha256_now": sha256}
    return FileFindings(**{"name": name, "content": look_at(name, None, text), **given, **facts})


@st.composite
def stored_files(draw: st.DrawFn, *, is_whole: bool = False) -> FileFindings:
    name, text = draw(st.sampled_from(NAMES)), draw(st.sampled_from(TEXTS))
    if is_whole:
        name, text = (
            draw(st.sampled_from(["index.html", *NAMES])),
            draw(st.sampled_from(["<h1>ok</h1>", "# ok", *TEXTS])),
        )
    file = found(name, text, artifact_id=draw(st.sampled_from("abcdefgh")))
    file = replace(file, kind=draw(st.just(file.kind) | kinds))
    if is_whole:
        return file
    now = draw(st.sampled_from([file.sha256, file.sha256, None, "0" * 64]))
    return replace(file, sha256_now=now, problem=draw(st.none() | st.sampled_from(UNREAD)))


good_claims = st.builds(
    ClaimedArtifact,
    kind=st.sampled_from([ArtifactKind.HTML_PAGE, ArtifactKind.DASHBOARD]),
    path=st.sampled_from(["index.html", "index.html", "b.html"]),
)
page_claims = st.builds(
    ClaimedArtifact,
    kind=st.sampled_from([ArtifactKind.HTML_PAGE, ArtifactKind.DASHBOARD, ArtifactKind.TOOL]),
    path=st.sampled_from(["index.html", *NAMES]),
    primary=st.booleans(),
)
id_claims = st.builds(
    ClaimedArtifact, kind=kinds, artifact_id=st.sampled_from("abcdefghx"), primary=st.booleans()
)
addresses = st.sampled_from(["https://example.org", "pls_file://x"])
claims = (
    page_claims | id_claims | st.builds(ClaimedArtifact, kind=kinds, url=addresses, primary=st.booleans())
)
contracts = st.builds(
    ResultContract,
    required_kinds=st.lists(kinds, max_size=2, unique=True).map(tuple),
    primary_kinds=st.sampled_from([OPENABLE, OPENABLE, None, frozenset({ArtifactKind.REPORT})]),
    min_bytes=st.sampled_from([1, 1, 8]),
    expected_files=st.none() | st.integers(1, 4) | st.sampled_from([("*.html",), ("*.html", "d.csv")]),
    publish=st.sampled_from([Publish.ANY, Publish.STORE, Publish.EXTERNAL]),
)
easy_contracts = st.builds(
    ResultContract,
    required_kinds=st.sampled_from([(), (), (ArtifactKind.MARKDOWN,), (ArtifactKind.DATA,)]),
    primary_kinds=st.sampled_from([OPENABLE, None]),
    min_bytes=st.sampled_from([1, 8]),
    expected_files=st.sampled_from([None, None, 1, 2, ("*.html",)]),
)
manifests = st.lists(stored_files(), max_size=4)
GOOD_PAGE = found("index.html", "<h1>ok</h1>", artifact_id="x")
whole_files = st.lists(stored_files(is_whole=True), max_size=3, unique_by=lambda file: file.artifact_id)
whole_manifests = whole_files.map(lambda files: [GOOD_PAGE, *files])
cases = st.tuples(contracts, st.lists(claims, max_size=3), manifests) | st.tuples(
    easy_contracts, st.lists(good_claims, min_size=1, max_size=1), whole_manifests
)


@given(cases)
@settings(max_examples=300, deadline=None)
def test_nothing_passes_without_its_evidence(
    case: Case,
) -> None:
    """A pass means: a primary of the right kind that opens and shows something, whole files, no gap."""
    contract, claimed, manifest = case
    verdict = judge(contract, claimed, manifest)
    if not verdict.passed:
        return
    primary, file = verdict.primary, verdict.primary_file
    assert primary is not None
    assert file is not None
    assert primary.kind is not ArtifactKind.PLS_FILE
    assert file in manifest
    assert file.bytes >= contract.min_bytes
    text = TEXT_OF[file.sha256 or ""]
    assert text is None or (text.strip() and "<p>pending publish</p>" not in text)
    assert text != "<div></div>" or not file.name.endswith(".html")
    if contract.primary_kinds == OPENABLE:
        assert not file.name.endswith((".md", ".csv", ".png", ".log"))
    if contract.primary_kinds is not None:
        assert primary.kind in contract.primary_kinds | {ArtifactKind.SHARED_CLOUD}
    assert contract.publish is not Publish.EXTERNAL
    assert all(one.problem is None and one.sha256_now == one.sha256 for one in verdict.files)
    latest = {one.name for one in manifest}
    if isinstance(contract.expected_files, int):
        assert len(latest) >= contract.expected_files
    for glob in contract.expected_files if isinstance(contract.expected_files, tuple) else ():
        assert any(fnmatchcase(name, glob) for name in latest)
    for kind in contract.required_kinds:
        assert any(artifact.kind is kind for artifact in claimed) or any(
            one.kind is kind
            or guess_kind(one.name) is kind
            or one.name == "notes.md"
            or TEXT_OF[one.sha256 or ""] == "# ok"
            for one in manifest
        )


@given(cases, st.data())
@settings(max_examples=150, deadline=None)
def test_a_file_less_never_mends_a_missing_file(case: Case, data: st.DataObject) -> None:
    """Taking a file away never makes the files complete."""
    contract, claimed, manifest = case
    before = judge(contract, claimed, manifest)
    fewer = list(manifest)
    if fewer:
        fewer.pop(data.draw(st.integers(0, len(fewer) - 1)))
    after = judge(contract, claimed, fewer)
    expected = {
        one.detail for one in before.failed if one.check is GateCheck.MISSING_FILE and "match" in one.detail
    }
    assert expected <= {one.detail for one in after.failed}
    if any("of" in one.detail and "expected files" in one.detail for one in before.failed):
        assert any("expected files" in one.detail for one in after.failed)
    if before.failed and not before.passed and GateCheck.MISSING_FILE in {one.check for one in before.failed}:
        assert GateCheck.MISSING_FILE in {one.check for one in after.failed}


@given(cases)
@settings(max_examples=150, deadline=None)
def test_a_verdict_is_a_function_of_its_facts(
    case: Case,
) -> None:
    """The same facts give the same verdict; each failure has words and stands in its class."""
    contract, claimed, manifest = case
    verdict = judge(contract, claimed, manifest)
    assert verdict == judge(contract, claimed, manifest)
    assert all(one.detail for one in verdict.all_failed)
    assert all(one.check in CONTRACT_CHECKS for one in verdict.rejected)
    assert not any(one.check in CONTRACT_CHECKS for one in verdict.failed)
    assert len(set(verdict.all_failed)) == len(verdict.all_failed)


ADDRESS = "https://example.org/d/"
foreign_names = st.lists(st.sampled_from(NAMES), max_size=3, unique=True)


@st.composite
def fetched_files(draw: st.DrawFn, name: str, *, is_whole: bool) -> FileFindings:
    text = draw(st.just("<h1>ok</h1>") if is_whole and draw(st.booleans()) else st.sampled_from(TEXTS))
    media_type = draw(st.sampled_from(["text/html", "text/html", "text/plain", "application/octet-stream"]))
    content = look_at(name, media_type, text, is_served=True)
    file = found(name, text, content=content, url=ADDRESS + name)
    problem = None if is_whole else draw(st.none() | st.sampled_from([GONE, *UNREAD]))
    return replace(file, problem=problem, sha256=None, sha256_now=None, bytes=0) if problem else file


@st.composite
def foreign_cases(
    draw: st.DrawFn,
) -> tuple[ResultContract, ClaimedArtifact, ForeignFindings | None, dict[str, str]]:
    is_whole = draw(st.booleans())
    kind = draw(st.just(ArtifactKind.DASHBOARD) if is_whole else kinds)
    primary = ClaimedArtifact(kind=kind, url=ADDRESS, primary=draw(st.booleans()))
    names = draw(foreign_names) or (["index.html"] if is_whole else [])
    listed = [draw(fetched_files(name, is_whole=is_whole)) for name in names]
    page = draw(fetched_files("index", is_whole=is_whole))
    opened = draw(st.sampled_from([page, *listed]))
    findings = ForeignFindings(opened, draw(st.none() | st.just(tuple(listed))), 200)
    hashes = st.sampled_from([*(file.sha256 or "1" * 64 for file in findings.files), "0" * 64])
    urls = st.sampled_from([*(file.url or "" for file in findings.files), ADDRESS + "gone"])
    before = draw(st.just({}) | st.dictionaries(urls, hashes, max_size=1))
    if is_whole:
        return draw(easy_contracts), primary, findings, before
    return draw(contracts), primary, draw(st.just(findings) | st.none()), before


@given(foreign_cases())
@settings(max_examples=250, deadline=None)
def test_no_foreign_address_passes_without_its_evidence(
    case: tuple[ResultContract, ClaimedArtifact, ForeignFindings | None, dict[str, str]],
) -> None:
    """A pass means: it opened as a page that shows something, every file of its list was read, none was swapped."""
    contract, primary, findings, before = case
    verdict = judge(contract, [primary], [], {primary: findings} if findings else {}, before)
    if not verdict.passed:
        assert all(one.detail for one in verdict.all_failed)
        return
    assert findings is not None
    assert primary in wanted_addresses(contract, [primary])
    assert contract.publish is not Publish.STORE
    assert findings.listed
    assert set(findings.files) <= set(verdict.files)
    assert all(file.problem is None and file.sha256_now for file in findings.files)
    text = TEXT_OF[findings.opened.sha256 or ""]
    assert text is None or (text.strip() and "<p>pending" not in text)
    if contract.primary_kinds == OPENABLE and primary.kind is ArtifactKind.DASHBOARD:
        assert findings.opened.content.kind is ArtifactKind.HTML_PAGE
        assert text not in (None, "# ok")
    if isinstance(contract.expected_files, int):
        assert len(findings.listed) >= contract.expected_files
    now = {file.url: file.sha256_now for file in findings.files}
    assert all(now.get(url) == sha256 for url, sha256 in before.items())


@given(foreign_cases())
@settings(max_examples=150, deadline=None)
def test_whatever_is_wrong_at_an_address_is_named(
    case: tuple[ResultContract, ClaimedArtifact, ForeignFindings | None, dict[str, str]],
) -> None:
    """Each file that could not be read, each that was swapped, and a list that could not be had, fail by name."""
    contract, primary, findings, before = case
    verdict = judge(contract, [primary], [], {primary: findings} if findings else {}, before)
    checks = {one.check for one in verdict.all_failed}
    if findings is None:
        assert primary.is_local_only or GateCheck.REFUSED_ADDRESS in checks
        return
    if primary.is_local_only:
        assert GateCheck.LOCAL_ONLY in checks
        return
    assert {file.problem for file in findings.files if file.problem} <= set(verdict.failed)
    if findings.opened.problem is None:
        assert (findings.listed is None) == (GateCheck.NO_FILE_LIST in checks)
        assert (findings.listed == ()) == (GateCheck.EMPTY_FILE_LIST in checks)
    now = {file.url: file.sha256_now for file in findings.files}
    if any(url not in now or now[url] not in (None, sha256) for url, sha256 in before.items()):
        assert GateCheck.CHANGED_SINCE_CHECK in checks
