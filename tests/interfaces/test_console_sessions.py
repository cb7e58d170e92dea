"""The pages of agent sessions and the picture on a job's page, over a real database, in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from interfaces.console_project import ConsoleProject, fill
from interfaces.console_visitor import Visitor, visiting
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces import console
from watchkeeper.settings import Settings

HOSTILE = "<script>alert(1)</script>\u202e" + "x" * 10_000
SECRET = "sk-ant-api03-" + "Ab1" * 31 + "AA"

BEGIN = """
INSERT INTO watchkeeper.agent_sessions
  (project_id, job_id, epoch, worker_id, agent, number, told_by, tokens_used, cost, transcript, started_at,
   last_event_at, heard_at, diagnosis)
VALUES ('p', %(job)s, 1, 'w1', 'codex', 1, 'supervisor', 48200, 0.31, '/home/agent/rollout.jsonl',
        watchkeeper.now() - interval '1 hour', watchkeeper.now(), watchkeeper.now(),
        '{"failure": "F15", "because": "the same call again and again"}')
RETURNING id
"""
TELL = """
INSERT INTO watchkeeper.session_events (project_id, session_id, number, t, source, event, fields)
SELECT 'p', %(session)s, (e->>'n')::bigint, (e->>'n')::float8, e->>'source', e->>'event', e->'fields'
  FROM jsonb_array_elements(%(events)s::text::jsonb) e
