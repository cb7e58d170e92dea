"""Jobs whose results stand on foreign addresses: what passes, what is blocked, and what is kept of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from foreign_site import Site
from interfaces.api_client import Api, serving
from interfaces.foreign_results import PAGE, checks, completed, primary
from raw_sql import rows
from watchkeeper.app import whole as root
from watchkeeper.app.whole import App
from watchkeeper.settings import Settings

GIST = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def settings(database_url: str, tmp_path: Path, site: Site) -> Settings:
    """An installation that may open this one address beside the open web."""
    return Settings(home=tmp_path / "home", database_url=database_url, fetch_allow=(site.host,))


async def test_a_published_page_completes_a_job_and_a_snapshot_of_it_is_kept(api: Api, site: Site) -> None:
    """A page with its declared files passes; the bytes that were checked can be read after the site is gone."""
    url = site.redirect("/d", site.put("/d/", PAGE).removeprefix(f"http://{site.host}"))
    site.put("/d/data/a.csv", "n\n1\n", "text/csv")
    artifacts = primary(url, files=["data/a.csv"], title="Queues")
    job = await api.claimed(contract={"publish": "external", "expected_files": ["data/*.csv"]})
    verified = await api.command("verify", job, artifacts=artifacts)
    assert (verified.body["failed"], verified.body["http_status"]) == ([], 200)
    assert [file["url"] for file in verified.body["files"]] == [url, f"http://{site.host}/d/data/a.csv"]
    done = await api.command("complete", job, summary="published", artifacts=artifacts)
    assert done.body["verified"] == "artifact"
    site.pages.clear()

    shown = (await api.get(f"/api/jobs/{job['id']}")).job
    kept = {one["url"]: one for one in shown["artifacts"]}
    assert (kept[url]["is_primary"], kept[url]["title"], kept[url]["kind"]) == (True, "Queues", "dashboard")
    assert kept[url]["sha256"] == hashlib.sha256(PAGE.encode()).hexdigest()
    headers = {"Authorization": f"Bearer {await api.token('viewer')}"}
    answered = await api.http.get(f"/api/artifacts/{kept[url]['id']}", headers=headers)
    assert answered.text == PAGE
    assert answered.headers["content-security-policy"].startswith("sandbox")
    assert (await api.app.artifact_upkeep.run_once()).counts["files_marked"] == 0
    [check] = await rows(
        api.app.database,
        "SELECT primary_url, redirects FROM watchkeeper.artifact_checks WHERE command = 'complete'",
    )
    assert check == {"primary_url": url, "redirects": [url]}


async def test_a_directory_whose_listed_file_vanished_is_blocked(api: Api, site: Site) -> None:
    """A listed file that answers 404 is named as missing, one that answers 500 as unreadable."""
    url = site.index("/d/", "index.html", "gone.csv", "broken.csv")
    site.put("/d/index.html", PAGE)
    site.put("/d/broken.csv", "so", status=500)
    job, refused = await completed(api, primary(url))
    assert (refused.code, checks(refused)) == ("gate_failed", ["file_unreadable", "missing_file"])
    assert (await api.get(f"/api/jobs/{job}")).job["state"] == "stuck"


async def test_a_directory_with_a_folder_passes_only_where_files_says_what_counts(
    api: Api, site: Site
) -> None:
    """A folder may hold anything: the list is not whole until the claim names what counts, in the folder too."""
    url = site.index("/d/", "index.html", "sub/")
    site.put("/d/index.html", PAGE)
    site.put("/d/sub/a.csv", "1", "text/csv")
    refused = (await completed(api, primary(url)))[1]
    assert (refused.code, checks(refused)) == ("gate_failed", ["no_file_list"])
    assert "name what counts in files" in refused.body["error"]["details"]["failed"][0]["detail"]
    expected = {
        "index.html": [],
        "sub/a.csv": [],
        "sub/gone.csv": ["missing_file"],
        "gone.csv": ["missing_file"],
    }
    for name, failed in expected.items():
        answered = (await completed(api, primary(url, files=[name])))[1]
        assert ([] if answered.status == 200 else checks(answered)) == failed, name
    assert "/d/sub/gone.csv" in site.asked


async def test_a_page_that_no_browser_shows_as_one_is_rejected(api: Api, site: Site) -> None:
    """HTML that is sent as something else is no dashboard: the job goes on, so that it can be mended."""
    for media_type in ("text/plain", "application/octet-stream", "application/pdf"):
        url = site.put("/d/index.html", PAGE, media_type)
        job, refused = await completed(api, primary(url, files=["index.html"]))
        assert (refused.code, checks(refused)) == ("contract_rejected", ["no_primary"])
        shown = (await api.get(f"/api/jobs/{job}")).job
        assert (shown["state"], shown["phase"]) == ("running", "complete")


SEEN = {
    f"<!-- pending publish -->{PAGE}": [],
    f"{PAGE}<p>pending  Publish</p>": ["pending_marker"],
    f"{PAGE}<p hidden>pending publish</p>": [],
    f"{PAGE}<a href='pls_file://x'>here</a>": ["pending_marker"],
    "<html><body></body></html>": ["empty_body"],
    "": ["empty_body"],
    "# Queues\n\nAll is well.": ["markdown_only"],
    '{"ok": true}': ["no_primary"],
}


async def test_what_a_reader_would_see_decides(api: Api, site: Site) -> None:
    """A hidden marker is no marker, a visible one is; a page without anything to see, or without markup, is none."""
    site.put("/d/a.csv", "1", "text/csv")
    for body, failed in SEEN.items():
        _, answered = await completed(api, primary(site.put("/d/", body), files=["a.csv"]))
        assert ([] if answered.status == 200 else checks(answered)) == failed, body


async def test_a_gist_passes_by_the_file_that_its_fragment_names(api: Api, site: Site) -> None:
    """A Gist opens as the file behind the #: a page passes, Markdown does not, and without one nothing is meant."""
    files = {"index.html": PAGE, "notes.md": "# Notes"}
    links = ""
    for name, body in files.items():
        raw = site.put(f"/me/{GIST}/raw/{name}", body, "text/plain")
        anchor = f"file-{name.replace('.', '-')}"
        links += f'<div class="file" id="{anchor}"><a href="{raw}">Raw</a></div>'
    gist = site.put(f"/me/{GIST}", f"<!doctype html><html><body>{links}</body></html>")
    done = (await completed(api, primary(f"{gist}#file-index-html", "gist"), required_kinds=["md"]))[1]
    assert done.body["verified"] == "artifact"
    assert checks((await completed(api, primary(f"{gist}#file-notes-md", "gist")))[1]) == ["markdown_only"]

    assert checks((await completed(api, primary(gist, "gist")))[1]) == ["no_primary"]


