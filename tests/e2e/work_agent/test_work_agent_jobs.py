"""What becomes of jobs that are commands: completed with evidence, blocked without it, failed, cancelled, timed out."""

from __future__ import annotations

from e2e.work_agent.desk import PAGE, Desk

REPORT = {"required_kinds": ["html_page"]}


def test_a_command_with_a_real_page_completes(desk: Desk) -> None:
    """A job that leaves the page which its contract asks for, named in artifacts.json, is completed by evidence."""
    desk.worker()
    job = desk.put(
        f"echo '{PAGE}' > page.html; echo hello; "
        """echo '{"summary":"made it","artifacts":[{"kind":"html_page","path":"page.html"}]}' > artifacts.json""",
        contract=REPORT,
    )
    done = desk.wait_for(job, "completed", "stuck", "failed")
    assert (done["state"], done["verified"], done["summary"]) == ("completed", "artifact", "made it")


def test_files_that_are_only_left_are_found(desk: Desk) -> None:
    """Without artifacts.json the files in the workspace are handed in."""
    desk.worker()
    job = desk.put(f"mkdir site; echo '{PAGE}' > site/index.html", contract=REPORT)
    assert desk.wait_for(job, "completed", "stuck", "failed")["verified"] == "artifact"


def test_done_over_an_empty_page_is_blocked(desk: Desk) -> None:
    """Exit code 0 over an empty artifact is not believed: the job is stuck, with the failed check."""
    desk.worker()
    job = desk.put(": > page.html", contract=REPORT)
    stuck = desk.wait_for(job, "completed", "stuck", "failed")
    assert stuck["state"] == "stuck"


def test_a_command_without_a_contract_completes_unverified(desk: Desk) -> None:
    """Where nothing is asked for, exit code 0 is enough, and is said to be unverified."""
    desk.worker()
    assert desk.wait_for(desk.put("true"), "completed")["verified"] == "none"
