"""Rows of the outbox become messages: what goes out as one, at which moment, in whose language, with which buttons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from watchkeeper.domain.alert_facts import (
    MAX_FACT_CHARS,
    Reader,
    Standing,
    incident_facts,
    notice_facts,
    together_facts,
)
from watchkeeper.domain.alert_moments import OF_AN_INCIDENT, Moment
from watchkeeper.domain.channel_allowance import TOGETHER
from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.logs import log
from watchkeeper.services.alert_texts import AlertTexts, Written
from watchkeeper.services.notifiers.port import Address, ButtonMaker, Earlier, Message
from watchkeeper.storage.database import Row

CONSOLE = "console"
OF_A_STANDING = (
    *("state", "acknowledged_by", "acknowledged_until", "resolved_at", "resolved_by"),
    *("repair_action", "repair_state", "repair_result", "decided_by"),
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """Alerts that go out as one message: the first of them speaks for all."""

    rows: tuple[Row, ...]

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def is_critical(self) -> bool:
        return any(row["severity"] == "critical" for row in self.rows)

    @property
    def moment(self) -> Moment:
        told = self.first["moment"]
        moment = Moment(told) if told in set(Moment) else Moment.NOTICE
        if len(self.rows) == 1 or moment is Moment.RESOLVED:
            return moment
        of_one_cause = len({(row["group_key"], row["stage"]) for row in self.rows}) == 1
        return Moment.STORM if of_one_cause and moment in OF_AN_INCIDENT else Moment.DIGEST

    @property
    def message_id(self) -> UUID:
        """Give what was sent before under this id, or will be: a repeated try is known by it."""
        found: UUID = self.first["message_id"] or self.first["id"]
        return found

    @property
    def where(self) -> dict[str, Any]:
        return {
            "project_id": self.first["project_id"],
            "ids": [row["id"] for row in self.rows],
            "channel": self.first["channel"],
            "channel_project": self.first["channel_project"],
        }


def parcels_of(rows: list[Row]) -> list[Parcel]:
    """Put together what goes to one recipient: of one cause and stage, what waited to go together, what was tried.

    What was tried as one message stays one, and nothing new joins it: the other side may have taken it already.
    """
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["created_at"], row["id"])):
        groups[row["project_id"], row["recipient"], *_company(row)].append(row)
    parcels = [Parcel(tuple(group)) for group in groups.values()]
    return sorted(parcels, key=lambda parcel: not parcel.is_critical)


def _company(row: Row) -> tuple[Any, ...]:
    if row["message_id"] is not None:
        return ("tried", row["message_id"])
    if row["held_reason"] in TOGETHER:
        return ("together",)
    if row["group_key"] is None or row["kind"] == CONSOLE:
        return ("alone", row["id"])
    return ("cause", row["group_key"], row["stage"], row["moment"])


class AlertMessages:
    """Makes the message of a parcel."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        texts: AlertTexts,
        buttons: ButtonMaker,
        url: Callable[[], str | None],
    ) -> None:
        self._policy = policy
        self._texts = texts
        self._buttons = buttons
        self._url = url

    async def make(self, parcel: Parcel, to: Address, language: MessageLanguage) -> Message:
        """Make the message of a parcel, for a channel of that language."""
        first = parcel.first
        spoken = self._policy().language_of(first["recipient"]) or language
        reader = Reader(spoken, first["time_zone"], first["now"])
        resolved = first["state"] == "resolved" and first["moment"] in OF_AN_INCIDENT
        moment = Moment.RESOLVED if resolved else parcel.moment
        link = self.link(first)
        subject, written = self._words(parcel, moment, reader, link)
        earlier = first["first_id"] and Earlier(first["first_id"], first["first_receipt"] or {})
        message = Message(
            parcel.message_id,
            first["project_id"],
            first["severity"],
            first["body"],
            first["recipient"],
            first["stage"],
            first["created_at"],
            subject=subject,
            rule=first["rule"],
            runbook=_runbook(first["rule"]),
            incidents=tuple(row["incident_id"] for row in parcel.rows if row["incident_id"] is not None),
            moment=moment,
            language=spoken,
            title=written.title,
            lines=written.lines,
            link=link,
            earlier=earlier or None,
            thread=None if first["incident_id"] is None else f"incident.{first['incident_id']}",
        )
        return await self._with_buttons(message, to, first["kind"])

    def _words(self, parcel: Parcel, moment: Moment, reader: Reader, link: str | None) -> tuple[str, Written]:
        """Put a message into words; where its facts are none of this program's, the plain sentence stands."""
        first = parcel.first
        try:
            facts = self._facts(parcel, reader)
            facts |= {"link": link or "", "runbook": _runbook(first["rule"]) or ""}
            facts["project"] = first["project_id"]
            written = self._texts.write(moment, reader.language, facts, first["body"])
            return _subject(moment, facts, first), written
        except Exception as error:  # noqa: BLE001 - what people are to know is told, in whichever words
            log("alert_not_written", moment=moment.value, detail=f"{type(error).__name__}: {error}")
            title = first["subject"] or "Watchkeeper"
            return title, Written(title, (first["body"],), str(error))

    def link(self, row: Row) -> str | None:
        """Give the page of an alert's incident, or of the repair that awaits a word; none without a public address."""
        base = self._url()
        if base is None or row["incident_id"] is None:
            return None
        if row["moment"] == Moment.APPROVAL and (row["facts"].get("approval") or {}).get("id"):
            return f"{base.rstrip('/')}/repairs/{row['facts']['approval']['id']}"
        return f"{base.rstrip('/')}/incidents/{row['incident_id']}"

    async def _with_buttons(self, message: Message, to: Address, kind: str | None) -> Message:
        try:
            buttons = await self._buttons.buttons_for(to, kind or CONSOLE, message)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a message without buttons is better than none
            log("alert_not_written", moment=message.moment.value, detail=f"buttons: {error}")
            return message
        return replace(message, buttons=buttons)

    def _facts(self, parcel: Parcel, reader: Reader) -> dict[str, Any]:
        first = parcel.first
        facts = _facts_of(first, reader)
        if len(parcel.rows) == 1:
            return facts
        newest = {row["incident_id"] or row["id"]: row for row in parcel.rows}
        items = [_item(row, reader) for row in newest.values()]
        why = first["held_reason"] if first["held_reason"] in TOGETHER else "capped"
        return {**facts, **together_facts(items, why, reader.language)}


