"""The file list of a page that was fetched, with files that can be fetched in turn."""

from __future__ import annotations

from services.foreign_server import always, answer, fetcher, pages, serving
from unit.foreign_pages import COMMIT, GIST, NGINX, gist_file, gist_page
from watchkeeper.services.foreign_lists import list_files

PACK = gist_page(gist_file("README.md", "file-readme-md"), gist_file("a.html", "file-a-html"))


async def test_a_gist_is_listed_and_its_files_open() -> None:
    """A Gist's page is fetched, its fragment leads to its file, and each listed file opens in the same check."""
    raw = f"/somebody/{GIST}/raw/{COMMIT}"
    site = {
        f"/somebody/{GIST}": answer(PACK.encode(), content_type="text/html; charset=utf-8"),
        f"{raw}/README.md": answer(b"# Pack", content_type="text/plain"),
        f"{raw}/a.html": answer(b"<h1>A</h1>", content_type="text/plain"),
    }
    async with serving(pages(site)) as server, fetcher("127.0.0.1").begin() as fetching:
        page = await fetching.get(server.url(f"/somebody/{GIST}#file-a-html"))
        found = await list_files(fetching, page)
        assert found is not None
        assert (found.source, found.primary) == ("gist", "a.html")
        bodies = {file.name: (await fetching.get(file.url)).body.read_bytes() for file in found.files}
        assert bodies == {"README.md": b"# Pack", "a.html": b"<h1>A</h1>"}


async def test_an_index_behind_a_redirect_is_listed_where_it_is() -> None:
    """The links of an index are read from the place to which the redirect led."""
    site = {
        "/out/job": answer(b"", 301, location="/out/job/"),
        "/out/job/": answer(NGINX.encode(), content_type="text/html"),
    }
    async with serving(pages(site)) as server, fetcher("127.0.0.1").begin() as fetching:
        found = await list_files(fetching, await fetching.get(server.url("/out/job")))
        assert found is not None
        assert found.files[1].url == server.url("/out/job/index.html")


async def test_a_page_that_is_no_list_has_none() -> None:
    """A failure's page, a picture and a page of many megabytes list nothing."""
    index = NGINX.encode()
    for raw in (
        answer(index, 404, content_type="text/html"),
        answer(index, content_type="image/png"),
        answer(b"\x00\x01" + index, content_type="text/html"),
        answer(index + b" " * 5_000_000, content_type="text/html"),
    ):
        async with serving(always(raw)) as server, fetcher("127.0.0.1", bytes=6_000_000).begin() as fetching:
            assert await list_files(fetching, await fetching.get(server.url("/out/job/"))) is None