async def test_an_address_that_does_not_open_with_its_files_is_blocked(api: Api, site: Site) -> None:
    """No answer of 200, no file list, an empty one, and an address that is not public, are named apart."""
    expected = {
        **{site.put(f"/{status}", PAGE, status=status): "http_status" for status in (404, 500, 203)},
        site.put("/d/", PAGE): "no_file_list",
        site.index("/e/"): "empty_file_list",
        "http://127.0.0.1:9/": "refused_address",
        "http://169.254.169.254/": "refused_address",
        "ftp://example.org/": "refused_address",
    }
    for url, check in expected.items():
        _, refused = await completed(api, primary(url))
        assert (refused.code, checks(refused)) == ("gate_failed", [check]), url
    looked = (await api.command("verify", await api.claimed(), url="http://169.254.169.254/")).body
    assert (looked["http_status"], looked["file_count"], looked["files"]) == (None, 0, [])


async def test_an_installation_may_take_another_status(app: App, settings: Settings, site: Site) -> None:
    """Where the settings list 302, a redirect that leads nowhere counts as opened."""
    taken = replace(settings, gate_http_statuses=(200, 302))
    async with serving(root.build(taken, app.database)) as api:
        url = site.put("/d/", PAGE, status=302)
        site.put("/d/a.csv", "1", "text/csv")
        _, done = await completed(api, primary(url, files=["a.csv"]))
        assert done.body["verified"] == "artifact"


async def test_a_contract_says_where_its_primary_stands(api: Api, site: Site) -> None:
    """`publish` is kept: a result at the other place is rejected, and the job goes on."""
    there = primary(site.put("/d/", PAGE), files=["x"])
    here = [{"kind": "html", "path": "index.html"}]
    for place, artifacts in (("store", there), ("external", here)):
        job = await api.claimed(worker=place, contract={"publish": place})
        await api.upload(job, index__html=PAGE.encode())
        refused = await api.command("complete", job, summary="done", artifacts=artifacts)
        assert refused.code == "contract_rejected"
        assert "no_primary" in checks(refused)


async def test_a_required_artifact_elsewhere_is_opened(api: Api, site: Site) -> None:
    """A contract that asks for a report is met by a foreign one that opens, and by no other."""
    report = site.put("/r.pdf", "%PDF report", "application/pdf")
    for url, failed in ((report, []), (f"http://{site.host}/gone.pdf", ["http_status"])):
        job = await api.claimed(contract={"required_kinds": ["report"]})
        await api.upload(job, index__html=PAGE.encode())
        artifacts = [{"kind": "html", "path": "index.html", "primary": True}, {"kind": "report", "url": url}]
        answered = await api.command("complete", job, summary="done", artifacts=artifacts)
        assert ([] if answered.status == 200 else checks(answered)) == failed


@pytest.mark.parametrize(
    ("policy", "states"),
    [("stuck", ["stuck"]), ("pause", ["paused"]), ("retry_once", ["pending", "stuck"])],
)
async def test_what_becomes_of_a_blocked_job_is_a_setting(
    app: App, settings: Settings, policy: str, states: list[str]
) -> None:
    """A job over failed evidence is stuck, paused, or tried once more; a repeat is told the same."""
    gone = primary("http://127.0.0.1:9/")
    async with serving(root.build(replace(settings, on_gate_failed=policy), app.database)) as api:
        await api.enqueue(contract={})
        for state in states:
            job = (await api.worker("claim")).job
            for _ in range(2):
                refused = await api.command("complete", job, summary="done!", artifacts=gone)
                assert (refused.code, checks(refused)) == ("gate_failed", ["refused_address"])
                assert refused.body["error"]["details"]["status"] == state
            assert (await api.get(f"/api/jobs/{job['id']}")).job["state"] == state


async def test_without_a_contract_nothing_is_opened_and_nothing_is_green(api: Api, site: Site) -> None:
    """No contract was declared: completed as unverified, whatever stands at the address."""
    job = await api.claimed()
    done = await api.command("complete", job, summary="done", artifacts=primary(site.put("/d/", PAGE)))
    assert (done.body["verified"], site.asked) == ("none", [])