def _item(row: Row, reader: Reader) -> str:
    """Say in a line what one alert of many is about."""
    facts = _facts_of(row, reader)
    if row["incident_id"] is None:
        return " ".join(f"{facts['subject']}: {facts['text']}".split())[:MAX_FACT_CHARS]
    is_over = row["moment"] == Moment.RESOLVED
    mark, lasted = ("✓ ", facts["lasted"]) if is_over else ("", facts["age"])
    return mark + " · ".join(filter(None, (facts["what"], facts["object"], lasted)))


def _facts_of(row: Row, reader: Reader) -> dict[str, Any]:
    stored = row["facts"] or {}
    if stored.get("rule") and row["incident_id"] is not None:
        return incident_facts(stored, Standing(**{name: row[name] for name in OF_A_STANDING}), reader)
    return notice_facts(row["subject"], row["body"], stored, reader.language)


def _subject(moment: Moment, facts: dict[str, Any], row: Row) -> str:
    """Give the subject of a mail: the same through an incident, whatever its messages are titled."""
    if moment in (Moment.STORM, Moment.DIGEST) or not facts.get("what"):
        return row["subject"] or "Watchkeeper"
    return "Watchkeeper: " + " · ".join(filter(None, (facts["what"], facts["object"])))


def _runbook(rule: str | None) -> str | None:
    return RULES[RuleName(rule)].runbook if rule in set(RuleName) else None
