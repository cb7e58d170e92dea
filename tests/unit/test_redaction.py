"""Secrets do not reach a record, a page or a message."""

import base64
import json
import time
from secrets import token_urlsafe
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secret_examples import SECRETS
from watchkeeper.domain.known_forms import is_worth_knowing
from watchkeeper.domain.principals import JOB_TOKEN_PREFIX, TOKEN_PREFIX
from watchkeeper.domain.redaction import Redactor

PLAIN = Redactor()


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize(
    "around",
    ["{}", "key: {}.", '{{"a": "{}"}}', "before\n{}\nafter", "x={};y", r'"before\n{}\nafter"', r'"\t{}"'],
)
def test_a_shape_of_a_secret_is_taken_out_wherever_it_stands(kind: str, around: str) -> None:
    """A provider's key, a token of ours or a private key never survives, and what it was is said."""
    redacted = PLAIN.redact(around.format(SECRETS[kind]))
    assert SECRETS[kind][12:] not in redacted
    assert "[redacted:" in redacted
    assert PLAIN.suspects(around.format(SECRETS[kind]))


@pytest.mark.parametrize("kind", SECRETS)
def test_the_kind_of_a_secret_is_named(kind: str) -> None:
    """The reader sees what stood there."""
    assert PLAIN.redact(SECRETS[kind]) == f"[redacted:{kind}]"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password=hunter2", "hunter2"),
        ("DB_PASSWORD=ab&cd;ef", "ab&cd;ef"),
        ("password: correct", "correct"),
        ('"password": "correct horse battery"', "correct horse battery"),
        ('{\\"password\\": \\"hunter2\\"}', "hunter2"),
        ("token=abcdef", "abcdef"),
        ("https://h/?token=abcdef&user=bob", "abcdef"),
        ("SECRET_KEY = 'not a long one'", "not a long one"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
        ("api-key: 0123456789abcdef", "0123456789abcdef"),
        ("X-Api-Key: 0123456789abcdef", "0123456789abcdef"),
        ("secret=123456", "123456"),
        ("token=db_password = hunter2", "hunter2"),
        ("run --password hunter2 --verbose", "hunter2"),
        ("run --github-token=abcd1234", "abcd1234"),
        ("Authorization: Bearer opaque", "opaque"),
        ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("curl -H 'Authorization: token abc123'", "abc123"),
        ("sent bearer 9f8dk2lm0q", "9f8dk2lm0q"),
        ("postgresql://user:p%40ss@db:5432/x", "p%40ss"),
        ("https://abcdefghijklmnopqrstuvwx@host/repo.git", "abcdefghijklmnopqrstuvwx"),
        ("https://hooks.slack.com/services/T000/B000/XXXXyyyy", "XXXXyyyy"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA", "b3BlbnNzaC1rZXktdjEAAAAA"),
    ],
)
def test_what_is_given_as_a_secret_is_taken_out(text: str, secret: str) -> None:
    """Assignments, options, headers and URLs lose the value and keep the name."""
    redacted = PLAIN.redact(text)
    assert secret not in redacted
    assert "[redacted:" in redacted
    assert redacted[:3] == text[:3] or text.startswith("-----BEGIN")


@pytest.mark.parametrize(
    "text",
    [
        '{"input_tokens": 1200, "output_tokens": 88, "total_token_count": 1288}',
        "max_tokens=4096",
        "def read(token: LeaseToken, secret: str) -> None:",
        "token = parse(text)",
        '"token": null',
        "password: ${DB_PASSWORD}",
        "PWD=/srv/work",
        "password=[redacted:password]",
        "see https://example.org/a:b/c@d and user@example.org",
        "took 12.5 s, version 1.2.3, 0.123456789012345678901234",
        "the tokenizer: bert-base-uncased-1",
        "task-runner-scheduler-0123456789 and risk-assessment-0123456789",
        "the bearer of this letter",
        "commit 7b0645c38b864f73297f881a595d4633b3a49ab6",
        "sha256 " + "ab" * 32,
    ],
)
def test_ordinary_text_stays_readable(text: str) -> None:
    """Counts of tokens, program text, hashes and prose are not secrets."""
    assert PLAIN.redact(text) == text
    assert not PLAIN.suspects(text)


def test_every_lease_token_is_taken_out() -> None:
    """A lease token minted by us is recognised without being told."""
    for epoch in range(1, 200):
        token = f"{epoch}.{token_urlsafe(18)}"
        assert PLAIN.redact(f"lease {token}.") == "lease [redacted:lease_token]."


values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8, max_size=40).filter(
    lambda value: value == value.strip() and is_worth_knowing(value)
)


