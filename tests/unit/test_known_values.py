"""Values that the program was told are secret show nowhere, in whatever form."""

import base64
import html
import textwrap
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.domain.known_forms import KnownForms, is_worth_knowing
from watchkeeper.domain.known_values import secret_variables, secrets_of_text, secrets_passed_on
from watchkeeper.domain.redaction import MAX_LEARNT, Redactor
from watchkeeper.domain.redaction_stream import RedactingStream

VALUE = "Tr0ub4dor&3/correct=horse"

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "hex": lambda text: text.encode().hex(),
    "upper hex": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "lower percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
def test_a_form_is_found_at_every_alignment(form: str, before: str) -> None:
    """Whatever stands before a secret when it is encoded, nothing that gives it away is left."""
    text = FORMS[form](f"{before}{VALUE}~end")
    redacted = Redactor([VALUE]).redact(f"sent <{text}>")
    assert "[redacted:known]" in redacted
    longest_rest = max(len(part) for part in redacted.replace("[redacted:known]", " ").split())
    assert longest_rest <= len(FORMS[form](f"{before}~~end")) + 4


WRITINGS: dict[str, Callable[[str], str]] = {
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "HTML": html.escape,
    "decimal entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "hex entities": lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    "some entities": lambda text: "".join(one if one.isalnum() else f"&#{ord(one)};" for one in text),
    "unicode": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "some unicode": lambda text: "".join(one if one.isalnum() else f"\\u{ord(one):04X}" for one in text),
    "colours": lambda text: "\x1b[1;31m".join(text),
    "colour in JSON": lambda text: text[:6] + "\\u001b[0m" + text[6:],
}


@pytest.mark.parametrize("writing", WRITINGS)
@given(
    value=st.text("abcXYZ019&=/'<>+-", min_size=8, max_size=30).filter(is_worth_knowing),
    size=st.integers(1, 40),
)
@settings(max_examples=40, deadline=None)
def test_a_value_is_found_however_its_characters_are_written(writing: str, value: str, size: int) -> None:
    """A secret whose characters are escaped, or coloured, one and all, is taken out whole; in pieces, too."""
    redactor = Redactor([value])
    text = f"so <{WRITINGS[writing](value)}> it is\n"
    assert redactor.redact(text) == "so <[redacted:known]> it is\n"
    stream = RedactingStream(redactor)
    out = "".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size)) + stream.close()
    assert out == "so <[redacted:known]> it is\n"


@given(st.integers(16, 90), st.sampled_from([*FORMS][1:]), st.sampled_from(["\n", "\r\n", "\n  ", "\\n"]))
@settings(max_examples=200, deadline=None)
def test_a_form_is_found_where_lines_were_wrapped(width: int, form: str, line_end: str) -> None:
    """A secret within wrapped base64 or a hex dump is taken out with the line ends within it."""
    text = FORMS[form]("some words before it: " + VALUE + " and as many words after it")
    wrapped = line_end.join(textwrap.wrap(text, width, break_on_hyphens=False, drop_whitespace=False))
    redacted = Redactor([VALUE]).redact(wrapped)
    joined = redacted.replace(line_end, "")
    assert "[redacted:known]" in joined
    assert FORMS[form](VALUE)[4:-4] not in joined


@given(st.integers(16, 80), st.integers(1, 50), st.sampled_from(list(FORMS)))
@settings(max_examples=200, deadline=None)
def test_wrapped_forms_are_found_across_chunks(width: int, size: int, form: str) -> None:
    """Output that arrives in pieces is redacted as it would be in one."""
    text = "begin\n" + "\n".join(textwrap.wrap(FORMS[form](f"user:{VALUE}{VALUE} end"), width)) + "\nend\n"
    redactor = Redactor([VALUE])
    stream = RedactingStream(redactor)
    out = "".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size)) + stream.close()
    assert out == redactor.redact(text)


