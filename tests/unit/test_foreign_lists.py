"""The files that a foreign page lists are found, and none besides."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit import foreign_pages
from unit.foreign_pages import COMMIT, GIST, OLD_COMMIT, gist_file, gist_page
from watchkeeper.domain.evidence import GateCheck
from watchkeeper.domain.foreign_addresses import ForeignUrl
from watchkeeper.domain.foreign_lists import MAX_LISTED_FILES, FileList, read_list

PAGE = f"https://gist.example.org/somebody/{GIST}"
FOLDER = "https://files.example.org/out/job/"
PACK = gist_page(
    gist_file("README.md", "file-readme-md"),
    gist_file("watchdog_console.html", "file-watchdog_console-html"),
    gist_file("%E5%A0%B1%E5%91%8A%20%231.csv", "file-1-csv"),
)


def listed(url: str, text: str, media_type: str | None = "text/html") -> FileList | None:
    return read_list(ForeignUrl.parse(url), media_type, text)


def files(url: str, text: str, media_type: str | None = "text/html") -> dict[str, str]:
    found = listed(url, text, media_type)
    assert found is not None
    assert found.problem is None
    return {file.name: file.url for file in found.files}


@pytest.mark.parametrize("url", [PAGE, f"{PAGE}/", f"{PAGE}/{COMMIT}", f"https://gist.example.org/{GIST}"])
def test_the_files_of_a_gist_are_its_raw_links(url: str) -> None:
    """Each file of a Gist is listed once, under its own name, with the address of its content."""
    raw = f"https://gist.example.org/somebody/{GIST}/raw/{COMMIT}"
    assert files(url, PACK) == {
        "README.md": f"{raw}/README.md",
        "watchdog_console.html": f"{raw}/watchdog_console.html",
        "報告 #1.csv": f"{raw}/%E5%A0%B1%E5%91%8A%20%231.csv",
    }


@pytest.mark.parametrize(
    ("fragment", "primary"),
    [
        ("file-watchdog_console-html", "watchdog_console.html"),
        ("file-watchdog-console-html", "watchdog_console.html"),
        ("FILE-README-MD", "README.md"),
        ("file-readme-md-L3", "README.md"),
        ("file-readme-md-L3-L17", "README.md"),
        ("file-1-csv", "報告 #1.csv"),
        ("file-%E5%A0%B1%E5%91%8A-1-csv", "報告 #1.csv"),
        ("", None),
    ],
)
def test_a_fragment_points_at_a_file(fragment: str, primary: str | None) -> None:
    """The fragment of a Gist's address names one file, by the page's own anchors or by the rule that makes them."""
    found = listed(f"{PAGE}#{fragment}", PACK)
    assert found is not None
    assert (found.primary, found.problem) == (primary, None)


@pytest.mark.parametrize(
    "fragment", ["file-missing-html", "file-", "readme-md", "gistcomment-1", "file-readme"]
)
def test_a_fragment_that_names_no_file_is_told(fragment: str) -> None:
    """A fragment that names none of the files is a missing file; the files are listed all the same."""
    found = listed(f"{PAGE}#{fragment}", PACK)
    assert found is not None
    assert (found.primary, len(found.files)) == (None, 3)
    assert found.problem is not None
    assert found.problem.check is GateCheck.MISSING_FILE


def test_what_a_file_of_a_gist_says_adds_nothing_to_its_list() -> None:
    """Links in a rendered file, to older revisions, to other Gists or elsewhere, are no files of this Gist."""
    content = "".join(
        f'<a href="{link}">more</a>'
        for link in (
            f"/somebody/{GIST}/raw/{OLD_COMMIT}/more.html",
            f"https://gist.githubusercontent.com/somebody/{GIST}/raw/{OLD_COMMIT}/page.html",
            f"/somebody/{'1' * 32}/raw/{COMMIT}/other.html",
            "https://example.org/page.html",
        )
    )
    page = gist_page(gist_file("README.md", "file-readme-md", content), gist_file("a.html", "file-a-html"))
    assert set(files(PAGE, page)) == {"README.md", "a.html"}


def test_a_mirror_that_marks_no_files_lists_its_raw_links() -> None:
    """A page of the same shape without GitHub's anchors lists each raw link of this Gist once."""
    raw = f"/somebody/{GIST}/raw/{COMMIT}"
    page = f'<a href="{raw}/a.html">a</a><a href="{raw}/a.html">Raw</a><a href="https://raw.example.org{raw}/b.md">b</a>'
    assert files(PAGE, page) == {
        "a.html": f"https://gist.example.org{raw}/a.html",
        "b.md": f"https://raw.example.org{raw}/b.md",
    }
    found = listed(f"{PAGE}#file-b-md", page)
    assert found is not None
    assert found.primary == "b.md"


