"""What an agent may say of the files that it made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.artifacts import (
    ALIASES,
    OPENABLE,
    ArtifactKind,
    ClaimedArtifact,
    choose_primary,
    guess_kind,
    normalise_kind,
)
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.file_names import checked_name


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("gist", ArtifactKind.SHARED_CLOUD),
        ("MD", ArtifactKind.MARKDOWN),
        ("html", ArtifactKind.HTML_PAGE),
        ("Html Page", ArtifactKind.HTML_PAGE),
        ("pull-request", ArtifactKind.PULL_REQUEST),
        *[(kind.value, kind) for kind in ArtifactKind],
    ],
)
def test_a_kind_is_known_by_its_names(word: str, kind: ArtifactKind) -> None:
    """Common other words for a kind are taken for it."""
    assert normalise_kind(word) is kind


def test_an_unknown_kind_is_refused_with_what_was_meant() -> None:
    """A person who mistypes a kind is told the nearest one."""
    with pytest.raises(UsageError, match=r"dashbord.*did you mean 'dashboard'"):
        normalise_kind("dashbord")
    for wrong in (None, 3, [], "x" * 10_000):
        with pytest.raises(UsageError) as caught:
            normalise_kind(wrong)
        assert len(str(caught.value)) < 500


def test_aliases_hide_no_kind() -> None:
    """An alias is never a kind's own name, and what is openable is of the list."""
    assert not set(ALIASES) & {kind.value for kind in ArtifactKind}
    assert ArtifactKind.PLS_FILE not in OPENABLE


@pytest.mark.parametrize(
    ("name", "media_type", "kind"),
    [
        ("index.HTML", None, ArtifactKind.HTML_PAGE),
        ("site/README.md", None, ArtifactKind.MARKDOWN),
        ("runbook.md", None, ArtifactKind.RUNBOOK),
        ("out.tar.gz", None, ArtifactKind.ARCHIVE),
        ("a.csv", "text/html", ArtifactKind.DATA),
        ("page", "text/html; charset=utf-8", ArtifactKind.HTML_PAGE),
        ("shot", "image/png", ArtifactKind.IMAGE),
        (".log", None, ArtifactKind.OTHER),
        ("x.py", "application/octet-stream", ArtifactKind.OTHER),
    ],
)
def test_the_kind_of_a_file_is_guessed(name: str, media_type: str | None, kind: ArtifactKind) -> None:
    """A file that is uploaded without a word gets the kind that its name tells."""
    assert guess_kind(name, media_type) is kind


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "/etc/passwd",
        "..",
        "a/../../b",
        "a\\..\\b",
        "C:\\x",
        "a\0b",
        "a\nb",
        "\ud800",
        "./",
        "a" * 256,
        "x/" * 600 + "y",
        "evil\u202egpj.exe",
        None,
        7,
    ],
)
def test_a_name_that_leaves_the_workspace_is_refused(name: object) -> None:
    """No name reaches another folder, hides what it is, or is longer than a disk can keep."""
    with pytest.raises(UsageError):
        checked_name(name)


def test_names_have_one_form() -> None:
    """The same file is the same file however its name was written; other scripts are welcome."""
    assert checked_name("./a//b/./c.html") == "a/b/c.html"
    assert checked_name("re\u0301sume\u0301.md") == "r\u00e9sum\u00e9.md"
    assert checked_name("報告.html") == "報告.html"


@given(st.text())
def test_any_name_is_refused_or_safe(name: str) -> None:
    """Whatever an agent writes, what is let in stays in its folder and reads the same again."""
    try:
        checked = checked_name(name)
    except UsageError:
        return
    assert not checked.startswith("/")
    assert ".." not in checked.split("/")
    assert checked_name(checked) == checked


def test_an_artifact_is_read() -> None:
    """Kind, place, title and files of an entry are kept; our own address becomes an id."""
    given = {
        "kind": "html",
        "url": "artifact:0190",
        "primary": True,
        "title": "T",
        "files": ["a", {"name": "./b"}],
    }
    assert ClaimedArtifact.parse(given) == ClaimedArtifact(
        ArtifactKind.HTML_PAGE, artifact_id="0190", primary=True, title="T", files=("a", "b")
    )
    assert ClaimedArtifact.parse_all({"artifacts": [given], "summary": "s"})[0].primary
    assert ClaimedArtifact.parse_all([]) == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("x", "object"),
        ({}, "kind"),
        ({"kind": "data"}, "exactly one"),
        ({"kind": "data", "url": "https://x", "path": "y"}, "url and path"),
        ({"kind": "data", "url": ""}, "empty"),
        ({"kind": "data", "url": "artifact:"}, "no id"),
        ({"kind": "data", "url": 5}, "text"),
        ({"kind": "data", "url": "https://\0"}, "text"),
        ({"kind": "data", "url": "https://\ud800"}, "text"),
        ({"kind": "data", "path": "../x"}, "leaves"),
        ({"kind": "data", "path": "x", "primary": "yes"}, "true or false"),
        ({"kind": "data", "path": "x", "primary": 1}, "true or false"),
        ({"kind": "data", "path": "x", "files": "a"}, "list"),
        ({"kind": "data", "path": "x", "files": [3]}, "name"),
        ({"kind": "data", "path": "x", "titel": "t"}, "did you mean 'title'"),
        ({"kind": "data", "path": "x", 3: "t"}, "unknown key"),
    ],
)
def test_a_malformed_artifact_is_refused_in_words(entry: object, message: str) -> None:
    """What is wrong with an entry is said, so that an agent can mend it."""
    with pytest.raises(UsageError, match=message):
        ClaimedArtifact.parse(entry)


@pytest.mark.parametrize("artifacts", [None, "x", 3, {}, {"artifacts": {}}, [{}] * 1001])
def test_malformed_artifacts_are_refused(artifacts: object) -> None:
    """Something that is no list of artifacts is a usage error."""
    with pytest.raises(UsageError):
        ClaimedArtifact.parse_all(artifacts)


def page(name: str, **more: bool) -> ClaimedArtifact:
    return ClaimedArtifact(ArtifactKind.HTML_PAGE, path=name, **more)


def openable(artifact: ClaimedArtifact) -> bool:
    return artifact.kind in OPENABLE


def test_the_primary_is_the_flagged_one_or_the_only_openable_one() -> None:
    """An agent need not flag the primary where there is no doubt; where there is, it is told."""
    notes = ClaimedArtifact(ArtifactKind.MARKDOWN, path="n.md")
    assert choose_primary([notes, page("a")], openable) == page("a")
    assert choose_primary([page("a"), page("b", primary=True)], openable) == page("b", primary=True)
    assert "flag one" in str(choose_primary([page("a"), page("b")], openable))
    assert "flag one" in str(choose_primary([page("a", primary=True), page("b", primary=True)], openable))
    assert "none of the artifacts (markdown)" in str(choose_primary([notes], openable))
    assert "no artifact" in str(choose_primary([], openable))


@pytest.mark.parametrize("url", ["pls_file://x", "FILE:///tmp/x", "file:x"])
def test_an_address_on_one_machine_is_local_only(url: str) -> None:
    """What others cannot open is known for it, whatever kind is claimed."""
    assert ClaimedArtifact(ArtifactKind.DASHBOARD, url=url).is_local_only
