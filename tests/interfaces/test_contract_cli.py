"""The contract CLI: each command's request and answer, its exit code, and the lease that it keeps."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from interfaces.contract_program import Program
from interfaces.contract_schemas import SCHEMAS, holds
from interfaces.contract_server import JOB, TOKEN, ContractServer, Trouble, answer, error
from watchkeeper.domain.errors import EXIT_CODE, HTTP_STATUS
from watchkeeper.interfaces.cli.contract import arguments, environment

ARTIFACTS = '[{"kind": "html_page", "artifact_id": "art-1", "primary": true}]'

COMMANDS: dict[str, list[str]] = {
    "doctor": [],
    "touch": [],
    "claim": [],
    "context": [JOB],
    "progress": [JOB, "drafting", "building_artifact"],
    "upload-files": [JOB, "index.html"],
    "verify": [JOB],
    "complete": [JOB, "a page", ARTIFACTS],
    "fail": [JOB, "it cannot be done"],
    "release": [JOB, "not mine"],
}
ON_A_JOB = [name for name, arguments in COMMANDS.items() if arguments]


def verb(command: str) -> str:
    return "files" if command == "upload-files" else command


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "index.html"
    path.write_text("<h1>看板</h1>")
    return path


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_schemas_are_schemas(path: Path) -> None:
    """Every published schema is itself valid, and is found under its own name."""
    document = json.loads(path.read_text())
    Draft202012Validator.check_schema(document)
    assert document["$id"] == path.name


@pytest.mark.parametrize("command", COMMANDS)
def test_answers_have_the_published_form(command: str, program: Program, page: Path) -> None:
    """Each command prints the server's answer, in the published form, and exits with 0."""
    outcome = program.run(command, *COMMANDS[command])
    assert outcome.exit_code == 0
    holds(f"contract-{command}.json", outcome.answer)


@pytest.mark.parametrize("code", [code for code in HTTP_STATUS if HTTP_STATUS[code] < 500])
def test_refusals_exit_by_the_table(code: str, program: Program, contract: ContractServer) -> None:
    """An error of the server is printed as it came and gives the exit code of the table."""
    failed = [{"check": "empty_body", "detail": "index.html is empty"}]
    contract.always["progress"] = error(HTTP_STATUS[code], code, {"Retry-After": "0"}, failed=failed)
    outcome = program.run("progress", *COMMANDS["progress"])
    assert outcome.exit_code == EXIT_CODE[code]
    assert outcome.answer == {
        "ok": False,
        "error": {"code": code, "message": f"it is {code}", "hint": "mend it", "details": {"failed": failed}},
    }
    holds("error.json", outcome.answer)


@pytest.mark.parametrize("code", ["database_unavailable", "internal_error"])
@pytest.mark.parametrize("command", ["touch", "claim", "context", "upload-files"])
def test_server_errors_exit_with_5(
    code: str, command: str, program: Program, contract: ContractServer, page: Path
) -> None:
    """A server that is in trouble itself is told from one that refuses."""
    contract.always[verb(command)] = error(HTTP_STATUS[code], code)
    outcome = program.run(command, *COMMANDS[command])
    assert (outcome.exit_code, outcome.error["code"]) == (5, code)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "doctor"])
@pytest.mark.parametrize("code", ["unauthenticated", "stale_lease", "gate_failed", "contract_rejected"])
def test_every_command_tells_a_refusal(
    code: str, command: str, program: Program, contract: ContractServer, page: Path
) -> None:
    """No command turns a refusal into success, and a refused end of a job is not queued."""
    contract.always[verb(command)] = error(HTTP_STATUS[code], code, failed=[])
    outcome = program.run(command, *COMMANDS[command])
    assert (outcome.exit_code, outcome.error["code"]) == (3, code)
    assert program.waiting() == program.refused() == []


@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name not in {"complete", "fail", "release"}]
)
def test_an_absent_server_exits_with_4(
    command: str, program: Program, contract: ContractServer, page: Path
) -> None:
    """Without a server each asking command says so, names the address, and exits with 4."""
    contract.stop()
    outcome = program.run(command, *COMMANDS[command])
    assert (outcome.exit_code, outcome.error["code"]) == (4, "server_unreachable")
    assert contract.url in outcome.error["message"]
    holds(f"contract-{command}.json", outcome.answer)


