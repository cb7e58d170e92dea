"""What an agent prints, names and tells of secrets comes out nowhere but in the raw output that it wrote itself."""

from __future__ import annotations

import asyncio
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from e2e.work_agent.desk import PAGE, Desk, Worker
from secret_examples import PLANTED
from secret_scan import found_in, in_tables
from waiting import wait_until
from watchkeeper.agents.output import READ_BYTES
from watchkeeper.app.whole import running
from watchkeeper.settings import Settings

PRINTS = """
import json, os, sys
texts = json.load(open({texts!r}))

def say(to, text, step):
    data = text.encode()
    for at in range(0, len(data), step):
        os.write(to, data[at : at + step])
    return len(data)

said = 0
for text in texts:
    say(1, "out: " + text + "\\n", 7)
    said += say(2, "err: " + text + "\\n", 11)
for text in texts[:3]:
    border = {border}
    while said < border - 200:
        said += say(2, "." * 99 + "\\n", 100)
    said += say(2, "." * (border - said - len(text) // 2 - 1) + "\\n" + text + "\\n", 4096)
    os.write(1, text[: len(text) // 2].encode())
    os.write(1, text[len(text) // 2 :].encode() + b"\\n")
say(2, "and at last " + texts[0], 3)
sys.exit(3)
"""

NAMES = """
import json, pathlib
for text in json.load(open({texts!r})):
    name = text.replace("\\n", " ").replace("/", "_").encode()[:200].decode(errors="ignore")
    pathlib.Path(name + ".html").write_text({page!r} + text)
"""

TELLS = """
import json, pathlib
texts = json.load(open({texts!r}))
pathlib.Path("page.html").write_text({page!r})
entries = [{{"kind": "html_page", "path": "page.html", "title": text[:400]}} for text in texts]
entries += [{{"kind": "html_page", "path": text}} for text in texts] if {wrong} else []
pathlib.Path("artifacts.json").write_text(json.dumps({{"summary": " ".join(texts)[-1900:], "artifacts": entries}}))
"""


def test_what_an_agent_says_of_secrets_comes_out_nowhere(desk: Desk, serving: dict[str, str]) -> None:
    """All shapes, in any split, in output, last words, file names and claims: no table, copy, log, answer shows one."""
    texts = desk.place / "out" / "texts.json"
    texts.write_text(json.dumps([text for text, _ in PLANTED.values()]))
    desk.kind("once", max_attempts=1)
    given = {"texts": str(texts), "page": PAGE, "border": READ_BYTES}
    scripts = {
        "prints": PRINTS.format(**given),
        "names": NAMES.format(**given),
        "tells": TELLS.format(**given, wrong=False),
        "tells-wrong": TELLS.format(**given, wrong=True),
    }
    jobs = {}
    for name, script in scripts.items():
        path = desk.place / "out" / f"{name}.py"
        path.write_text(script)
        jobs[name] = desk.put(f"python3 {path}", "once")
    # All at once: a worker is stopped at the first secret that comes out, and may finish what it holds.
    worker = desk.worker(slots=len(scripts), max_gate_rounds=0)
    ended = {name: desk.wait_for(job, "completed", "failed", "stuck") for name, job in jobs.items()}
    assert ended["prints"]["state"] == "failed"
    assert "and at last [redacted" in desk.attempts(jobs["prints"])[0]["error"]

    leaks = [*_in_copies(desk), *_in_answers(desk, [*jobs.values()]), *in_tables(serving["database_url"])]
    leaks += found_in("the worker's log", [worker.log.read_text()])
    leaks += [*_in_export(desk, serving), *_in_bundle(desk, serving, worker)]
    assert not leaks, "\n".join(sorted(set(leaks)))


def _in_copies(desk: Desk) -> Iterator[str]:
    copies = [*desk.place.glob("home/sessions/*/*/*.redacted")]
    texts = [path.read_text() for path in copies]
    for stream in ("out: ", "err: "):
        (copy,) = [text for text in texts if text.startswith(stream)]
        assert copy.count("[redacted") >= len(PLANTED)
    yield from found_in("a redacted copy", texts)


def _in_answers(desk: Desk, jobs: list[str]) -> Iterator[str]:
    paths = ["/api/jobs", *(f"/api/jobs/{job}{end}" for job in jobs for end in ("", "/timeline"))]
    for path in paths:
        yield from found_in(f"GET {path}", [json.dumps(desk.ask("GET", path), ensure_ascii=False)])


def _in_export(desk: Desk, serving: dict[str, str]) -> Iterator[str]:
    """Seal what there is, with a key of this test's own home, and export it."""
    there = {"home": str(desk.place / "home"), "WATCHKEEPER_DATABASE_URL": serving["database_url"]}

    def exported() -> str:
        asyncio.run(_seal(Settings(home=Path(there["home"]), database_url=serving["database_url"])))
        return desk.command("audit", "export", **there)

    text = wait_until(lambda: said if "exit code 3" in (said := exported()) else None, 30, "a sealed end")
    yield from found_in("audit export", [text])


async def _seal(settings: Settings) -> None:
    async with running(settings, migrated=False) as app:
        await app.audit_sealer.run_once()


def _in_bundle(desk: Desk, serving: dict[str, str], worker: Worker) -> Iterator[str]:
    (desk.place / "home" / "logs").mkdir(exist_ok=True)
    shutil.copy(worker.log, desk.place / "home" / "logs" / "work.log")
    made = desk.place / "bundle.tar.gz"
    desk.command("debug", "bundle", str(made), home="home", WATCHKEEPER_DATABASE_URL=serving["database_url"])
    with tarfile.open(made) as bundle:
        members = [file.read().decode() for one in bundle if (file := bundle.extractfile(one)) is not None]
    assert len(members) > 8
    yield from found_in("debug bundle", members)
