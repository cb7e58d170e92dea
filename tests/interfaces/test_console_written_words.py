"""What the program writes down about trouble is said in both languages: rules, causes, plans, notes and notices."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from watchkeeper.domain import alert_words
from watchkeeper.domain.cause_words import CAUSES, cause
from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.evidence import GateCheck
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.messages import MessageLanguage, MessageName, facts_of, message
from watchkeeper.domain.repair_plans import CARRIED_OUT_BY, ON_JOBS, ON_KINDS, ON_WORKERS, make_plan
from watchkeeper.domain.repairs import Authority, Target
from watchkeeper.domain.rules import commands, evidence, leases, queues, sessions, sight, workers
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import RepairAction, RuleName, Severity
from watchkeeper.domain.sessions.diagnosis import FailureClass
from watchkeeper.interfaces.console import trouble, words
from watchkeeper.interfaces.console.i18n import LANGUAGES, load
from watchkeeper.interfaces.console.written_words import NOTES, NOTICES, PLANS, tell
from watchkeeper.services.repairs import breaker, planning

CHINESE = re.compile("[一-鿿]")
EN, ZH = load("en"), load("zh_Hant")
RULE_MODULES = (commands, evidence, leases, queues, sessions, sight, workers)
MADE = frozenset({"_moment", "_finding"})
"""What makes a finding in the modules of rules; the cause is among its arguments."""


def causes_in(module: Any) -> Iterator[str]:
    """Give the causes that a module of rules names: what its findings are made with, and what is put by for them."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        match node:
            case ast.Call(func=ast.Name(id=name), args=args) if name in MADE:
                yield from (one for arg in args for one in literals(arg))
            case ast.Assign(targets=[ast.Name(id="cause" | "_SAID_IN")], value=value):
                yield from literals(value)
            case ast.For(target=ast.Tuple(elts=[*_, ast.Name(id="cause")]), iter=ast.Tuple(elts=rows)):
                yield from (one for row in rows for one in literals(row))


def literals(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) if re.fullmatch("[a-z]+(_[a-z]+)*", text):
            yield text
        case ast.Dict(values=values):
            yield from (one for value in values for one in literals(value))
        case ast.IfExp(body=body, orelse=other):
            yield from (*literals(body), *literals(other))
        case ast.BoolOp(values=parts) | ast.Tuple(elts=parts):
            yield from (one for part in parts for one in literals(part))


def test_every_cause_has_words() -> None:
    """A cause that a rule finds, or that it takes over from a closed list, is said in both languages."""
    found = {one for module in RULE_MODULES for one in causes_in(module)}
    assert {"not_reaped", "supervisor_silent", "in_agent_output", "no_artifact", "not_ok"} <= found
    found |= {*FailureClass, *AttemptCause, *GateCheck, *commands.NO_OUTPUT, *commands.OF_THE_WIRE}
    assert found - set(CAUSES) == set()
    for name, (english, chinese) in CAUSES.items():
        assert english != name
        assert CHINESE.search(chinese), name
    assert cause("what a person told", MessageLanguage.ZH_HANT) == "what a person told"


def test_every_rule_and_action_has_words() -> None:
    """None of them is shown by its name: in a list, in a story, in an alert, as what it leaves alone."""
    rules, actions = {*RuleName}, {*RepairAction}
    assert rules <= set(trouble.RULES)
    assert rules <= set(trouble.CLOSES)
    assert rules <= set(alert_words.FOUND)
    assert actions <= set(trouble.ACTIONS)
    assert actions <= set(alert_words.DONE)
    assert actions <= set(trouble.STAYS) | {"reap"}
    assert set(Severity) <= set(trouble.SEVERITIES)
    assert set(Authority) <= set(words.ROLES)
    assert {rule.name.value: rule.sentence for rule in RULES.values()} == {
        name: text for name, text in trouble.RULES.items() if name in rules
    }


