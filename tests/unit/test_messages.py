"""What people are told, in both languages."""

from __future__ import annotations

import pytest

from watchkeeper.domain.messages import MESSAGES, MessageLanguage, MessageName, facts_of, message


def test_the_escalation_sentence_is_the_published_one() -> None:
    """Whoever filters alerts by their text finds the sentence to the letter, with its facts in it."""
    told = message(
        MessageName.BLOCKED,
        facts={
            "state": "stuck",
            "job": "13f31bea",
            "evidence": "helper_event:{7}",
            "next_action": "retry_complete",
            "owner": "PLS platform owner",
            "due": "2026-05-24 18:00",
        },
    )
    assert told.text == (
        "PLS worker stability alert: worker is alive but project advancement is blocked. State=stuck; job=13f31bea; "
        "evidence=helper_event:{7}; next action=retry_complete; owner=PLS platform owner; due=2026-05-24 18:00."
    )


@pytest.mark.parametrize("name", MessageName)
def test_every_message_is_there_in_both_languages(name: MessageName) -> None:
    """Each message says in both languages the same facts, all of them, and not one without them."""
    facts = {fact: f"<{fact}>" for fact in facts_of(name)}
    texts = [message(name, language, facts).text for language in MessageLanguage]
    assert len(texts) == len(MESSAGES) == 2
    assert texts[0] != texts[1]
    for text in texts:
        assert all(fact in text for fact in facts.values()), text
    if facts:
        with pytest.raises(KeyError):
            message(name, MessageLanguage.EN)