def test_requests_carry_the_arguments(program: Program, contract: ContractServer) -> None:
    """Bodies have the arguments' names, and every request carries the bearer token."""
    program.run("touch", "--automation-id", "nightly")
    program.run("claim", "--kind", "report", "--wait=1.5", "--kind", "page")
    program.run("progress", "--payload", '{"pages": 3}', JOB, "third page", "build")
    program.run("verify", JOB, "--url", "https://example.org/x")
    program.run("doctor", "--system")
    program.run("complete", JOB, "done", '{"artifacts": []}')
    program.run("release", JOB, "no")
    bodies = {seen.verb: seen.json for seen in contract.seen}
    assert bodies == {
        "touch": {"worker_id": "worker-1", "automation_id": "nightly"},
        "claim": {"worker_id": "worker-1", "kinds": ["report", "page"], "wait_seconds": 1.5},
        "progress": {"message": "third page", "phase": "build", "payload": {"pages": 3}},
        "verify": {"url": "https://example.org/x"},
        "doctor": {"worker_id": "worker-1", "system": True},
        "complete": {"summary": "done", "artifacts": []},
        "release": {"reason": "no"},
    }
    assert {seen.headers["authorization"] for seen in contract.seen} == {f"Bearer {TOKEN}"}
    assert contract.seen[2].path == f"/api/worker/jobs/{JOB}/progress"


def test_a_claim_keeps_its_lease_for_the_job(program: Program, contract: ContractServer, page: Path) -> None:
    """The lease token is kept in a private file and sent with every later command on that job, and no
    other.
    """
    program.claim()
    kept = program.home / "contract" / "leases" / "worker-1" / f"{JOB}.json"
    assert json.loads(kept.read_text())["lease_token"] == "1.first-secret"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in list(kept.parents)[:3]} == {0o700}
    for command in ON_A_JOB:
        program.run(command, *COMMANDS[command])
        assert contract.seen[-1].lease == "1.first-secret"
    program.run("context", "another-job")
    program.run("touch")
    assert [seen.lease for seen in contract.seen[-2:]] == [None, None]


def test_a_job_is_known_by_its_foreign_id_too(program: Program, contract: ContractServer) -> None:
    """A job that is named by its foreign id finds the same lease, and the id stays one part of the path."""
    program.claim()
    program.run("context", "foreign/0001")
    assert contract.seen[-1].lease == "1.first-secret"
    assert contract.seen[-1].path == "/api/worker/jobs/foreign%2F0001/context"


def test_another_worker_has_no_lease(program: Program, contract: ContractServer) -> None:
    """Leases are kept per worker: what one claimed, another on the same machine does not send."""
    program.claim()
    program.run("context", JOB, WATCHKEEPER_WORKER_ID="../worker 2")
    assert contract.seen[-1].lease is None


def test_a_dot_is_the_job_of_this_session(program: Program, contract: ContractServer) -> None:
    """JOB may be a dot inside a session; outside one that is a clear error."""
    program.run("context", ".", WATCHKEEPER_JOB_ID=JOB)
    assert contract.seen[-1].job == JOB
    outcome = program.run("context", ".")
    assert outcome.error["code"] == "usage"
    assert "WATCHKEEPER_JOB_ID" in outcome.error["message"]


def test_no_job_is_an_answer(program: Program, contract: ContractServer) -> None:
    """A claim that finds nothing exits with 0 and says what was declined."""
    contract.jobs.clear()
    outcome = program.run("claim")
    assert (outcome.exit_code, outcome.answer["job"], outcome.answer["no_job_count"]) == (0, None, 1)
    holds("contract-claim.json", outcome.answer)


