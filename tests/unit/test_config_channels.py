"""Channels, languages and templates as a config document tells them."""

from __future__ import annotations

import pytest

from watchkeeper.documents import read_text
from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.channel_kinds import ChannelKind
from watchkeeper.domain.config_document import Document, read_document
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.placed import DocumentRefused

WHOLE = """
contacts:
  supervisor: {person: lin, channels: [night], language: zh_Hant}
channels:
  night:
    kind: slack
    on: true
    settings: {channel: C024BE91L}
    secret_files: {token: /run/secrets/slack}
    language: zh_Hant
    per_hour: 12
alerts:
  texts:
    opened:
      en: |
        {{ what }}
        {{ sentence }}
"""


def load(text: str) -> Document:
    return read_document(read_text(text.encode(), "it.yaml"), "it.yaml")


def test_a_document_tells_channels_languages_and_templates() -> None:
    """What a channel needs, whose language it speaks, and in which words, is all in the document but its secrets."""
    document = load(WHOLE)
    (night,) = document.channels
    assert (night.kind, night.language, night.per_hour) == (ChannelKind.SLACK, MessageLanguage.ZH_HANT, 12)
    assert (night.settings, night.secret_files) == ({"channel": "C024BE91L"}, {"token": "/run/secrets/slack"})
    assert document.policy.language_of("lin") is MessageLanguage.ZH_HANT
    assert document.policy.language_of("bo") is None
    own = document.policy.alert_texts[Moment.OPENED][MessageLanguage.EN]
    assert own == "{{ what }}\n{{ sentence }}\n"
    assert document.policy.digest != load("{}").policy.digest


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("C024BE91L", "a b"), "channel of a slack channel cannot be"),
        (("{channel: C024BE91L}", "{chanel: C024BE91L}"), "knows no setting 'chanel'"),
        (("{token: /run", "{tokn: /run"), "knows no secret 'tokn'"),
        (("{token: /run/secrets/slack}", "{}"), "needs token"),
        (("kind: slack", "kind: slck"), "did you mean 'slack'"),
        (("language: zh_Hant\n", "language: zh\n"), "is not among its words"),
        (("per_hour: 12", "per_hour: 0"), "a whole number from 1"),
        (("opened:", "openned:"), "did you mean 'opened'"),
        (("      en: |", "      fr: |"), "this key is unknown"),
    ],
)
def test_what_is_wrong_with_a_channel_is_told_with_its_place(change: tuple[str, str], told: str) -> None:
    """A misspelt kind, setting, secret, language or moment is refused before anything is turned on."""
    assert change[0] in WHOLE
    with pytest.raises(DocumentRefused) as refused:
        load(WHOLE.replace(*change))
    assert told in str(refused.value.details)
