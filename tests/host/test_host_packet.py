"""Event packets: facts apart from unknowns, every gate named, nothing secret, and never too long to be read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from host.fake_proc import BOOT, NAMESPACE, NOW, FakeProc, attempt
from watchkeeper.domain.host_guard.card import card
from watchkeeper.domain.host_guard.evidence import judge
from watchkeeper.domain.host_guard.families import Family
from watchkeeper.domain.host_guard.figures import Judged
from watchkeeper.domain.host_guard.grouping import Group, groups_of
from watchkeeper.domain.host_guard.ledger import Ledger, Standing
from watchkeeper.domain.host_guard.packet import GATES, MOST_BYTES, Told, packet
from watchkeeper.domain.host_guard.seen import Key, Load, Scan, Seen
from watchkeeper.domain.redaction import Redactor
from watchkeeper.host.scan import HostScanner
from watchkeeper.services.host_guard.export import LEDGER

LEDGER_NOW = Ledger(NOW, {attempt("a/2"): Standing(is_live=False, ended_at=NOW - 600)})
TOKEN = "wkw_kFkK5LLgOzGElSFKpnDNM3yae9b8nhR5iI9U9SdmC"


def packets(machine: FakeProc, ledger: Ledger = LEDGER_NOW) -> list[dict[str, Any]]:
    scan = HostScanner(machine.root).scan(machine.now)
    told = Told("host-1", scan, [1.2] * 6, Redactor([TOKEN]).redact)
    return [packet(Judged(group, judge(group, scan, ledger), 1.2), told) for group in groups_of(scan)]


def test_an_orphans_packet_names_its_target_its_session_and_every_gate(tmp_path: Path) -> None:
    """One target, the browser itself; its children end with it; no gate but the plan of the post-check is met."""
    machine = FakeProc(
        tmp_path,
        "200 chromium job=a/2 cpu=900 age=1200 -- chromium --headless --remote-debugging-pipe",
        "201 chromium <200 cpu=50 -- chromium --type=renderer",
    )
    [told] = packets(machine)
    assert told["lane"] == "orphan_browser_smoke_runaway_process"
    assert told["classification"] == "host_resource_runaway_process"
    assert told["facts"] | {"session": None} == {
        "level": "A",
        "because": told["facts"]["because"],
        "family": "browser",
        "processes": 2,
        "age_seconds": 1200,
        "cpu_seconds": 950.0,
        "cores": 1.2,
        "last_windows_cores": [1.2] * 6,
        "is_hot": True,
        "load5_per_core": 0.25,
        "owner_uid": told["facts"]["owner_uid"],
        "session": None,
    }
    assert told["facts"]["session"]["attempt"] == 2
    [target] = told["dry_run"]["targets"]
    assert (target["pid"], target["boot_id"], target["pid_ns"]) == (200, BOOT, NAMESPACE)
    assert (told["dry_run"]["signal"], told["dry_run"]["what_ends_with_it"]) == ("SIGTERM", 1)
    assert {gate["gate"]: gate["met"] for gate in told["gates"]} == dict.fromkeys(GATES, False) | {
        "post_check_plan": True
    }
    assert all(gate["because"] for gate in told["gates"] if not gate["met"])
    assert told["may_act"] is False
    shown = card(told)
    assert "SIGTERM to 200" in shown
    assert "- [ ] owner approval: nobody has approved this plan" in shown


def test_ci_and_what_is_unproven_have_no_target(tmp_path: Path) -> None:
    """CI is a matter of capacity, and a guess one of looking: neither packet names a process to end."""
    machine = FakeProc(
        tmp_path,
        "100 Runner.Worker",
        "200 chromium age=9000 -- chromium --headless --remote-debugging-pipe",
        "300 chromium job=a/2 env=CI -- chromium --headless --remote-debugging-pipe",
    )
    found = {told["processes"][0]["pid"]: told for told in packets(machine)}
    assert (
        found[100]["action_policy"] == found[300]["action_policy"] == "capacity_triage_no_process_remediation"
    )
    assert found[200]["lane"] == "report_only"
    assert all(not told["dry_run"]["targets"] and not told["dry_run"]["allowed"] for told in found.values())
    assert all(told["gates"][0]["gate"] == "targets" for told in found.values())
    assert "whose it is: nothing proves a session" in found[200]["unknowns"]


def test_another_process_is_another_plan(tmp_path: Path) -> None:
    """The digest that a person approves changes when the pid passes to another process."""
    line = "200 chromium job=a/2 age={} -- chromium --headless --remote-debugging-pipe"
    machine = FakeProc(tmp_path, line.format(900))
    [first] = packets(machine)
    [again] = packets(machine)
    machine.add(line.format(800))
    [other] = packets(machine)
    assert first["dry_run"]["digest"] == again["dry_run"]["digest"] != other["dry_run"]["digest"]


def test_a_secret_in_a_command_line_is_not_passed_on(tmp_path: Path) -> None:
    """Commands are redacted; backticks in them do not end the card's fence."""
    machine = FakeProc(tmp_path)
    machine.add(f"200 chromium job=a/2 -- chromium --headless '--token={TOKEN}' '--note=```x'")
    [told] = packets(machine)
    assert TOKEN not in json.dumps(told)
    assert TOKEN not in card(told)
    assert card(told).count("```") == 2


@given(st.integers(1, 400), st.text(min_size=0, max_size=3000))
def test_a_packet_stays_in_its_bounds(count: int, text: str) -> None:
    """However many processes there are, and whatever they call themselves: at most 32 KiB."""
    members = tuple(
        Seen(Key(pid, 1), 1, 1, 1, text[:15], "S", 0, 1.0, NOW - 60, command=("chromium", text))
        for pid in range(2, count + 2)
    )
    scan = Scan(BOOT, NAMESPACE, NOW, 1000.0, 0.1, Load(4, 1.0, 0.5), {one.key.pid: one for one in members})
    group = Group(members[0], members, Family.BROWSER)
    made = packet(Judged(group, judge(group, scan, LEDGER_NOW), None), Told("h", scan, (), str))
    assert len(json.dumps(made, ensure_ascii=False).encode("utf-8", "surrogatepass")) <= MOST_BYTES
    assert made["processes_left_out"] + len(made["processes"]) == count


def test_the_command_tells_of_what_matters(tmp_path: Path) -> None:
    """`host triage` prints the packets of this machine's orphans; --pid of any group, and says where there is none."""
    machine = FakeProc(tmp_path / "proc", "200 claude job=a/2 -- claude -p", "300 bash tty=34816")
    (tmp_path / "state").mkdir()
    ledger = Ledger(2e9, {})
    (tmp_path / "state" / LEDGER).write_text(json.dumps(ledger.to_json()))
    command = [sys.executable, "-m", "watchkeeper", "host", "triage", "--state", str(tmp_path / "state")]
    command += ["--proc", str(machine.root)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    [told] = json.loads(done.stdout)["packets"]
    assert told["lane"] == "report_only"
    assert told["unknowns"][1:] == ["the server's word on sessions is old or missing"]
    done = subprocess.run([*command, "--pid", "300"], capture_output=True, text=True, check=False)
    assert (done.returncode, "process 300 is in no group" in done.stderr) == (3, True), done.stderr