def plans() -> Iterator[Any]:
    """Make every plan that there is: each action on each image that it fits."""
    job: dict[str, Any] = {"epoch": 3, "worker_id": "w1", "lease": "live", "origin": "own"}
    for action in RepairAction:
        if action in ON_JOBS:
            states = ("pending", "running", "stuck", "paused", "failed", "cancelled")
            scenes = [
                (Target("job", "j1"), {**job, "state": state, "origin": origin}, arguments)
                for state, origin in product(states, ("own", "other queue"))
                for arguments in (
                    {"goes_to": "pending"},
                    {"goes_to": "failed"},
                    {"goes_to": "stuck", "ends_attempt": True},
                )
            ]
        elif action in ON_WORKERS:
            scenes = [(Target("worker", "w1"), {"stopped": stopped}, {}) for stopped in (True, False)]
        elif action in ON_KINDS:
            scenes = [(Target("kind", "build"), {"paused": False}, {"waiting": 12})]
        elif action.value.endswith("_session"):
            scenes = [(Target("session", "s1"), {"worker_id": "w1", "ended": False, "turns": 4}, {})]
        else:
            assert action in CARRIED_OUT_BY or action is RepairAction.PROPOSE
            scenes = [(Target("incident", "i1"), {}, {})]
        for target, image, arguments in scenes:
            try:
                yield make_plan(action, target, image, Authority.SUPERVISOR, arguments)
            except Conflict:
                continue


def test_every_plan_is_said_in_both_languages() -> None:
    """Steps, reach, and the undo or why there is none: no person approves what he cannot read."""
    made = list(plans())
    assert {plan.action for plan in made} == set(RepairAction)
    for plan in made:
        for text in (*plan.steps, plan.blast_radius, plan.undo, plan.no_undo_because):
            if text is not None:
                chinese = tell(text, ZH)
                assert chinese is not None, (plan.action, text)
                assert CHINESE.search(chinese) or chinese == "Worker w1", (plan.action, text, chinese)
                assert tell(text, EN), text


FILLED = {
    "target": "worker w1",
    "worker": "w1",
    "who": "principal:lin",
    "rule": "lease_expired",
    "found": "A running job's lease is about to end.",
    "action": "retouch",
    "state": "pending",
    "old": "running",
    "severity": "high",
    "hands": "holder",
    "authority": "supervisor",
    "n": "42",
    "why": "all claims are switched off",
}


@pytest.mark.parametrize("form", [*NOTES, *NOTICES, *PLANS])
def test_a_written_sentence_is_found_again(form: str) -> None:
    """Whatever name stands in it, each form is known by its own words, and told with the name."""
    places = re.findall(r"%\((\w+)\)s", form)
    written = form % {name: FILLED.get(name, "a: b, c's") for name in places}
    told = tell(written, ZH)
    assert told is not None
    assert all("a: b, c's" in told for name in places if name not in FILLED)
    assert "%" not in told.replace(" %", "")


def test_notes_of_the_program_have_their_forms() -> None:
    """What stands beside a repair that waits, or was held up, can be read."""
    for note in (planning.ONLY_OBSERVES, breaker.ACTIONS_OFF, planning.waits_for(Authority.OWNER)):
        assert note is not None
        assert CHINESE.search(tell(note, ZH) or "")
    assert any(form.startswith(breaker.TRIPPED_NOTE) for form in NOTES)


@pytest.mark.parametrize("name", MessageName)
def test_a_message_is_read_in_the_readers_language(name: MessageName) -> None:
    """What was sent in English is shown in Chinese to whoever reads it in Chinese, with the same facts."""
    facts = {fact: f"<{fact}>" for fact in facts_of(name)}
    told = tell(message(name, facts=facts).text, ZH)
    assert told == message(name, MessageLanguage.ZH_HANT, facts).text


@pytest.mark.parametrize("code", LANGUAGES)
def test_words_of_another_form_are_left_alone(code: str) -> None:
    """What a person wrote is not taken for the program's, and a long text costs no time."""
    language = load(code)
    assert tell("Lin says: leave it", language) is None
    assert tell("w" * 10_000 + ": " * 10_000 + " may claim", language) is None
