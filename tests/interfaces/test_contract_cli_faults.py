"""Faults around the contract CLI: wrong surroundings, a full disk, signals, foreign answers, lost outputs."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from interfaces.contract_program import Program, finish
from interfaces.contract_server import JOB, ContractServer, Gate, Trouble, answer
from watchkeeper.interfaces.cli.contract.leases import KEPT_LEASES, LeaseStore


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"WATCHKEEPER_HOME": None, "HOME": None}, "neither WATCHKEEPER_HOME"),
        ({"WATCHKEEPER_HOME": "/proc/nowhere"}, "/proc/nowhere"),
        ({"WATCHKEEPER_TOKEN": "two words"}, "WATCHKEEPER_TOKEN holds characters"),
        ({"WATCHKEEPER_WORKER_ID": "a\nb"}, "WATCHKEEPER_WORKER_ID"),
        ({"WATCHKEEPER_URL": "nonsense"}, "it looks like http://"),
        ({"WATCHKEEPER_CONFIG": "/nowhere.toml"}, "/nowhere.toml cannot be read"),
    ],
)
def test_a_claim_with_wrong_surroundings_takes_no_job(
    environ: dict[str, str | None], told: str, program: Program, contract: ContractServer
) -> None:
    """A home that cannot be written, or a wrong setting, is told before a job is taken that could not be
    kept.
    """
    outcome = program.run("claim", **environ)
    assert (outcome.exit_code, outcome.error["code"]) == (2, "usage")
    assert told in outcome.error["message"]
    assert contract.seen == []


def test_a_job_can_be_ended_without_a_home(program: Program, contract: ContractServer) -> None:
    """Without a folder for the outbox a reachable server still takes the end of a job; an absent one is
    told honestly.
    """
    nowhere: dict[str, str | None] = {"WATCHKEEPER_HOME": None, "HOME": None}
    assert program.run("complete", JOB, "done", "[]", **nowhere).exit_code == 0
    contract.stop()
    outcome = program.run("complete", JOB, "done", "[]", **nowhere)
    assert (outcome.exit_code, outcome.error["code"]) == (4, "server_unreachable")
    assert "NOT kept" in outcome.error["message"]


def test_a_foreign_answer_is_not_taken_for_ours(program: Program, contract: ContractServer) -> None:
    """A proxy's page, another program's JSON or a redirect is told as what it is, never as success."""
    contract.troubles["touch"].extend(
        [
            Trouble(502, b"<html>Bad Gateway</html>"),
            Trouble(404, b"<html>nginx</html>"),
            answer(200, {"status": "fine"}),
            answer(200, ["ok"]),
            Trouble(301, b"", {"Location": "https://elsewhere.example/"}),
        ]
    )
    outcomes = [program.run("touch") for _ in range(5)]
    assert [outcome.exit_code for outcome in outcomes] == [4, 5, 5, 5, 5]
    assert outcomes[0].error["code"] == "server_unreachable"
    assert all(contract.url in outcome.error["message"] for outcome in outcomes)


def test_an_interrupted_command_still_answers(program: Program, contract: ContractServer) -> None:
    """Ctrl-C while the server thinks gives JSON and exit code 4, and an end of a job is kept."""
    gate = Gate()
    contract.troubles["context"].append(Trouble(gate=gate))
    asking = program.start("context", JOB)
    assert gate.reached.wait(10)
    asking.send_signal(signal.SIGINT)
    assert finish(asking).error["code"] == "server_unreachable"
    gate.opened.set()
    second = Gate()
    contract.troubles["fail"].append(Trouble(gate=second))
    ending = program.start("fail", JOB, "no")
    assert second.reached.wait(10)
    ending.send_signal(signal.SIGINT)
    outcome = finish(ending)
    assert (outcome.exit_code, outcome.error["code"]) == (4, "queued")
    assert [entry["id"] for entry in program.waiting()] == [outcome.answer["outbox_id"]]
    second.opened.set()


@pytest.mark.parametrize("stdout", ["/dev/full", "closed pipe", "&-"])
def test_an_answer_nobody_can_read_is_no_success(stdout: str, program: Program) -> None:
    """With a full, broken or closed stdout the exit code is 5, never 0 without an answer, and no traceback
    shows.
    """
    python = [sys.executable, "-m", "watchkeeper", "touch"]
    if stdout == "closed pipe":
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(python, env=program.environ, stdout=writer, stderr=subprocess.PIPE, check=False)
        os.close(writer)
    else:
        shell = ["sh", "-c", f'exec "$@" >{stdout}', "sh", *python]
        done = subprocess.run(shell, env=program.environ, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 5
    assert b"Traceback" not in done.stderr


def test_drafts_and_leases_are_private(program: Program) -> None:
    """Nothing that is kept can be read by another user, whatever the umask says."""
    former = os.umask(0)
    try:
        program.claim()
    finally:
        os.umask(former)
    modes = {
        stat.S_IMODE(path.stat().st_mode) for path in (program.home / "contract").rglob("*") if path.is_file()
    }
    assert modes == {0o600}


def test_a_full_disk_is_told(program: Program, contract: ContractServer) -> None:
    """With no room for a lease the claim says so and names the way out; a job can still be ended."""
    claim = finish(program.start_without_room("claim"))
    assert (claim.exit_code, claim.error["code"]) == (5, "internal_error")
    assert "its lease cannot be kept: File too large" in claim.error["message"]
    ended = finish(program.start_without_room("complete", JOB, "done", "[]"))
    assert (ended.exit_code, ended.answer["status"]) == (0, "completed")
    contract.stop()
    lost = finish(program.start_without_room("complete", JOB, "done", "[]"))
    assert (lost.exit_code, lost.error["code"]) == (4, "server_unreachable")
    assert "NOT kept" in lost.error["message"]


@pytest.mark.parametrize(
    "trouble", ["ValueError(os.environ['WATCHKEEPER_TOKEN'])", "MemoryError()", "OSError(28, 'x')"]
)
def test_what_nobody_foresaw_is_an_internal_error(trouble: str, program: Program) -> None:
    """Whatever breaks inside the program is answered in JSON, by kind and place, without its text."""
    script = f"""if True:
        import os, sys
        from watchkeeper.interfaces.cli.contract import program
        def broken(caller):
            raise {trouble}
        program.COMMANDS["touch"] = broken
        sys.exit(program.run(["touch"]))"""
    outcome = finish(program.start_python("-c", script))
    assert (outcome.exit_code, outcome.error["code"]) == (5, "internal_error")
    assert outcome.error["details"]["exception"] == trouble.partition("(")[0]


def test_old_leases_make_room(tmp_path: Path) -> None:
    """The newest hundred leases are kept, so that the folder does not grow for ever."""
    store = LeaseStore(tmp_path, "worker")
    store.prepare()
    for number in range(KEPT_LEASES + 5):
        store.keep({"id": f"job-{number}", "lease_token": f"1.{number}"})
    assert store.token(f"job-{KEPT_LEASES + 4}") == f"1.{KEPT_LEASES + 4}"
    assert len(list(tmp_path.rglob("*.json"))) == KEPT_LEASES
