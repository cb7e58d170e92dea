"""Output is redacted while it arrives, whatever the borders of its chunks."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secret_examples import SECRETS
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.redaction_stream import RedactingStream
from watchkeeper.domain.secret_shapes import MAX_MATCH

KNOWN = ["correct-horse-battery", "first line of it\nsecond line of it"]
pieces = st.lists(
    st.sampled_from(
        [*SECRETS.values(), *KNOWN, "password=", "token: '", "\n", " ", "-----", "é", "eyJ", "plain words"]
    )
    | st.text(max_size=20),
    max_size=12,
).map("".join)


def through(stream: RedactingStream, chunks: list[str] | list[bytes]) -> str:
    return "".join([stream.feed(chunk) for chunk in chunks]) + stream.close()


@given(pieces, st.integers(1, 60))
@settings(max_examples=300, deadline=None)
def test_chunks_give_what_the_whole_text_gives(text: str, size: int) -> None:
    """A secret cut in two by a chunk's border is found like any other."""
    redactor = Redactor(KNOWN)
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    assert through(RedactingStream(redactor), chunks) == redactor.redact(text)


@given(pieces, st.integers(1, 7))
@settings(max_examples=100, deadline=None)
def test_bytes_are_decoded_across_chunks(text: str, size: int) -> None:
    """A character of several bytes that a chunk's border cuts is kept."""
    text = text.encode("utf-8", "replace").decode()
    redactor, data = Redactor(KNOWN), text.encode()
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert through(RedactingStream(redactor), chunks) == redactor.redact(text)


@pytest.mark.parametrize("secret", [*SECRETS.values(), KNOWN[0]])
def test_secrets_anywhere_in_a_line_without_end(secret: str) -> None:
    """One line of megabytes is redacted with bounded memory, wherever the buffer is cut."""
    redactor = Redactor(KNOWN)
    text = "".join(
        "lorem ipsum " * count + secret + " " for count in (5, 1200, 5460, 5461, 5462, 9000, 11000)
    )
    stream = RedactingStream(redactor)
    out, most = [], 0
    for at in range(0, len(text), 4099):
        out.append(stream.feed(text[at : at + 4099]))
        most = max(most, stream.held)
    assert "".join(out) + stream.close() == redactor.redact(text)
    assert most < 3 * MAX_MATCH
    assert sum(stream.found.values()) == 7


def test_a_chain_of_overlapping_secrets_stays_bounded() -> None:
    """Secrets that overlap without end neither fill the memory nor come out."""
    stream = RedactingStream(Redactor(["abcabcab", "bcabcabc", "cabcabca"]))
    out = []
    for _ in range(300):
        out.append(stream.feed("abc" * 1000))
        assert stream.held <= 3 * MAX_MATCH
    assert "abcabcab" not in "".join(out) + stream.close()


def test_whole_lines_are_passed_on_at_once() -> None:
    """A person who follows a job's output sees each line when it is written."""
    stream = RedactingStream(Redactor())
    assert stream.feed("one\ntwo token=abc\nthr") == "one\ntwo token=[redacted:secret]\n"
    assert stream.feed("ee\n") == "three\n"
    assert stream.close() == ""


def test_an_unfinished_key_is_held_back_and_hidden() -> None:
    """A private key whose end never comes is not shown either."""
    stream = RedactingStream(Redactor())
    assert stream.feed("key:\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n") == "key:\n"
    assert stream.feed("MIIEvQIBADANBg\n") == ""
    assert stream.close() == "[redacted:private_key]"
    assert stream.found == {"private_key": 1}


@pytest.mark.parametrize(
    "chunk", ["ab\n", "a", "-----BEGIN PRIVATE KEY-----\na\n", "a\n-----", "password=x", "eyJaaaaaaaa."]
)
def test_many_small_chunks_cost_little(chunk: str) -> None:
    """A program that writes a few characters at a time does not keep its supervisor busy."""
    stream = RedactingStream(Redactor())
    stream.feed("-----BEGIN PRIVATE KEY-----\n")
    began = time.process_time()
    for _ in range(10_000):
        stream.feed(chunk)
    assert time.process_time() - began < 4
