"""Whatever is handed in, the gate passes only what has evidence."""

import hashlib
from fnmatch import fnmatchcase

from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.domain.artifacts import OPENABLE, ArtifactKind, ClaimedArtifact, guess_kind
from watchkeeper.domain.contracts import Publish, ResultContract
from watchkeeper.domain.evidence import CONTRACT_CHECKS, GateCheck, StoredFile
from watchkeeper.domain.gate import judge

Case = tuple[ResultContract, list[ClaimedArtifact], list[StoredFile]]

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


@st.composite
def stored_files(draw: st.DrawFn, *, is_whole: bool = False) -> StoredFile:
    name, text = draw(st.sampled_from(NAMES)), draw(st.sampled_from(TEXTS))
    if is_whole:
        name, text = (
            draw(st.sampled_from(["index.html", *NAMES])),
            draw(st.sampled_from(["<h1>ok</h1>", "# ok", *TEXTS])),
        )
    data = (text if text is not None else "\0").encode()
    sha256 = hashlib.sha256(data).hexdigest()
    return StoredFile(
        artifact_id=draw(st.sampled_from("abcdefgh")),
        name=name,
        kind=draw(st.just(guess_kind(name)) | kinds),
        bytes=len(data),
        sha256=sha256,
        sha256_now=sha256 if is_whole else draw(st.sampled_from([sha256, sha256, None, "0" * 64])),
        text=text,
        readable=is_whole or draw(st.booleans()),
    )


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
GOOD_HASH = hashlib.sha256(b"<h1>ok</h1>").hexdigest()
GOOD_PAGE = StoredFile("x", "index.html", ArtifactKind.HTML_PAGE, 11, GOOD_HASH, GOOD_HASH, "<h1>ok</h1>")
whole_files = st.lists(stored_files(is_whole=True), max_size=3, unique_by=lambda file: file.artifact_id)
whole_manifests = whole_files.map(lambda files: [GOOD_PAGE, *files])
cases = st.tuples(contracts, st.lists(claims, max_size=3), manifests) | st.tuples(
    easy_contracts, st.lists(good_claims, min_size=1, max_size=1), whole_manifests
)


@given(cases)
@settings(max_examples=800, deadline=None)
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
    assert file.text is None or (file.text.strip() and "<p>pending publish</p>" not in file.text)
    assert file.text != "<div></div>" or not file.name.endswith(".html")
    if contract.primary_kinds == OPENABLE:
        assert not file.name.endswith((".md", ".csv", ".png", ".log"))
    if contract.primary_kinds is not None:
        assert primary.kind in contract.primary_kinds | {ArtifactKind.SHARED_CLOUD}
    assert contract.publish is not Publish.EXTERNAL
    assert all(one.readable and one.sha256_now == one.sha256 for one in verdict.files)
    latest = {one.name for one in manifest}
    if isinstance(contract.expected_files, int):
        assert len(latest) >= contract.expected_files
    for glob in contract.expected_files if isinstance(contract.expected_files, tuple) else ():
        assert any(fnmatchcase(name, glob) for name in latest)
    for kind in contract.required_kinds:
        assert any(artifact.kind is kind for artifact in claimed) or any(
            one.kind is kind or guess_kind(one.name) is kind or one.name == "notes.md" or one.text == "# ok"
            for one in manifest
        )


@given(cases, st.data())
@settings(max_examples=300, deadline=None)
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
@settings(max_examples=300, deadline=None)
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
