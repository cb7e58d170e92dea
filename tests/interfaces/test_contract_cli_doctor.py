"""`doctor`: what the server tells of itself, and what this side of the contract knows."""

from __future__ import annotations

from interfaces.contract_program import Program
from interfaces.contract_schemas import holds
from interfaces.contract_server import TRUE_ANSWERS, ContractServer, answer, error


def test_doctor_of_the_system_asks_as_the_homes_owner(program: Program, contract: ContractServer) -> None:
    """On the server's machine a person needs to name no token: the owner's lies there, as for operators' commands."""
    program.home.mkdir(parents=True, exist_ok=True)
    (program.home / "owner-token").write_text("wko_of-the-home\n")
    del program.environ["WATCHKEEPER_TOKEN"]
    program.run("doctor", "--system")
    program.run("doctor")
    asked = [seen.headers.get("authorization") for seen in contract.seen]
    assert asked == ["Bearer wko_of-the-home", None]


def test_doctor_with_a_failed_check_exits_with_3(program: Program, contract: ContractServer) -> None:
    """A failed check makes doctor's ok false, with all checks there: the server's and this side's."""
    bad = {"name": "database", "ok": False, "detail": "it is read-only"}
    contract.always["doctor"] = answer(
        200, TRUE_ANSWERS["doctor"] | {"ok": False, "worker_id": "w", "checks": [bad]}
    )
    outcome = program.run("doctor")
    assert outcome.exit_code == 3
    assert [check["name"] for check in outcome.answer["checks"]] == [
        "database",
        "token",
        "state_folder",
        "outbox",
    ]
    holds("contract-doctor.json", outcome.answer)


def test_doctor_tells_of_a_missing_token(program: Program, contract: ContractServer) -> None:
    """Without a token doctor says that it is missing, beside the server's refusal."""
    contract.always["doctor"] = error(401, "unauthenticated")
    outcome = program.run("doctor", WATCHKEEPER_TOKEN=None)
    assert (outcome.exit_code, outcome.error["code"]) == (3, "unauthenticated")
    told = [(check["name"], check["ok"]) for check in outcome.answer["checks"]]
    assert told[:2] == [("server", True), ("token", False)]
    assert [name for name, _ in told].count("token") == 1
    assert outcome.answer["server"]["ok"] is True
    assert outcome.answer["token_present"] is False
    assert "authorization" not in contract.seen[-1].headers
    holds("contract-doctor.json", outcome.answer)
