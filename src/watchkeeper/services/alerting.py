"""The door to the alert outbox: whatever people are to be told is written here, in the transaction that is about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from watchkeeper.domain.alert_facts import cut_facts
from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import Severity
from watchkeeper.storage.database import Connection, fetch

OWNER = "owner"
MAX_TEXT_CHARS = 4000
MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people are told once under its `key`, on every channel that carries the project's alerts.

    Notices of one `group` that come soon after each other are sent together. `only` names the channels
    that carry it beside the console (all do where none of these is on), `but` one that does not. `facts` are what a
    template of its `moment` tells; `text` is the plain sentence.
    """

    project_id: str
    key: str
    text: str
    recipient: str = OWNER
    severity: Severity = Severity.MEDIUM
    subject: str | None = None
    group: str | None = None
    incident_id: UUID | None = None
    stage: int = 0
    only: tuple[str, ...] | None = None
    but: str | None = None
    moment: Moment = Moment.NOTICE
    facts: Mapping[str, Any] = field(default_factory=dict)


async def announce(connection: Connection, notice: Notice, redactor: Redactor) -> list[str]:
    """Put a notice into the outbox and give the channels that will carry it; none where it was told before.

    Secrets are taken out of its text, and what is too long is cut.
    """
    subject = notice.subject
    arguments = {
        "project_id": notice.project_id,
        "key": notice.key,
        "body": redactor.redact(notice.text)[:MAX_TEXT_CHARS],
        "recipient": redactor.redact(notice.recipient)[:MAX_NAME_CHARS],
        "severity": notice.severity.value,
        "subject": None if subject is None else redactor.redact(subject)[:MAX_NAME_CHARS],
        "group_key": notice.group,
        "incident_id": notice.incident_id,
        "stage": notice.stage,
        "only": None if notice.only is None else list(notice.only),
        "but": notice.but,
        "moment": notice.moment.value,
        "facts": facts_text(notice.facts, redactor),
    }
    return [row["channel"] for row in await fetch(connection, "announce", arguments)]


def facts_text(facts: Mapping[str, Any], redactor: Redactor) -> str:
    """Write facts as they are kept: without secrets, each of one line and no longer than a message can take.

    Those of a known message (domain/messages.py) are its text, which may be long.
    """
    kept = redactor.redact_data(dict(facts))
    return json.dumps(kept if "message" in kept else cut_facts(kept), default=str)