def test_an_ordinary_line_need_not_wait_for_the_next() -> None:
    """Knowing secrets does not hold up what a person follows."""
    stream = RedactingStream(Redactor([VALUE]))
    assert stream.feed("a line\nhttps://example.org/a/long/path/of/a/page\n").endswith("page\n")


@given(st.lists(st.text("ab01", min_size=8, max_size=14), max_size=80), st.text("ab01 ", max_size=300))
@settings(max_examples=200, deadline=None)
def test_many_values_are_found_as_few_are(values: list[str], text: str) -> None:
    """How many secrets are known changes how they are looked for, not what is found."""
    worth = {value for value in values if is_worth_knowing(value)}
    spans = set(KnownForms(worth).find(text))
    expected = {
        (at, at + len(value)) for value in worth for at in range(len(text)) if text.startswith(value, at)
    }
    assert expected <= spans
    assert {text[begin:end] for begin, end in spans} >= {value for value in worth if value in text}


ESCAPED = ["\\u0041" * 10_000, "&#65;" * 13_000, "%2541" * 13_000, "\x1b[0m" * 17_000]


@pytest.mark.parametrize(
    "text", ["known-secret-" * 7_000, "AAAA" * 20_000, "a line of words\n" * 5_000, *ESCAPED]
)
def test_a_thousand_values_cost_little_more_than_a_hundred(text: str) -> None:
    """What a text costs hardly grows with the number of secrets that are known."""

    def cost(count: int) -> float:
        redactor = Redactor(f"known-secret-{number:06}" for number in range(count))
        times = []
        for _ in range(3):
            began = time.process_time()
            redactor.redact(text)
            times.append(time.process_time() - began)
        return min(times)

    assert cost(1000) < 4 * cost(100) + 0.02


@pytest.mark.parametrize("value", ["short", "password", "ChangeMe", "--------", "abababab", "x" * 20_000])
def test_values_that_any_text_may_hold_are_not_learnt(value: str) -> None:
    """A password of "password" does not take that word out of every record."""
    assert Redactor([value]).redact(f"a {value} b"[:100]) == f"a {value} b"[:100]


def test_what_is_learnt_is_bounded_and_the_latest_is_kept() -> None:
    """A server that runs for years does not fill up with the tokens of its past."""
    redactor = Redactor(["for-ever-known"])
    for number in range(5 * MAX_LEARNT // 2):
        redactor.learn(f"session-{number:08}-value")
    told = redactor.redact("for-ever-known session-00002499-value session-00000007-value")
    assert told == "[redacted:known] [redacted:known] session-00000007-value"


def test_variables_are_taken_for_secret_by_their_names() -> None:
    """A program's own secrets are known from its environment; a path to one and a plain setting are not."""
    found = secret_variables(
        {
            "GITHUB_TOKEN": "value-1",
            "PGPASSWORD": " value-2 ",
            "DATABASE_URL": "postgresql://u:value%2D3@h/d",
            "DB_PASSWORD_FILE": "/run/secrets/db",
            "PWD": "/srv",
            "MAX_TOKENS": "4096",
            "API_KEY": "",
            "HOME": "/root",
        }
    )
    assert found == {"GITHUB_TOKEN": "value-1", "PGPASSWORD": "value-2", "DATABASE_URL": "value-3"}


def test_what_is_passed_to_agents_as_a_key_is_known_by_the_end_of_its_name() -> None:
    """The key of a person's own gateway is taken out of what agents say, though its name says no more than KEY."""
    given = {
        "GATEWAY_KEY": "value-1",
        "MY_AUTH": "value-2",
        "GITHUB_TOKEN": "value-3",
        "MODEL": "m",
        "KEYS": "k",
    }
    assert sorted(secrets_passed_on(given).values()) == ["value-1", "value-2", "value-3"]


def test_each_line_of_a_key_file_is_known() -> None:
    """One line of a private key that turns up alone is taken out, too."""
    lines = list(
        secrets_of_text("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----\n")
    )
    assert Redactor(lines).redact("it is MC4CAQAwBQYDK2VwBCIEIA!") == "it is [redacted:known]!"