@given(values, st.sampled_from(["plain", "url", "url_lower", "json", "base64"]), st.integers(0, 5))
@settings(max_examples=300, deadline=None)
def test_a_known_secret_is_taken_out_in_every_form(value: str, form: str, before: int) -> None:
    """A secret that the program was given is found as it is, URL-encoded, in JSON, and within base64."""
    forms = {
        "plain": value,
        "url": quote(value, safe=""),
        "url_lower": quote(value, safe="").replace("%", "%").lower()
        if value.islower()
        else quote(value, safe=""),
        "json": json.dumps({"v": value})[7:-2],
        "base64": base64.b64encode(b"~" * before + value.encode() + b"~~~").decode(),
    }
    redacted = Redactor([value]).redact(f"<{forms[form]}>")
    assert "[redacted:" in redacted
    if form == "base64":
        core = base64.b64encode(b"~" * before + value.encode() + b"~~~").decode()[8:-8]
        assert core not in redacted or len(core) < 6
    else:
        assert forms[form] not in redacted.replace("[redacted:known]", "")


@given(st.text(max_size=200) | st.sampled_from([*SECRETS.values(), "password='a b' token=xyz"]))
@settings(max_examples=300, deadline=None)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    """What was redacted on its way in is shown as it was stored."""
    once = PLAIN.redact(text)
    assert PLAIN.redact(once) == once


@pytest.mark.parametrize("prefix", [*TOKEN_PREFIX.values(), JOB_TOKEN_PREFIX])
def test_our_own_tokens_are_taken_out(prefix: str) -> None:
    """Whatever its role, a token of ours never reaches a record."""
    assert PLAIN.redact(f"with {prefix}{token_urlsafe(32)}") == "with [redacted:watchkeeper_token]"


def test_short_known_values_do_not_shred_the_text() -> None:
    """A given "secret" of one character is left where it stands."""
    assert Redactor(["1", " ", ""]).redact("1 of 12") == "1 of 12"


def test_data_is_redacted_by_key_and_by_content() -> None:
    """A payload is shown with its secrets masked, numbers and structure kept."""
    shown = Redactor(["known-value"]).redact_data(
        {"password": "x", "n": 1, "tokens": 12, "list": ["a known-value", {"api_key": "k"}], "t": "ok"}
    )
    assert shown == {
        "password": "[redacted:secret]",
        "n": 1,
        "tokens": 12,
        "list": ["a [redacted:known]", {"api_key": "[redacted:secret]"}],
        "t": "ok",
    }


def test_data_nested_without_end_is_cut() -> None:
    """A payload of a thousand nested lists does not exhaust the stack."""
    nested: list[object] = []
    for _ in range(900):
        nested = [nested]
    assert "too_deep" in str(PLAIN.redact_data(nested))


HOSTILE = [
    "a",
    "eyJ",
    "eyJaaaaaaaa-",
    "eyJaaaaaaaa.",
    "sk-",
    "sk-aaa-",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-",
    "password",
    "password=",
    "password=x",
    'token="',
    "token='\\",
    "secret: ",
    "secret&a",
    "://",
    "://:",
    "://a:b",
    "1.",
    "12345678:",
    "bearer ",
    "authorization: basic ",
    "--token ",
    "--a-",
    "&",
    "\\",
    '"',
    " ",
    "\n",
    "wkj_",
    "xoxb-.",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_no_faster_than_the_text(piece: str) -> None:
    """No text that an agent writes can keep the program busy: a long run of any pattern is done at once."""
    size = 400_000 // len(piece)
    redactor = Redactor([f"known-secret-{n}" for n in range(10)])
    began = time.process_time()
    redactor.redact(piece * size)
    assert time.process_time() - began < 0.8


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "token_id", "secret-id"])
def test_names_beside_secrets_are_no_secrets(name: str) -> None:
    """A working directory and the id of a token stay readable."""
    assert Redactor().redact_data({name: "/home/somebody"}) == {name: "/home/somebody"}


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "WATCHKEEPER_TOKEN", "DB_PASSWORD"])
def test_the_name_of_a_variable_is_no_secret(name: str) -> None:
    """An agent that tells from which variable it has its key (Claude Code does, at each start) has shown none."""
    line = json.dumps({"type": "system", "apiKeySource": name, "bearer_token_env_var": name})
    taken: set[str] = set()
    assert Redactor().redact(line, taken) == line
    assert Redactor().redact_data({"apiKeySource": name}, taken) == {"apiKeySource": name}
    assert taken == set()
    assert Redactor().redact('{"api_key":"Kx9-41aB_77zQ"}') == '{"api_key":"[redacted:secret]"}'
