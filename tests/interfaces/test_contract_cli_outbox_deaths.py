"""The outbox when commands die or run side by side: nothing is lost, and each end takes effect once."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from interfaces.contract_program import Program, finish
from interfaces.contract_server import (
    JOB,
    ContractServer,
    Gate,
    Trouble,
)

PAGE = '[{"kind": "html_page", "artifact_id": "art-1", "primary": true}]'


@pytest.mark.parametrize("act", [False, True], ids=["before it acts", "after it acted"])
def test_a_killed_command_loses_nothing(act: bool, program: Program, contract: ContractServer) -> None:
    """SIGKILL while the server thinks leaves the end on disk; the next command delivers it, and it counts
    once.
    """
    program.claim()
    gate = Gate()
    contract.troubles["complete"].append(Trouble(act=act, gate=gate))
    process = program.start("complete", JOB, "done", PAGE)
    assert gate.reached.wait(10)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    gate.opened.set()
    assert len(program.waiting()) == 1
    assert len(program.run("touch").answer["outbox"]["delivered"]) == 1
    assert contract.verbs().count("complete") == 2
    assert len(contract.effects) == 1


def test_a_killed_delivery_loses_nothing(program: Program, contract: ContractServer) -> None:
    """SIGKILL of the command that delivers leaves the entry, and its lock with nobody."""
    contract.drop_ends()
    program.run("fail", "job-a", "no")
    program.run("fail", "job-b", "no")
    contract.hear_again()
    gate = Gate()
    contract.troubles["fail"].append(Trouble(act=True, gate=gate))
    process = program.start("claim")
    assert gate.reached.wait(10)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    gate.opened.set()
    assert [entry["job"] for entry in program.run("claim").answer["outbox"]["delivered"]] == [
        "job-a",
        "job-b",
    ]


def test_two_commands_at_once_deliver_once(program: Program, contract: ContractServer) -> None:
    """While one command delivers, another asks its own question and leaves the outbox alone."""
    contract.drop_ends()
    program.run("fail", "job-a", "no")
    contract.hear_again()
    gate = Gate()
    contract.troubles["fail"].append(Trouble(200, b'{"ok": true}', gate=gate))
    first = program.start("touch")
    assert gate.reached.wait(10)
    assert program.run("progress", JOB, "on", "build").exit_code == 0
    gate.opened.set()
    assert len(finish(first).answer["outbox"]["delivered"]) == 1
    assert contract.verbs().count("fail") == 2  # the one that was queued, the one that was delivered


def test_two_ends_of_one_job_at_once_both_learn_the_answer(
    program: Program, contract: ContractServer
) -> None:
    """The same end from two processes at once takes effect once, and both are told."""
    program.claim()
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: program.run("complete", JOB, "done", PAGE), range(4)))
    assert [outcome.answer["status"] for outcome in outcomes] == ["completed"] * 4
    assert len(contract.effects) == 1
    assert program.waiting() == []
