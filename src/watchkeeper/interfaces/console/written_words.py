"""What repairs and notices say, marked for translation: the forms that plans, notes and messages are written by.

Their writers are domain/repair_plans.py, domain/repair_words.py, services/repairs, and what tells of alert channels.
"""

from __future__ import annotations

import re

from watchkeeper.domain import alert_words
from watchkeeper.domain.messages import MESSAGES, MessageLanguage
from watchkeeper.domain.rules.names import RepairAction, RuleName
from watchkeeper.interfaces.console.i18n import Language, message
from watchkeeper.interfaces.console.sentences import Sentences
from watchkeeper.interfaces.console.trouble import RULES, SEVERITIES
from watchkeeper.interfaces.console.words import ATTEMPT_OUTCOMES, JOB_STATES, ROLES

PLANS = (
    message("nothing"),
    message("%(target)s"),
    message("it asks and changes nothing"),
    message("ask %(target)s for touch and doctor, at its next answer"),
    message("refuse the claims of %(target)s until a supervisor resumes it"),
    message("%(target)s: what it holds it keeps"),
    message("%(target)s may claim again"),
    message("it was stopped before"),
    message("let %(target)s claim again"),
    message("it is stopped again, with its reason"),
    message("let no job of %(target)s be claimed"),
    message("%(n)s waiting jobs, and what is added; what runs goes on"),
    message("%(target)s is resumed"),
    message("fail the %(n)s jobs of %(target)s that wait now"),
    message("%(n)s jobs, for good"),
    message("a failed job has ended; 'watchkeeper jobs requeue' makes a new one of it"),
    message("ask the supervisor %(worker)s to interrupt turn %(n)s of %(target)s"),
    message(
        "it resumes the same thread, or begins a fresh one where that is unsafe, while restarts are left"
    ),
    message("one turn of one session; its workspace and its lease stay"),
    message("a turn that was cut is not put back"),
    message("ask the supervisor %(worker)s to look for processes of %(target)s once more"),
    message("it ends those that it can prove to be the session's own, and tells of the others"),
    message("processes that are proven to be this session's own"),
    message("an ended process does not come back"),
    message("write a proposal about %(target)s for people to decide, unless one waits already"),
    message("the proposal is withdrawn, while nobody has decided it"),
    message("ask the %(hands)s to carry out %(action)s on %(target)s"),
    message("write down that %(action)s was decided for %(target)s"),
    message("ask its holder in '%(queue)s' for it"),
    message("nothing in the queue '%(queue)s'"),
    message("nothing of the other queue was touched; the mark stays in the record"),
    message("end the lease of %(worker)s under epoch %(n)s"),
    message("make the job claimable at once"),
    message("one attempt at one job: what %(worker)s does later under it is refused"),
    message(
        "its former worker, while it lives and was not told, gets a new lease under a new epoch; otherwise the job is "
        "paused with the reason"
    ),
    message("end the lease of %(worker)s as lost"),
    message("move the job to %(state)s, as its kind says of lost leases"),
    message("let the lease expire now"),
    message("one lease: %(worker)s keeps it by renewing, before it is reaped"),
    message("the lease ends when it would have ended, while nobody renewed or took it"),
    message("ask %(worker)s to touch, at its next answer"),
    message("make the job pending again"),
    message("clear what was used up of its attempts"),
    message("one job: whoever may claim its kind may take it"),
    message("the job is paused again, with its reason and its counters"),
    message("nothing but an attempt leads to stuck; pause the job instead"),
    message("end the attempt of %(worker)s"),
    message("pause the job"),
    message("one attempt at one job"),
    message("one job that does not run"),
    message("the job is pending again, as it was"),
    message("fail the job with the reason"),
    message("one job that is %(state)s, for good"),
    message("mark the job stuck"),
    message("see that the job is not completed, and stays so until its evidence passes the gate"),
    message("it only sees to what the gate does"),
    message("scan the host again, and refuse unless each target is the same process, and proven as it was"),
    message("send SIGTERM to process %(process)s of start time %(started)s"),
    message("look again after %(times)s seconds"),
    message("%(n)s processes of sessions that are over, and what ends with them"),
    message("a signal is not taken back; the session that the process was of had ended before"),
)

NOTES = (
    message("the policy only observes this rule: nothing is done"),
    message("waits for the word of a %(authority)s"),
    message("%(found)s %(action)s fits nothing here: %(why)s"),
    message("all actions are switched off"),
    message("the breaker of %(rule)s in pool %(pool)s is tripped: a person resets it"),
    message("%(rule)s acted on %(target)s %(n)s s ago: it cools down"),
    message("another repair of the job is under way: %(repair)s"),
    message("%(worker)s holds the job no more, and nobody else can do what was asked"),
    message("nothing showed the effect in time, and no data is no success"),
    message("its incident is over"),
    message("the policy asks for another authority now"),
    message("approved by %(who)s"),
    message("rejected by %(who)s"),
    message("%(who)s took the approval back"),
    message("withdrawn by who asked for it"),
    message("%(n)s repairs did not end it"),
    message("it came of repair %(repair)s: no repair follows from a repair"),
    message("%(worker)s was stopped already: %(why)s"),
    message("%(worker)s may not claim until a supervisor resumes it"),
    message("no job of %(target)s is claimed; what runs goes on"),
    message("%(n)s jobs of %(target)s failed"),
    message("this is for a person: Watchkeeper has nothing to act on"),
    message("nobody holds it who could be asked: this is for a person"),
    message("%(worker)s does not hold the job any more: this is for a person"),
    message("%(worker)s was asked for %(action)s; what comes of it is awaited for %(n)s s"),
    message("the %(hands)s was asked for %(action)s; what comes of it is awaited for %(n)s s"),
    message("another worker supervises the session: this is for a person"),
    message("%(worker)s was asked for %(action)s; its word is awaited for %(n)s s"),
    message("the lease of %(worker)s under epoch %(n)s may be reaped, unless it is renewed"),
    message("the job is %(state)s; without evidence that passes it does not complete"),
    message("the lease of %(worker)s under epoch %(n)s ended; the job is %(state)s"),
    message("the job was %(old)s and is %(state)s"),
    message("the job is paused: %(why)s"),
    message("%(worker)s has a new lease under epoch %(n)s"),
    message("all claims are switched off"),
    message("its former worker %(worker)s is gone, was told already, or may not claim"),
    message("the lease ends when it would have ended"),
    message("the job is pending as it was"),
    message("the job is paused as it was"),
    message("%(worker)s may claim again"),
    message("%(worker)s is stopped again"),
    message("%(target)s is claimed again"),
    message("waits for the word of another owner, then for the host itself"),
    message("approved: it waits for %(target)s itself"),
    message("the targets are gone, every bystander lives, and the CPU is free"),
    message("it did not help: a target is left, came back, or the CPU is still taken"),
    message("a bystander is gone: nobody trusts this playbook until a person has looked"),
    message("nobody could look in time, and no data is failure"),
    message("nothing was sent: what was planned did not stand any more"),
)

