"""The bodies of what people and workers propose, answer and tell."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from watchkeeper.interfaces.api.schemas import Body, Reason, Text, Time, Word

Sentence = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Names = Annotated[list[Word], Field(max_length=100)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]
Identity = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]


class DecisionBody(Body):
    """A rejection needs its reason: the feedback that the record asks for."""

    reason: Reason | None = None


class ProposalBody(Body):
    kind: Word
    decision: Sentence
    problem: Sentence
    recommendation: Sentence
    reasoning: Sentence
    options: Annotated[list[Sentence], Field(max_length=20)] = Field(default_factory=list)
    landing_path: Sentence | None = None
    feedback_if_rejected: Sentence | None = None
    fingerprint: Word | None = None
    subject: dict[str, Any] = Field(default_factory=dict)
    reason: Reason | None = None


class QuestionBody(Body):
    """Who is asked what until when; about an incident, a proposal or a signal of this project."""

    person: Word
    question: Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
    due_at: Time | None = None
    channel: Word | None = None
    incident_id: Identity | None = None
    proposal_id: Identity | None = None
    signal_id: Identity | None = None
    reason: Reason | None = None


class AnswerBody(Body):
    """`answer` in the form `owner=...; adopt=...` also has its effect; any other text is only kept."""

    answer: Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
    reason: Reason | None = None


class ReplyBody(Body):
    """An operator's reply `owner=...; adopt=...; alert_channel=...; first_metric=...; blocker=...`."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
    person: Word | None = None
    proposal_id: Identity | None = None
    reason: Reason | None = None


class SignalBody(Body):
    """`kind` is the sender's own word on what the signal becomes; left out, lessons and the topic decide."""

    source: Word
    topic_key: Word
    text: Text
    evidence_ref: Reference | None = None
    related_people: Names = Field(default_factory=list)
    related_projects: Names = Field(default_factory=list)
    annotations: dict[str, Any] = Field(default_factory=dict)
    persona: Word | None = None
    kind: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    reason: Reason | None = None


class ToldBody(Body):
    """What people say of what a signal led to, and where that can be seen."""

    text: Sentence
    evidence_ref: Reference | None = None
    reason: Reason | None = None
