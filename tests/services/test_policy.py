"""Which policy is in force: read anew while the program runs, and never a worse one than the last good."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.placed import DocumentRefused
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.names import RepairAction, RuleName
from watchkeeper.services.policy import Policies
from watchkeeper.settings import FIELDS

GOOD = "version: first\nowner: ana\n"
BETTER = "version: second\nowner: bo\nself_heal: {requires_human: [reclaim]}\n"
BAD = "version: third\nownr: bo\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "it.yaml").write_text(GOOD)
    return tmp_path / "it.yaml"


def replaced(file: Path, text: str) -> None:
    fresh = file.with_name("fresh")
    fresh.write_text(text)
    fresh.rename(file)


def rewritten(file: Path, text: str) -> None:
    file.write_text(text)
    os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + 1))


def looked(policies: Policies) -> Policy:
    policies.look()
    policies.look()
    return policies.current()


def test_without_a_document_the_defaults_hold() -> None:
    """Nothing needs to be written for a policy to be in force."""
    policies = Policies()
    assert looked(policies) == Policy(digest=policies.current().digest)
    assert policies.current() is policies.current()


@pytest.mark.parametrize("write", [replaced, rewritten])
def test_a_changed_document_is_in_force_without_a_restart(
    file: Path, write: Callable[[Path, str], None]
) -> None:
    """A document that was replaced, or written in place, is taken once it rested for a look."""
    policies = Policies(file, FIELDS)
    assert policies.current().owner == "ana"
    write(file, BETTER)
    assert policies.look() is False
    assert policies.look() is True
    policy = policies.current()
    assert (policy.version, policy.owner) == ("second", "bo")
    mode = policy.mode(RuleName.LEASE_EXPIRED, RepairAction.RECLAIM, is_mirrored=False)
    assert mode == "supervisor"


def test_half_of_a_document_is_never_taken(file: Path) -> None:
    """While somebody writes it, what stands there may allow more than what will: it is read when it rests."""
    policies = Policies(file, FIELDS)
    policies.current()
    for length in range(1, len(BETTER), 7):
        rewritten(file, BETTER[:length])
        assert policies.look() is False
        assert (policies.current().version, policies.trouble) == ("first", None)
    rewritten(file, BETTER)
    assert looked(policies).version == "second"


@pytest.mark.parametrize("text", [BAD, "a: [", "\0", "policy: {reclaim: maybe}\n"])
def test_a_bad_document_leaves_the_last_good_policy_in_force(file: Path, text: str) -> None:
    """It is told what is wrong and where, until the document is good again."""
    policies = Policies(file, FIELDS)
    good = policies.current()
    replaced(file, text)
    assert looked(policies) is good
    assert policies.trouble is not None
    assert "line 1" in policies.trouble or "line 2" in policies.trouble
    replaced(file, GOOD)
    assert looked(policies) == good
    assert policies.trouble is None


def test_a_document_that_went_away_leaves_its_policy_in_force(file: Path) -> None:
    """A missing file is no empty document."""
    policies = Policies(file, FIELDS)
    policies.current()
    file.unlink()
    assert looked(policies).owner == "ana"
    assert policies.trouble is not None
    assert "cannot be read" in policies.trouble


def test_without_a_good_policy_nothing_begins(file: Path, tmp_path: Path) -> None:
    """At the start there is no last good one: what is wrong is told instead."""
    file.write_text(BAD)
    with pytest.raises(DocumentRefused, match=r"it\.yaml has 1 error"):
        Policies(file, FIELDS).current()
    with pytest.raises(SettingError, match="cannot be read"):
        Policies(tmp_path / "none.yaml").current()


async def test_what_is_in_force_where_is_kept_and_told(app: App, file: Path) -> None:
    """The database knows each policy, who goes by it, and who refused what; the trail and the diagnosis tell it."""
    replaced(file, GOOD + "kinds: {build: {project: site, max_attempts: 7}}\n")
    policies = Policies(file, FIELDS, redactor=app.redactor)
    duty = policies.duty(app.database, "watch")
    await duty.run_once()
    first = policies.current().digest
    (kind,) = (await app.kinds.list("site"))[0]
    assert (kind["kind"], kind["max_attempts"]) == ("build", 7)

    replaced(file, BAD)
    for _ in range(3):
        await duty.run_once()
    (holder,) = await rows(app.database, "SELECT * FROM watchkeeper.policy_holders")
    assert (holder["digest"], holder["process"], holder["source"]) == (first, "watch", str(file))
    assert "did you mean 'owner'?" in holder["trouble"]
    check = {one.name: one for one in await app.diagnosis.system()}["policy"]
    assert (check.ok, "its document is refused" in check.detail) == (False, True)

    replaced(file, BETTER)
    for _ in range(3):
        await duty.run_once()
    second = policies.current().digest
    check = {one.name: one for one in await app.diagnosis.system()}["policy"]
    assert (check.ok, "policy second" in check.detail) == (True, True)
    changes = await rows(
        app.database, "SELECT data FROM watchkeeper.audit_events WHERE event = 'policy_changed' ORDER BY seq"
    )
    assert [(one["data"]["before"], one["data"]["digest"]) for one in changes] == [
        (None, first),
        (first, second),
    ]
    kept = await rows(
        app.database, "SELECT digest, document FROM watchkeeper.policies ORDER BY first_loaded_at"
    )
    assert [one["digest"] for one in kept] == [first, second]
    assert kept[1]["document"]["owner"] == "bo"


async def test_a_process_that_starts_again_changes_nothing(app: App, file: Path) -> None:
    """A restart under the same document writes no change; another document elsewhere is told as a difference."""
    for _ in range(2):
        await Policies(file, FIELDS).duty(app.database, "watch").run_once()
    count = "SELECT count(*) AS n FROM watchkeeper.audit_events WHERE event = 'policy_changed'"
    assert (await rows(app.database, count))[0]["n"] == 1
    other = file.with_name("other.yaml")
    replaced(other, BETTER)
    await Policies(other, FIELDS).duty(app.database, "serve").run_once()
    check = {one.name: one for one in await app.diagnosis.system()}["policy"]
    assert (check.ok, check.detail.startswith("different policies are in force: ")) == (False, True)