NOTICES = (
    message("%(rule)s: %(severity)s"),
    message("%(rule)s: %(severity)s, flapping"),
    message("test"),
    message("channel %(channel)s"),
    message("pool %(pool)s"),
    message(
        "The pool %(pool)s spends fast what may fail of it: %(part)s of %(all)s attempts failed within %(n)s h, and it "
        "goes on. 'watchkeeper report slos' says what is left."
    ),
    message(
        "The pool %(pool)s spends slowly what may fail of it: %(part)s of %(all)s attempts failed within %(n)s h, and "
        "it goes on. 'watchkeeper report slos' says what is left."
    ),
    message("This is a test of the alerts, asked for by %(who)s; nothing is wrong."),
    message("The channel %(channel)s did not take an alert. 'watchkeeper channel list' says why."),
    message(
        "The channel %(channel)s was turned off: it refuses alerts. 'watchkeeper channel list' says why."
    ),
    message(
        "The channel %(channel)s has no messages left in this month: what waits for it goes on the other channels "
        "alone (%(used)s of %(most)s)."
    ),
    message(
        "The channel %(channel)s has used 95 %% of this month's messages: all of them go together now (%(used)s of "
        "%(most)s)."
    ),
    message(
        "The channel %(channel)s has used 80 %% of this month's messages: only critical ones go alone now (%(used)s "
        "of %(most)s)."
    ),
)

TARGETS = {
    "job": message("job %(id)s"),
    "worker": message("worker %(id)s"),
    "kind": message("kind %(id)s"),
    "session": message("session %(id)s"),
    "incident": message("incident %(id)s"),
    "host": message("host %(id)s"),
}
HANDS = {
    "holder": message("holder"),
    "watchdog": message("watchdog"),
    "person": message("person"),
    "host_guard": message("host guard"),
}

_TARGET = re.compile(rf"({'|'.join(TARGETS)}) (.+)")
_NUMBER = re.compile(r"[\d,.]+")


def target(text: str, language: Language) -> str | None:
    """Say what a plan is about; None for what names nothing of the sort."""
    if (found := _TARGET.fullmatch(text)) is None:
        return None
    return language.translations.gettext(TARGETS[found[1]]) % {"id": found[2]}


def rule(name: str, language: Language) -> str | None:
    """Say in a few words what a rule found, as alerts do."""
    return alert_words.found(name, MessageLanguage(language.code)) if name in set(RuleName) else None


def _action(name: str, language: Language) -> str | None:
    known = name in set(RepairAction)
    return alert_words.action(name, MessageLanguage(language.code)) if known else None


def _state(name: str, language: Language) -> str | None:
    badge = JOB_STATES.get(name) or ATTEMPT_OUTCOMES.get(name)
    return None if badge is None else language.translations.gettext(badge.word)


def _severity(name: str, language: Language) -> str | None:
    badge = SEVERITIES.get(name)
    return None if badge is None else language.translations.gettext(badge.word)


def _hands(name: str, language: Language) -> str | None:
    return language.translations.gettext(HANDS[name]) if name in HANDS else None


def _role(name: str, language: Language) -> str | None:
    return language.translations.gettext(ROLES[name]) if name in ROLES else None


def _number(text: str, _language: Language) -> str | None:
    return text if _NUMBER.fullmatch(text) else None


def _why(text: str, language: Language) -> str:
    return tell(text, language) or text


_FOUND = frozenset(RULES.values())

_WRITTEN = Sentences(
    (*PLANS, *NOTES, *NOTICES, *RULES.values()),
    {
        "target": target,
        "rule": rule,
        "action": _action,
        "state": _state,
        "old": _state,
        "severity": _severity,
        "hands": _hands,
        "authority": _role,
        "n": _number,
        "why": _why,
        "found": lambda text, language: language.translations.gettext(text) if text in _FOUND else None,
    },
)


def _placed(text: str) -> str:
    return re.sub(r"\{(\w+)\}", r"%(\1)s", text.replace("%", "%%"))


_NAMES = {_placed(text): name for name, text in MESSAGES[MessageLanguage.EN].items()}
_MESSAGES = Sentences(
    _NAMES, {}, lambda form, language: _placed(MESSAGES[MessageLanguage(language.code)][_NAMES[form]])
)


def tell(text: str, language: Language) -> str | None:
    """Say in the reader's language what a plan, a note, a notice or a message says; None for words of another's own."""
    return _WRITTEN.say(text, language) or _MESSAGES.say(text, language)