def test_the_address_is_read_from_the_home(program: Program, contract: ContractServer) -> None:
    """Without WATCHKEEPER_URL the address of the running server is read from the home's url file, or the
    config.
    """
    program.home.mkdir()
    (program.home / "url").write_text(f"{contract.url}\n")
    assert program.run("touch", WATCHKEEPER_URL=None).exit_code == 0
    config = program.home / "watchkeeper.toml"
    config.write_text(f'home = "{program.home}"\nworker_id = "configured"\n')
    outcome = program.run(
        "touch",
        WATCHKEEPER_URL=None,
        WATCHKEEPER_HOME=None,
        WATCHKEEPER_WORKER_ID=None,
        WATCHKEEPER_CONFIG=str(config),
    )
    assert outcome.answer["worker_id"] == "configured"


def test_a_worker_without_a_name_has_a_stable_one(program: Program) -> None:
    """The default worker id is derived from machine and user, and is the same each time."""
    ids = {program.run("touch", WATCHKEEPER_WORKER_ID=None).answer["worker_id"] for _ in range(2)}
    assert len(ids) == 1


def test_complete_waits_for_a_long_check(program: Program, contract: ContractServer) -> None:
    """A 202 is followed up with the same lease until the end is known."""
    program.claim()
    contract.troubles["complete"].extend([answer(202, {"ok": True}, **{"Retry-After": "0"})] * 3)
    outcome = program.run("complete", *COMMANDS["complete"])
    assert outcome.answer == {"ok": True, "status": "completed", "verified": "artifact"}
    assert [seen.lease for seen in contract.seen if seen.verb == "complete"] == ["1.first-secret"] * 4


def test_rate_limits_are_waited_out(program: Program, contract: ContractServer) -> None:
    """A 429 is tried again as Retry-After says, three times in all, and refused at the third or when it
    asks too much.
    """
    contract.troubles["touch"].extend([error(429, "rate_limited", {"Retry-After": "0"})] * 2)
    assert program.run("touch").exit_code == 0
    contract.troubles["touch"].extend([error(429, "rate_limited", {"Retry-After": "0"})] * 3)
    assert program.run("touch").error["code"] == "rate_limited"
    contract.troubles["touch"].append(error(429, "rate_limited", {"Retry-After": "600"}))
    assert program.run("touch").exit_code == 3
    assert len(contract.seen) == 3 + 3 + 1


def test_unknown_codes_exit_by_their_status(program: Program, contract: ContractServer) -> None:
    """A newer server's unknown code is printed as it is; its status decides between refused and server
    error.
    """
    contract.troubles["touch"].extend([error(418, "teapot"), error(507, "full")])
    assert [program.run("touch").exit_code for _ in range(2)] == [3, 5]


def test_problems_without_the_contracts_error_are_read(program: Program, contract: ContractServer) -> None:
    """A bare problem+json, as a framework makes it, still becomes an error of the table."""
    contract.troubles["touch"].append(answer(422, {"detail": [{"msg": "field required"}]}))
    contract.troubles["touch"].append(answer(404, {"title": "gone", "code": "job_not_found"}))
    first, second = program.run("touch"), program.run("touch")
    assert first.error["details"]["detail"] == [{"msg": "field required"}]
    assert (second.error["code"], second.exit_code) == ("job_not_found", 3)


def test_a_cut_connection_is_an_absent_server(program: Program, contract: ContractServer) -> None:
    """A connection that is cut before the answer is told as such, with exit 4."""
    contract.troubles["context"].append(Trouble())
    outcome = program.run("context", JOB)
    assert (outcome.exit_code, outcome.error["code"]) == (4, "server_unreachable")
    assert "cut" in outcome.error["message"]


def test_the_reference_names_everything() -> None:
    """Each command with its usage, each error code and each variable stands in the reference."""
    reference = (SCHEMAS.parent / "contract.md").read_text()
    for command in arguments.COMMANDS.values():
        assert f"`{command.usage.removeprefix('watchkeeper ')}`" in reference
        assert f"contract-{command.name}.json" in reference
    assert [code for code in EXIT_CODE if f"`{code}`" not in reference] == []
    source = (Path(environment.__file__)).read_text()
    assert [name for name in re.findall(r"WATCHKEEPER_[A-Z_]+", source) if f"`{name}`" not in reference] == []
