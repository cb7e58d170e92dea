"""The outbox as a worker meets it: ends of jobs survive an absent server, in order, once, through crashes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interfaces.contract_program import Program
from interfaces.contract_schemas import holds
from interfaces.contract_server import (
    JOB,
    OTHER_JOB,
    TOKEN,
    ContractServer,
    Trouble,
    answer,
    claimed,
    error,
)

PAGE = '[{"kind": "html_page", "artifact_id": "art-1", "primary": true}]'


def test_an_end_without_a_server_is_kept_and_delivered(program: Program, contract: ContractServer) -> None:
    """While the server is away `complete` answers `queued`; the next command delivers it and says so."""
    program.claim()
    contract.drop_ends()
    kept = program.run("complete", JOB, "done", PAGE)
    assert (kept.exit_code, kept.error["code"]) == (4, "queued")
    assert kept.error["details"]["outbox_id"] == kept.answer["outbox_id"]
    holds("contract-complete.json", kept.answer)
    contract.hear_again()
    later = program.run("touch")
    assert later.answer["outbox"] == {
        "delivered": [{"outbox_id": kept.answer["outbox_id"], "command": "complete", "job": JOB}],
        "refused": [],
    }
    holds("contract-touch.json", later.answer)
    assert contract.effects == {
        "1.first-secret": ("complete", JOB, {"summary": "done", "artifacts": json.loads(PAGE)})
    }
    assert program.waiting() == []
    assert "outbox" not in program.run("touch").answer


@pytest.mark.parametrize(
    "trouble",
    [
        error(503, "database_unavailable"),
        error(500, "internal_error"),
        Trouble(502, b"<html>"),
        Trouble(act=True),
    ],
    ids=["503", "500", "gateway", "cut after the act"],
)
@pytest.mark.parametrize("command", ["complete", "fail", "release"])
def test_every_trouble_of_the_server_queues(
    trouble: Trouble, command: str, program: Program, contract: ContractServer
) -> None:
    """Each end of a job is kept when the server answers with its own trouble or not at all, and takes
    effect once.
    """
    program.claim()
    contract.troubles[command].append(trouble)
    arguments = [JOB, "text", PAGE] if command == "complete" else [JOB, "text"]
    assert program.run(command, *arguments).error["code"] == "queued"
    assert program.run("claim").answer["outbox"]["delivered"][0]["command"] == command
    assert [(verb, job) for verb, job, _ in contract.effects.values()] == [(command, JOB)]
    assert program.waiting() == []


def test_no_job_is_claimed_before_the_outbox_is_delivered(program: Program, contract: ContractServer) -> None:
    """A claim delivers first; while it cannot, it answers `queued` and asks for no job."""
    program.claim()
    contract.drop_ends()
    kept = program.run("fail", JOB, "no")
    contract.seen.clear()
    outcome = program.run("claim")
    assert (outcome.exit_code, outcome.error["code"]) == (4, "queued")
    assert outcome.answer["outbox_id"] == kept.answer["outbox_id"]
    assert contract.verbs() == ["fail"]
    holds("contract-claim.json", outcome.answer)
    contract.hear_again()
    contract.jobs.append(claimed(OTHER_JOB, "2.second-secret"))
    assert program.run("claim").answer["job"]["id"] == OTHER_JOB
    assert contract.verbs() == ["fail", "fail", "claim"]


def test_ends_are_delivered_in_their_order(program: Program, contract: ContractServer) -> None:
    """Several ends are delivered oldest first, also when the newest command is itself an end of a job."""
    contract.drop_ends()
    jobs = [f"job-{number}" for number in range(4)]
    for job in jobs[:3]:
        program.run("release", job, "no")
    contract.hear_again()
    contract.seen.clear()
    last = program.run("release", jobs[3], "no")
    assert [seen.job for seen in contract.seen] == jobs
    assert [entry["job"] for entry in last.answer["outbox"]["delivered"]] == jobs[:3]


def test_a_repeated_end_stands_once(program: Program, contract: ContractServer) -> None:
    """Repeating an end while it waits adds nothing; what was said last is what is delivered, in the first
    one's place.
    """
    program.claim()
    contract.drop_ends()
    ids = [program.run("complete", JOB, text, PAGE).answer["outbox_id"] for text in ("one", "one", "two")]
    program.run("release", "other", "no")
    assert len(set(ids)) == 1
    assert [entry["job"] for entry in program.waiting()] == [JOB, "other"]
    contract.hear_again()
    contract.seen.clear()
    program.run("touch")
    assert [(seen.verb, seen.json.get("summary")) for seen in contract.seen[:2]] == [
        ("complete", "two"),
        ("release", None),
    ]


def test_a_refused_entry_is_put_aside_with_its_answer(program: Program, contract: ContractServer) -> None:
    """What the server finally refuses is kept for a person, told in the next answer and on stderr, and
    blocks nobody.
    """
    program.claim()
    contract.drop_ends()
    program.run("complete", JOB, "done", PAGE)
    program.run("release", "other", "no")
    contract.hear_again()
    contract.troubles["complete"].append(error(409, "stale_lease"))
    outcome = program.run("touch")
    assert [entry["error"]["code"] for entry in outcome.answer["outbox"]["refused"]] == ["stale_lease"]
    assert [entry["job"] for entry in outcome.answer["outbox"]["delivered"]] == ["other"]
    assert "refused" in outcome.stderr
    holds("contract-touch.json", outcome.answer)
    [refused] = program.refused()
    assert (refused["job"], refused["answer"]["error"]["code"]) == (JOB, "stale_lease")
    assert refused["body"]["summary"] == "done"


def test_a_wrong_token_keeps_what_waits(program: Program, contract: ContractServer) -> None:
    """A token that is refused today does not throw away what waits; with the right one it is delivered."""
    program.claim()
    contract.drop_ends()
    program.run("complete", JOB, "done", PAGE)
    contract.hear_again()
    contract.troubles["complete"].append(error(401, "unauthenticated"))
    outcome = program.run("claim")
    assert (outcome.error["code"], outcome.error["details"]["cause"]["code"]) == ("queued", "unauthenticated")
    assert program.run("touch").answer["outbox"]["delivered"][0]["job"] == JOB


def test_a_job_token_is_delivered_with_itself(program: Program, contract: ContractServer) -> None:
    """An end under a job token keeps that token; once the token is dead with its lease, the entry is
    refused.
    """
    contract.drop_ends()
    program.run("complete", JOB, "done", PAGE, WATCHKEEPER_TOKEN="job-token")
    assert [entry["bearer"] for entry in program.waiting()] == ["job-token"]
    contract.hear_again()
    contract.troubles["complete"].append(error(401, "unauthenticated"))
    program.run("touch")
    assert contract.last("complete").headers["authorization"] == "Bearer job-token"
    assert (program.waiting(), len(program.refused())) == ([], 1)
    assert "job-token" not in json.dumps(program.refused())


def test_a_workers_own_token_is_never_stored(program: Program, contract: ContractServer) -> None:
    """Under a lease the outbox keeps the lease's token only: the worker's own stays in its environment."""
    program.claim()
    contract.drop_ends()
    program.run("complete", JOB, "done", PAGE)
    stored = b"".join(path.read_bytes() for path in program.home.rglob("*") if path.is_file())
    assert TOKEN.encode() not in stored


def test_doctor_shows_what_waits(program: Program, contract: ContractServer) -> None:
    """Doctor fails the check `outbox` while an end of a job could not be delivered."""
    contract.drop_ends()
    program.run("fail", JOB, "no")
    outcome = program.run("doctor")
    assert outcome.exit_code == 3
    [check] = [check for check in outcome.answer["checks"] if check["name"] == "outbox"]
    assert (check["ok"], check["detail"]) == (False, f"1 wait; the first is 'fail' of job {JOB}")


def test_a_long_check_stays_in_the_outbox(program: Program, contract: ContractServer) -> None:
    """A command in passing does not wait for a long check: the entry stays until its end is known."""
    program.claim()
    contract.troubles["complete"].extend([Trouble(), answer(202, {"ok": True}, **{"Retry-After": "0"})])
    program.run("complete", JOB, "done", PAGE)
    assert "outbox" not in program.run("touch").answer
    assert len(program.waiting()) == 1
    assert program.run("touch").answer["outbox"]["delivered"][0]["job"] == JOB


def test_files_wait_with_their_end(program: Program, contract: ContractServer, tmp_path: Path) -> None:
    """A `complete` that names files keeps copies while the server is away: the workspace may be gone by
    then.
    """
    program.claim()
    page = tmp_path / "site" / "index.html"
    page.parent.mkdir()
    page.write_text("<h1>kept</h1>")
    contract.drop_ends()
    artifacts = json.dumps([{"kind": "html_page", "path": str(page.parent), "primary": True}])
    assert program.run("complete", JOB, "done", artifacts).error["code"] == "queued"
    page.write_text("changed since")
    contract.hear_again()
    contract.seen.clear()
    assert len(program.run("claim").answer["outbox"]["delivered"]) == 1
    assert contract.verbs() == ["files", "complete", "claim"]
    assert contract.last("files").files == {"index.html": b"<h1>kept</h1>"}
    assert contract.last("complete").json["artifacts"] == [
        {"kind": "html_page", "primary": True, "artifact_id": "art-index.html"}
    ]
    assert list(program.home.glob("contract/outbox/worker-1/[!.]*")) == []


def test_refused_files_are_put_aside_too(program: Program, contract: ContractServer, tmp_path: Path) -> None:
    """The files of a refused end go with it, so that a person can hand them in."""
    (tmp_path / "a.html").write_text("work")
    contract.drop_ends()
    program.run("complete", JOB, "done", '[{"kind": "html_page", "path": "a.html"}]')
    contract.hear_again()
    contract.troubles["files"].append(error(409, "stale_lease"))
    contract.troubles["complete"].append(error(409, "stale_lease"))
    program.run("touch")
    assert [path.read_text() for path in program.home.glob("contract/refused/*.files/**/a.html")] == ["work"]
    assert list(program.home.glob("contract/outbox/worker-1/*.files")) == []


def test_an_entry_that_nobody_can_read_is_put_aside(program: Program, contract: ContractServer) -> None:
    """A file in the outbox that is not ours blocks nobody and is not thrown away."""
    contract.drop_ends()
    program.run("fail", JOB, "no")
    [entry] = program.home.glob("contract/outbox/worker-1/*.json")
    entry.write_text("{broken")
    assert program.run("claim").exit_code == 0
    assert [path.read_text() for path in program.home.glob("contract/refused/*.unreadable")] == ["{broken"]