"""


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def project(app: App, settings: Settings) -> ConsoleProject:
    """The project `p` with a job in every state."""
    return await fill(app, str(settings.database_url))


async def begun(app: App, project: ConsoleProject) -> UUID:
    found: UUID = (await rows(app.database, BEGIN, {"job": project.jobs["running"]}))[0]["id"]
    return found


async def tell(app: App, session: UUID, first: int, *told: tuple[str, dict[str, object]]) -> None:
    events = [
        {"n": n, "source": "stdout", "event": event, "fields": fields}
        for n, (event, fields) in enumerate(told, first)
    ]
    await rows(app.database, TELL, {"session": session, "events": json.dumps(events)})


@pytest.mark.parametrize("language", ["en", "zh-TW"])
async def test_a_session_says_what_it_does_costs_and_may_still(
    visitor: Visitor, project: ConsoleProject, app: App, language: str
) -> None:
    """Transcript, clocks with the one that ends first, cost, class, where the whole transcript is; texts as text."""
    session = await begun(app, project)
    await tell(
        app,
        session,
        1,
        ("turn_began", {}),
        ("said", {"text": f"Hello {HOSTILE}"}),
        ("tool_opened", {"id": "a", "tool": "Bash", "shown": "pytest -q"}),
        ("tool_closed", {"id": "a", "failed": True, "exit_code": 2, "shown": f"the key was {SECRET}"}),
    )
    visitor.speak(language)
    await visitor.log_in(Role.SUPERVISOR)
    listed = await visitor.get("/sessions?state=live")
    assert f"/sessions/{session}" in listed.attributes("a", "href")
    page = await visitor.get(f"/sessions/{session}")
    assert page.status == 200
    assert [href for href in page.attributes("a", "href") if href.startswith("/acts/session-interrupt?")]
    for words in ("pytest -q", "✕ 2", "48,200", "0.31", "/home/agent/rollout.jsonl", "F15", "0:00:02"):
        assert words in page.words, words
    assert ("The limit that ends first" if language == "en" else "最先到期的限制") in page.words
    assert ("The lease is renewed in about" if language == "en" else "後更新租用") in page.words
    assert "<script>alert" not in page.text
    assert SECRET not in page.text
    assert ("1 secret masked" if language == "en" else "已遮蔽 1 個機密") in page.words
    assert page.attributes("wk-live", "events") == [f"/events?project=p&topic=session%3A{session}"]
    assert page.attributes("wk-lines", "data-tail") == ["4"]
    assert (await visitor.get("/sessions/no-session")).status == 404
    assert (await visitor.get(f"/sessions/{project.jobs['running']}")).status == 404


async def test_lines_come_a_page_at_a_time_and_new_ones_alone(
    visitor: Visitor, project: ConsoleProject, app: App
) -> None:
    """At first the last thousand lines, those before on demand; who follows is given only what is new."""
    session = await begun(app, project)
    await tell(app, session, 1, *(("said", {"text": f"word {n}."}) for n in range(1, 1501)))
    await visitor.log_in()
    page = await visitor.get(f"/sessions/{session}")
    shown = [int(n) for n in re.findall(r"word (\d+)\.", page.text)]
    assert shown[-1] == 1500
    assert len(shown) in range(700, 1001)
    assert shown == list(range(shown[0], 1501))
    [earlier] = [href for href in page.attributes("a", "href") if "before=" in href]
    before = await visitor.get(earlier)
    assert f"word {shown[0] - 1}." in before.words
    assert not before.attributes("wk-lines", "data-tail")

    path = f"/sessions/{session}?fragment=1&after=1500"
    assert "word 1500." not in (await visitor.get(path)).words
    await tell(app, session, 1501, ("said", {"text": "the newest"}))
    fragment = await visitor.get(path)
    assert re.findall(r"<li .*?>", fragment.text) == ['<li class="say">']
    assert fragment.attributes("wk-lines", "data-tail") == ["1501"]


async def test_lines_are_found_and_filtered(visitor: Visitor, project: ConsoleProject, app: App) -> None:
    """A search and the kinds stand in the address, and work without a script."""
    session = await begun(app, project)
    await tell(
        app,
        session,
        1,
        ("said", {"text": "I look for the needle"}),
        ("tool_opened", {"id": "a", "tool": "Read", "shown": "hay.txt"}),
        ("tool_closed", {"id": "a", "failed": True, "shown": "no such file"}),
        ("limited", {"text": "usage limit reached"}),
    )
    await visitor.log_in()
    path = f"/sessions/{session}"
    assert re.findall(r'<li class="(\w+)"', (await visitor.get(path)).text) == [
        "say",
        "tool",
        "error",
        "error",
    ]
    assert re.findall(r'<li class="(\w+)"', (await visitor.get(f"{path}?kind=error")).text) == ["error"] * 2
    found = await visitor.get(f"{path}?find=NEEDLE&wrap=0")
    assert re.findall(r'<li class="(\w+)"', found.text) == ["say"]
    assert "lines nowrap" in found.attributes("div", "class")
    assert "No line matches" in (await visitor.get(f"{path}?find=nothing")).words
    of_api = (await visitor.http.get(f"/api{path}/lines?kind=error&limit=1")).json()
    assert ([line["number"] for line in of_api["lines"]], of_api["earlier"]) == ([4], 4)
    there = await visitor.get(f"{path}?at=2")
    assert "e2" in there.attributes("li", "id")


async def test_a_job_is_drawn_with_links_to_its_evidence(
    visitor: Visitor, project: ConsoleProject, app: App
) -> None:
    """Each mark has a name and leads somewhere; the same stands in a table; WHY says what would change it."""
    session = await begun(app, project)
    await tell(
        app,
        session,
        1,
        ("tool_opened", {"id": "a", "tool": "Bash", "shown": "pytest -q"}),
        ("tool_closed", {"id": "a", "failed": False, "shown": "ok"}),
    )
    await visitor.log_in()
    for state, job in project.jobs.items():
        page = await visitor.get(f"/jobs/{job}")
        names = page.attributes("a", "aria-labelledby")
        assert {f"t{n}" for n in range(1, len(names) + 1)} == set(names), state
        assert len(names) == len([one for one in page.attributes("tr", "id") if one.startswith("m")])
        assert "What would change it:" in page.words
        ids = {given["id"] for _, given in page.tags if "id" in given}
        anchors = [href[1:] for href in page.attributes("a", "href") if href.startswith("#")]
        assert set(anchors) <= ids
    page = await visitor.get(f"/jobs/{project.jobs['running']}")
    assert f"/sessions/{session}?at=1#e1" in page.attributes("a", "href")
    assert page.attributes("wk-live", "events")[0].endswith(f"job%3A{project.jobs['running']}")
    [csv] = [href for href in page.attributes("a", "href") if "format=csv" in href]
    table = (await visitor.http.get(csv)).text.splitlines()
    assert table[0].startswith("row,at,until,tone,event")
    assert any(line.startswith("tool,") and "Bash" in line for line in table)


async def test_the_largest_pages_stay_small(visitor: Visitor, project: ConsoleProject, app: App) -> None:
    """A long job with a long session, each text as long as it may be: both pages stay within their size."""
    session = await begun(app, project)
    long = "證據不足，請人員確認後再決定。" * 30
    await tell(
        app,
        session,
        1,
        *(
            (
                "tool_opened" if n % 2 else "tool_closed",
                {"id": str((n + 1) // 2), "tool": "Bash", "shown": long},
            )
            for n in range(1, 3001)
        ),
    )
    await rows(app.database, "UPDATE watchkeeper.session_events SET t = number * 37 % 3600")
    visitor.speak("zh-TW")
    await visitor.log_in()
    for path in (f"/sessions/{session}", f"/jobs/{project.jobs['running']}?all=1"):
        assert (await visitor.get(path)).status == 200


def test_all_scripts_together_stay_within_their_bound() -> None:
    """Whatever a page loads of them."""
    folder = Path(console.__file__).parent / "static"
    assert sum(path.stat().st_size for path in folder.glob("*.js")) <= 12 * 1024