def test_the_interface_of_gists_lists_its_files() -> None:
    """The JSON form of a Gist lists the same files, and its fragment works alike."""
    raw = f"https://gist.githubusercontent.com/somebody/{GIST}/raw/{COMMIT}"
    document = {
        "id": GIST,
        "files": {
            name: {"filename": name, "raw_url": f"{raw}/{name}", "size": 7, "truncated": False}
            for name in ("README.md", "a.html")
        },
        "truncated": False,
    }
    url = f"https://api.github.com/gists/{GIST}#file-a-html"
    assert files(url, json.dumps(document), "application/json") == {
        "README.md": f"{raw}/README.md",
        "a.html": f"{raw}/a.html",
    }
    found = listed(url, json.dumps(document), "application/json")
    assert found is not None
    assert (found.source, found.primary) == ("gist_api", "a.html")
    for broken in (
        document | {"truncated": True},
        document | {"files": None},
        {"files": {"a": {"raw_url": 1}}},
    ):
        assert listed(url, json.dumps(broken), "application/json") is None


@pytest.mark.parametrize("name", ["APACHE", "NGINX", "PYTHON", "CADDY", "NGINX_JSON", "CADDY_JSON"])
def test_a_directory_index_lists_what_is_below_it(name: str) -> None:
    """The index pages of the usual servers list their files and folders; the parent and sort links are none."""
    media_type = "application/json" if name.endswith("JSON") else "text/html"
    assert files(FOLDER, getattr(foreign_pages, name), media_type) == {
        "assets/": f"{FOLDER}assets/",
        "index.html": f"{FOLDER}index.html",
        "a report #2.pdf": f"{FOLDER}a%20report%20%232.pdf",
    }


def test_links_that_leave_an_index_are_no_files() -> None:
    """Links to other hosts, other folders, other schemes and back up do not count."""
    links = [
        "https://other.example.org/out/job/a",
        "/out/other/a",
        "../job2/a",
        "mailto:a@b.org",
        "#x",
        ".",
        "a",
        "b?x=1",
    ]
    page = "<h1>Index of /out/job</h1>" + "".join(f'<a href="{link}">x</a>' for link in links)
    assert set(files(FOLDER, page)) == {"a"}


@pytest.mark.parametrize("name", ["%2e%2e%2fetc%2fpasswd", "a%00b", "a%0ab", "%2fetc", "x" * 300])
def test_a_listed_name_that_cannot_be_kept_is_told(name: str) -> None:
    """A name that leaves its folder or cannot be shown is a problem of the list, not a file that nobody looks at."""
    found = listed(FOLDER, f'<title>Index of /</title><a href="a">a</a><a href="{name}">b</a>')
    assert found is not None
    assert found.problem is not None
    assert found.problem.check is GateCheck.FILE_UNREADABLE


def test_a_list_without_end_is_told() -> None:
    """More than a thousand files are too many to open, and a thousand are not."""
    page = "<h1>Index of /</h1>" + "".join(f'<a href="f{n}">x</a>' for n in range(MAX_LISTED_FILES))
    assert len(files(FOLDER, page)) == MAX_LISTED_FILES
    found = listed(FOLDER, page + '<a href="one-more">x</a>')
    assert found is not None
    assert found.problem is not None
    assert found.problem.check is GateCheck.TOO_LARGE


@pytest.mark.parametrize(
    ("url", "text", "media_type"),
    [
        (FOLDER, '<title>Dashboard</title><a href="a.html">a</a>', "text/html"),
        (FOLDER, "# Index of everything", "text/markdown"),
        (FOLDER, '[{"name": "a"}]', "application/json"),
        (FOLDER, '["a"]', "application/json"),
        (FOLDER, "{not json", "application/json"),
        (FOLDER, "[" * 100_000, "application/json"),
        (FOLDER, '{"files": {}}', "application/json"),
        (PAGE, "<title>No such Gist</title>", "text/html"),
        ("https://example.org/a/b", f'<a href="/somebody/{GIST}/raw/{COMMIT}/a">a</a>', "text/html"),
    ],
)
def test_a_page_without_a_list_has_none(url: str, text: str, media_type: str) -> None:
    """An ordinary page is no list, whatever it links to."""
    assert listed(url, text, media_type) is None


def test_an_empty_folder_is_an_empty_list() -> None:
    """A folder without files has a list, with nothing on it."""
    assert files(FOLDER, "<title>Index of /out/job/</title><a href='../'>../</a>") == {}


@given(st.text(alphabet='<>h1a/ "=:?#.%\\Index of titlrf-raw0', max_size=200))
def test_a_broken_page_breaks_nothing(text: str) -> None:
    """Whatever a page says, a list lies below the page or there is none."""
    found = listed(FOLDER, f"<h1>Index of /</h1>{text}")
    if found is not None:
        assert all(file.url.startswith(FOLDER) for file in found.files)


@pytest.mark.parametrize(
    "page",
    ["<h1>" + " </a>" * 200_000, "<h1>Index of /</h1>" + "<a href=a>" * 40_000, "<a href=a>" * 40_000],
)
def test_a_hostile_page_is_read_in_one_go(page: str) -> None:
    """A heading of megabytes in pieces, or links by the hundred thousand, take no more time than their length."""
    found = listed(FOLDER, page)
    assert found is None or [file.name for file in found.files] == ["a"]
