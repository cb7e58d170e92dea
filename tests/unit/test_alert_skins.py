"""What each channel shows at each moment in each language, as it is kept in tests/golden/alerts."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from watchkeeper.domain.alert_facts import (
    FACTS,
    Reader,
    Standing,
    incident_facts,
    notice_facts,
    together_facts,
)
from watchkeeper.domain.alert_moments import OF_AN_INCIDENT, Moment
from watchkeeper.domain.alert_templates import TEMPLATES, WORDS
from watchkeeper.domain.alert_words import DONE, FOUND
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.rules.names import RepairAction, RuleName
from watchkeeper.services.alert_texts import AlertTexts
from watchkeeper.services.notifiers.email import html as mail_html
from watchkeeper.services.notifiers.email import mail
from watchkeeper.services.notifiers.line import bubble
from watchkeeper.services.notifiers.links import LinkButtons
from watchkeeper.services.notifiers.port import Address, Button, Message
from watchkeeper.services.notifiers.slack import blocks
from watchkeeper.services.notifiers.telegram import _document
from watchkeeper.services.notifiers.webhook import _document as posted

GOLDEN = Path(__file__).parents[1] / "golden" / "alerts"
NOW = datetime(2026, 5, 24, 10, 31, tzinfo=UTC)
INCIDENT = UUID("01890000-0000-7000-8000-000000000001")
FACTS_OF_IT = {
    "rule": RuleName.LEASE_EXPIRED,
    "severity": "high",
    "job": "5120",
    "job_id": "13f31bea-0000-7000-8000-00000000abcd",
    "worker": "w2",
    "cause": "<b>disk</b> & full",
    "evidence": "helper_event:7",
    "next_action": "retouch",
    "opened_at": (NOW - timedelta(minutes=31)).isoformat(),
    "due_at": (NOW + timedelta(hours=1)).isoformat(),
    "owner": "chen",
    "symptoms": 2,
    "next_person": "lin",
    "next_at": (NOW + timedelta(minutes=30)).isoformat(),
    "approval": {
        "id": "01890000-0000-7000-8000-000000000002",
        "action": RepairAction.RECLAIM,
        "digest": "9f3c0123456789ab",
        "expires_at": (NOW + timedelta(minutes=20)).isoformat(),
    },
}
ZONES = {MessageLanguage.EN: "America/New_York", MessageLanguage.ZH_HANT: "Asia/Taipei"}
TO = Address("p", "it", settings={"to": "ops@example.org", "from": "wk@example.org"})
TOKEN = Button(
    {MessageLanguage.EN: "Acknowledge", MessageLanguage.ZH_HANT: "接手"}, token="AAAAAAAAAAAAAAAAAAAAAA"
)


def facts_at(moment: Moment, language: MessageLanguage) -> dict[str, Any]:
    reader = Reader(language, ZONES[language], NOW)
    if moment is Moment.NOTICE:
        stored = {
            "message": "reminder",
            "facts": {"person": "chen", "due": "18:00", "question": "Who owns it?"},
        }
        return notice_facts("people", "Reminder", stored, language)
    if moment is Moment.TEST:
        return {**dict.fromkeys(FACTS, ""), "channel": "night", "actor": "ann", "at": "18:31 Asia/Taipei"}
    standing = Standing("open", repair_action=RepairAction.RETOUCH, repair_result="failed")
    if moment is Moment.RESOLVED:
        standing = Standing(
            "resolved",
            resolved_at=NOW,
            resolved_by="chen",
            repair_action="requeue",
            repair_result="success",
        )
    facts = incident_facts(FACTS_OF_IT, standing, reader)
    if moment in (Moment.STORM, Moment.DIGEST):
        facts |= together_facts([f"{facts['what']} · {number}" for number in range(12)], "capped", language)
    return facts


def a_message(moment: Moment = Moment.OPENED, language: MessageLanguage = MessageLanguage.EN) -> Message:
    facts = facts_at(moment, language)
    written = AlertTexts(dict).write(moment, language, facts, "plain")
    message = Message(
        UUID(int=7),
        "p",
        "high",
        "plain",
        "chen",
        0,
        NOW,
        subject=f"Watchkeeper: {facts['what']}" if moment in OF_AN_INCIDENT else None,
        rule="lease_expired",
        incidents=(INCIDENT,),
        moment=moment,
        language=language,
        title=written.title,
        lines=written.lines,
        link=f"https://watch.example.org/incidents/{INCIDENT}",
        thread=f"incident.{INCIDENT}",
    )
    return replace(message, buttons=(*links(message), TOKEN))


def links(message: Message) -> tuple[Button, ...]:
    coroutine = LinkButtons().buttons_for(TO, "line", message)
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("links wait for nothing")


def shown_on(channel: str, message: Message) -> str:
    """Give what goes to a channel, as text."""
    if channel == "email":
        made = mail(TO, message)
        headers = "\n".join(f"{name}: {value}" for name, value in made.items() if name != "Content-Type")
        text = made.get_body(("plain",)).get_content().replace("\r\n", "\n")
        return f"{headers}\n\n{text}\n{mail_html(message)}"
    made = {
        "line": lambda: bubble(message),
        "slack": lambda: blocks(message),
        "telegram": lambda: _document("5", message),
        "webhook": lambda: posted(message),
        "apprise": lambda: {"title": message.heading, "body": list(message.body)},
    }[channel]()
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


CHANNELS = ("line", "telegram", "slack", "email", "webhook", "apprise")


def golden() -> dict[str, str]:
    """Give every file of the folder, by its name."""
    return {
        f"{channel}.{moment}.{language}.txt": shown_on(channel, a_message(moment, language))
        for channel in CHANNELS
        for moment in Moment
        for language in MessageLanguage
    }


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_a_channel_shows_is_what_was_agreed(channel: str) -> None:
    """Whoever changes a text or a skin sees every message that it changes; `make golden` writes them anew."""
    made = {name: text for name, text in golden().items() if name.startswith(f"{channel}.")}
    kept = {path.name: path.read_text(encoding="utf-8") for path in GOLDEN.glob(f"{channel}.*")}
    assert made == kept


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("language", MessageLanguage)
def test_the_first_line_is_enough_for_a_watch(moment: Moment, language: MessageLanguage) -> None:
    """What a lock screen shows of a message, 60 characters, says what is the matter; nothing is left unfilled."""
    message = a_message(moment, language)
    assert len(message.title) <= 60 or moment in (Moment.APPROVAL, Moment.ESCALATED, Moment.DIGEST)
    assert not {"{{", "}}", "{%", "None"} & set(" ".join([message.title, *message.lines]).split())
    if moment in OF_AN_INCIDENT:
        assert ZONES[language] in " ".join(message.lines)


def test_every_word_is_there_in_both_languages() -> None:
    """No rule, repair or word of an alert is told in one language alone, nor longer than the first line bears."""
    assert set(FOUND) == set(RuleName)
    assert set(DONE) == set(RepairAction)
    assert all(len(english) <= 26 and english != chinese for english, chinese in FOUND.values())
    assert all(set(TEMPLATES[language]) == set(Moment) for language in MessageLanguage)
    assert all(len(pair) == 2 and all(pair) for pair in WORDS.values())


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for stale in GOLDEN.glob("*.txt"):
        stale.unlink()
    for name, text in golden().items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(golden())} files\n")
