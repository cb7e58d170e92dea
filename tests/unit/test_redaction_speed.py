"""The fast ways of looking for secrets find what the plain patterns find, wherever they stand."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secret_examples import SECRETS
from watchkeeper.domain import secret_assignments
from watchkeeper.domain.secret_shapes import SHAPES, found_in

PIECES = (
    *SECRETS.values(),
    *("password", "Passwd=", "pwd:", "SECRET", "api_key", "Api-Key = ", "account-key=", "access_key: ", "auth-key="),
    *("sharedAccessSignature=", "tokens", "token_count=", "token: ", "encryptionkey=", "signing_key:="),
    *("--token ", "--db-password ", "key", "keys", "\\n", "\\", '"', "'", " ", "=", ":", ".", "_", "-", "7"),
    *("task_", "risk-", "sk-", "sk_live_", "n", "x", "\n", "hunter2hunter2A1", "credential=>", "12345678"),
    *("\u0131", "\u017f", "\u212aey=", "\u0130", "\u00e9"),
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)

FIRST_DIGIT = r"[0-9](?:(?<![A-Za-z0-9_.][0-9])|(?<=\\[nrtbf][0-9]))"
PLAIN = {
    "lease_token": rf"{FIRST_DIGIT}[0-9]{{0,8}}+\."
    r"(?:(?=[a-z0-9_-]{0,23}[A-Z])[A-Za-z0-9_-]{24}|[0-9a-f]{36})(?![A-Za-z0-9_-])",
    "telegram_token": rf"{FIRST_DIGIT}[0-9]{{7,9}}+:[A-Za-z0-9_-]{{35}}(?![A-Za-z0-9_-])",
}


@given(TEXTS)
@settings(max_examples=150)
def test_numbers_before_a_token_are_found_from_behind(text: str) -> None:
    """A lease token and a bot's token are what the patterns from their first digit on say."""
    found = list(found_in(text))
    for kind, pattern in PLAIN.items():
        assert [span for span, one in found if one == kind] == [
            m.span() for m in re.finditer(pattern, text)
        ], kind


@given(TEXTS)
@settings(max_examples=150)
def test_no_shape_is_passed_over(text: str) -> None:
    """What is left out because no text of its kind begins anywhere would have found nothing."""
    lower = text.lower()
    slowly = [(span, shape.kind) for shape in SHAPES for span in shape.find(text, lower)]
    assert list(found_in(text)) == slowly


@given(TEXTS)
@settings(max_examples=150)
def test_assignments_are_found_by_the_words_that_begin_them(text: str) -> None:
    """Passwords and secrets are those that a search for the whole pattern finds."""
    lower = text.lower()
    quickly = [
        list(find(text, lower))
        for find in (secret_assignments.find_passwords, secret_assignments.find_secrets)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secret_assignments, "_places", lambda *_: None)
        slowly = [
            list(find(text, lower))
            for find in (secret_assignments.find_passwords, secret_assignments.find_secrets)
        ]
    assert quickly == slowly
