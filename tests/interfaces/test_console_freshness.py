"""How large the console's pages and files may grow, how old what they show is, and what a refresh costs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from interfaces.console_project import ConsoleProject, fill
from interfaces.console_visitor import PAGE_BYTES, Visitor, visiting
from watchkeeper.app.whole import App
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces.console.assets import MEDIA_TYPES, Assets
from watchkeeper.settings import Settings


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def project(app: App, settings: Settings) -> ConsoleProject:
    """The project `p` with a job in every state."""
    return await fill(app, str(settings.database_url))


async def test_a_long_story_keeps_the_page_small(visitor: Visitor, project: ConsoleProject) -> None:
    """Of a job with a long timeline the last entries are shown, and a link to the others."""
    job = project.jobs["running"]
    for number in range(90):
        project.execute(
            "INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, epoch, phase, status, message)"
            " VALUES ('p', 'w1', %s, 1, 'build', 'ok', %s)",
            job,
            f"step {number}",
        )
    await visitor.log_in()
    page = await visitor.get(f"/jobs/{job}")
    assert "earlier entries" in page.words
    assert "step 89" in page.words
    assert "step 5 " not in page.words


async def test_a_fragment_that_has_not_changed_costs_nothing(
    visitor: Visitor, project: ConsoleProject, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script gets the regions alone, with an ETag; the same again is 304."""
    await visitor.log_in()
    watch = await app.insights.watch()

    async def still(*_: object) -> object:
        return watch

    job = project.jobs["verified"]
    drawn = await app.drawings.of_job("p", str(job))

    async def same(*_: object) -> object:
        return drawn

    monkeypatch.setattr("watchkeeper.services.insights.Insights.watch", still)
    monkeypatch.setattr("watchkeeper.services.drawing.Drawings.of_job", same)
    path = f"/jobs/{job}?fragment=1"
    page = await visitor.get(path)
    assert page.attributes("section", "data-region") == [
        "verdict",
        "picture",
        "facts",
        "gate",
        "attempts",
        "timeline",
    ]
    assert "<html" not in page.text
    assert (await visitor.get(path, If_None_Match=page.headers["etag"])).status == 304


@pytest.mark.parametrize("language", ["en", "zh-TW"])
async def test_a_large_fleet_keeps_the_pages_small(
    visitor: Visitor, project: ConsoleProject, language: str
) -> None:
    """However much there is and however long its texts are, a page stays within its size."""
    said = "證據不足，請人員確認後再決定。" * 20
    for number in range(40):
        await project.worker(f"worker-{number:03}", None, slots=8)
        await project.add("held", f"kind-{number:03}")
        await project.end(f"worker-{number:03}", f"kind-{number:03}", AttemptCause.GATE, said)
        await project.add("busy", f"kind-{number:03}")
        await project.claim(f"worker-{number:03}", f"kind-{number:03}")
    for _ in range(120):
        project.execute(
            "INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, epoch, phase, status, message)"
            " VALUES ('p', 'w1', %s, 1, 'building_artifact', 'ok', %s)",
            project.jobs["running"],
            said,
        )
    for number in range(8):
        await project.app.kinds.ensure_project(f"project-{number}", said[:60])
    visitor.speak(language)
    await visitor.log_in(Role.OWNER, None)
    for path in ("/", "/jobs?project=p", "/jobs?project=p&state=stuck", f"/jobs/{project.jobs['running']}"):
        assert (await visitor.get(path)).status == 200


async def test_every_number_has_its_age(visitor: Visitor, project: ConsoleProject) -> None:
    """Each panel names the time that its numbers are of, for programs and people."""
    await visitor.log_in()
    page = await visitor.get("/")
    panels = [given for tag, given in page.tags if tag == "section" and "panel" in str(given.get("class"))]
    assert page.text.count('class="asof"') == len(panels)
    assert all(title.endswith(" UTC") for title in page.attributes("time", "title"))
    assert len(page.attributes("time", "title")) == len(page.attributes("time", "datetime"))


def test_all_scripts_and_styles_together_are_small() -> None:
    """However many files they are cut into: style below 25 KB, script below 12 KB, as they are served."""
    kept = {name: len(Assets().content(name)) for name in MEDIA_TYPES}
    style = sum(size for name, size in kept.items() if name.endswith(".css"))
    script = sum(size for name, size in kept.items() if name.endswith(".js"))
    assert style <= 25 * 1024
    assert script <= 12 * 1024
    assert style + script + PAGE_BYTES <= 150 * 1024


async def test_the_assets_are_small_and_kept_by_browsers(visitor: Visitor) -> None:
    """Style and script stay within their bounds; their address changes with their content."""
    page = await visitor.get("/login")
    bounds = {"console.css": 25 * 1024, "console.js": 12 * 1024, "icon.svg": 2048}
    links = [*page.attributes("link", "href"), *page.attributes("script", "src")]
    assert {link.partition("?")[0].removeprefix("/static/") for link in links} == set(bounds)
    for link in links:
        answer = await visitor.http.get(link)
        assert "immutable" in answer.headers["cache-control"]
        assert len(answer.content) <= bounds[link.partition("?")[0].removeprefix("/static/")]
        assert "immutable" not in (await visitor.http.get(link.partition("?")[0])).headers["cache-control"]
    assert (await visitor.get("/static/secrets")).status == 404
