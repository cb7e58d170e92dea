"""What secrets look like. Every search is linear: literal starts, then bounded or possessive runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from watchkeeper.domain import secret_assignments
from watchkeeper.domain.secret_assignments import MAX_SECRET, Span

Finder = Callable[[str, str], Iterator[Span]]
"""Gets a text, and the same in small letters."""

MAX_KEY_BLOCK = 32_768
"""Characters of one private key block: an RSA key of 16,384 bits takes 12,800, a PGP key ring more."""

MAX_MATCH = 4 * MAX_SECRET
"""No shape reaches further than this, from the first character that it looks at to the last."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of secret. `hints` are literals of which one must occur before the costlier `find` is tried.

    `is_marked`: each hint begins with a word that ends in a mark, and no such word is looked for twice (`found_in`).
    """

    kind: str
    hints: tuple[str, ...]
    find: Finder
    is_marked: bool = False


def _by_pattern(pattern: str) -> Finder:
    compiled = re.compile(pattern)
    group: str | int = "value" if "value" in compiled.groupindex else 0

    def find(text: str, lower: str) -> Iterator[Span]:  # noqa: ARG001 - its letters are as they are
        for match in compiled.finditer(text):
            yield match.span(group)

    return find


_ESCAPE = r"\\[nrtbf]"
"""What ends a line or a word in JSON: its letter belongs to no word."""

_AFTER_ESCAPE = re.compile(rf"{_ESCAPE}\Z")
_MARKED = re.compile(r"[A-Za-z0-9]+[_.-]")


def _prefixed(kind: str, *prefixes: str, tail: str) -> Shape:
    # The look-behind comes after the prefix so that the pattern begins with a literal, which is found fast.
    literals = [re.escape(prefix) for prefix in prefixes]
    starts = "|".join(f"{one}(?:(?<![A-Za-z0-9]{one})|(?<={_ESCAPE}{one}))" for one in literals)
    is_marked = all(_MARKED.match(prefix) for prefix in prefixes)
    return Shape(kind, prefixes, _by_pattern(f"(?:{starts}){tail}"), is_marked)


def _numbered(tail: str, fewest: int, most: int) -> Finder:
    """Find what a number stands before: its `tail` is looked for, since digits are everywhere, and then the number."""
    compiled = re.compile(tail)

    def find(text: str, lower: str) -> Iterator[Span]:  # noqa: ARG001 - its letters are as they are
        position = 0
        for match in compiled.finditer(text):
            begin = end = match.start()
            while begin > position and end - begin <= most and text[begin - 1] in "0123456789":
                begin -= 1
            if fewest <= end - begin <= most and _begins_word(text, begin):
                yield begin, match.end()
                position = match.end()

    return find


def _begins_word(text: str, at: int) -> bool:
    before = text[at - 1 : at]
    is_inside = before.isascii() and (before.isalnum() or before in "_.") and before != ""
    return not is_inside or _AFTER_ESCAPE.search(text, max(0, at - 2), at) is not None


_RUN = re.compile(r"[A-Za-z0-9_-]+")


def _web_tokens(text: str, lower: str) -> Iterator[Span]:  # noqa: ARG001 - its letters are as they are
    # By hand: a pattern would read a long run once for each "eyJ" within it.
    position = 0
    while (begin := text.find("eyJ", position)) >= 0:
        end, parts = begin, 0
        while parts < 3 and (run := _RUN.match(text, end, begin + MAX_MATCH // 2)):
            end, parts = run.end(), parts + 1
            if text[end : end + 1] != "." or parts == 3:
                break
            end += 1
        if parts >= 2 and end - begin >= 16:
            yield begin, end
        position = max(end, begin + 3)


def _channel_tokens(text: str, lower: str) -> Iterator[Span]:  # noqa: ARG001 - its letters are as they are
    # A messaging channel's long-lived token has no beginning of its own; all end alike.
    for end in re.finditer("w1cDnyilFU=", text):
        backwards = text[max(0, end.start() - 200) : end.start()][::-1]
        if before := re.match(r"[A-Za-z0-9+/]{20,200}", backwards):
            yield end.start() - before.end(), end.end()


_KEY_BLOCK = r"-----BEGIN [A-Z0-9 ]{0,40}+(?<=PRIVATE KEY)-----|-----BEGIN PGP PRIVATE KEY BLOCK-----"
# Not possessive: before Python 3.11.5 a possessive group of alternatives matches too little.
_KEY_BODY = rf"(?:[^-]|-(?!----)){{0,{MAX_KEY_BLOCK}}}"
_KEY_END = r"(?:-----END [A-Z0-9 ]{0,40}+-----)?"

SHAPES: tuple[Shape, ...] = (
    Shape(
        "private_key",
        ("-----BEGIN ",),
        _by_pattern(f"(?:{_KEY_BLOCK}){_KEY_BODY}{_KEY_END}"),
    ),
    _prefixed(
        "watchkeeper_token",
        "wko_",
        "wks_",
        "wkw_",
        "wkv_",
        "wkj_",
        tail=rf"[A-Za-z0-9_-]{{12,{MAX_SECRET}}}+",
    ),
    Shape(
        "lease_token",
        (".",),
        _numbered(
            r"\.(?<=[0-9]\.)(?:(?=[a-z0-9_-]{0,23}[A-Z])[A-Za-z0-9_-]{24}|[0-9a-f]{36})(?![A-Za-z0-9_-])",
            fewest=1,
            most=9,
        ),
    ),
    _prefixed("api_key", "sk-", tail=rf"(?=[A-Za-z_-]{{0,200}}[0-9])[A-Za-z0-9_-]{{16,{MAX_SECRET}}}+"),
    _prefixed(
        "github_token",
        *("github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        tail=rf"[A-Za-z0-9_]{{20,{MAX_SECRET}}}+",
    ),
    _prefixed(
        "gitlab_token",
        *("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "gloas-"),
        tail=r"[A-Za-z0-9_-]{16,512}+",
    ),
    _prefixed("aws_key", "AKIA", "ASIA", tail=r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    Shape(
        "aws_key",
        ("AKIA", "ASIA"),
        # The secret half, as it stands beside the other in a table or on the next line.
        _by_pattern(r"A(?:KI|SI)A[A-Z0-9]{16}[\s,;:|\"']{1,8}+(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"),
    ),
    _prefixed(
        "slack_token",
        *("xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"),
        tail=r"[A-Za-z0-9.-]{8,512}+",
    ),
    Shape(
        "slack_webhook",
        ("hooks.slack.com/",),
        _by_pattern(r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<value>[A-Za-z0-9_/-]{8,512}+)"),
    ),
    _prefixed("google_key", "AIza", tail=r"[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _prefixed("google_token", "ya29.", tail=rf"[A-Za-z0-9_-]{{20,{MAX_SECRET}}}+"),
    _prefixed(
        "stripe_key",
        *("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),
        tail=r"[A-Za-z0-9]{16,512}+",
    ),
    _prefixed("cloud_token", "dop_v1_", "doo_v1_", "dor_v1_", tail=r"[a-f0-9]{64}(?![A-Za-z0-9])"),
    _prefixed("cloud_token", "dapi", tail=r"[a-f0-9]{32}(?![A-Za-z0-9])"),
    _prefixed("cloud_token", "v1.0-", tail=r"[a-f0-9]{24}-[a-f0-9]{100,200}+"),
    _prefixed("cloud_token", "hvs.", "hvb.", tail=r"[A-Za-z0-9_-]{20,512}+"),
    Shape(
        "cloud_token",
        ("Q~",),
        _by_pattern(
            r"[A-Za-z0-9_~.-](?<![A-Za-z0-9_~.-][A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{2}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"
        ),
    ),
    _prefixed("phone_key", "SK", tail=r"[a-f0-9]{32}(?![A-Za-z0-9])"),
    _prefixed("observer_key", "glsa_", "glc_", "sntrys_", "lin_api_", tail=r"[A-Za-z0-9_+/=-]{20,512}+"),
    _prefixed("shop_key", "shpat_", "shpss_", "shpca_", tail=r"[a-fA-F0-9]{32}(?![A-Za-z0-9])"),
    Shape("chat_token", ("w1cDnyilFU=",), _channel_tokens),
    _prefixed("registry_token", "dckr_pat_", "rubygems_", tail=r"[A-Za-z0-9_-]{20,512}+"),
    _prefixed("registry_token", "npm_", tail=r"[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _prefixed("registry_token", "pypi-", tail=r"[A-Za-z0-9_-]{50,2048}+"),
    _prefixed("model_hub_token", "hf_", tail=r"[A-Za-z0-9]{30,512}+"),
    _prefixed("sendgrid_key", "SG.", tail=r"[A-Za-z0-9_-]{16,64}+\.[A-Za-z0-9_-]{32,128}+"),
    Shape(
        "telegram_token",
        (":",),
        _numbered(r":(?<=[0-9]:)[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])", fewest=8, most=10),
    ),
    Shape("jwt", ("eyJ",), _web_tokens),
    Shape(
        "url_password",
        (":/",),
        # A path that was tidied up has one slash of two.
        _by_pattern(r":/{1,2}[^\s/?#:@\"'<>]{0,256}+:(?P<value>(?!\[redacted:)[^\s/?#@\"'<>]{1,2048}+)(?=@)"),
    ),
    Shape("url_password", ("://",), _by_pattern(r"://(?P<value>[A-Za-z0-9_-]{20,512}+)(?=@)")),
    Shape("bearer", (), secret_assignments.find_bearers),
    Shape("cookie", (), secret_assignments.find_cookies),
    Shape("login", (), secret_assignments.find_logins),
    Shape("password", (), secret_assignments.find_passwords),
    Shape("secret", (), secret_assignments.find_secrets),
)
"""In the order in which they name what several of them find."""


def found_in(text: str) -> Iterator[tuple[Span, str]]:
    """Give where secrets of any shape stand, with their kinds.

    Nearly all texts have none: three searches say that of all shapes that begin with a marked word.
    """
    lower = text.lower()
    has_marked = any(pattern.search(text) for pattern in _MARKED_STARTS)
    for shape in SHAPES:
        if shape.is_marked and not has_marked:
            continue
        if not shape.hints or any(hint in text for hint in shape.hints):
            for span in shape.find(text, lower):
                yield span, shape.kind


def _starts_before(mark: str) -> re.Pattern[str]:
    """Find a mark after a word with which a marked shape begins, by looking back: the mark itself is found fast."""
    words = {
        match[0]
        for shape in SHAPES
        if shape.is_marked
        for hint in shape.hints
        if (match := _MARKED.match(hint))
    }
    of_length: dict[int, list[str]] = {}
    for word in sorted(words):
        if word.endswith(mark):
            of_length.setdefault(len(word), []).append(re.escape(word))
    begins = [
        f"(?<={any_of})(?:(?<![A-Za-z0-9](?:{any_of}))|(?<={_ESCAPE}(?:{any_of})))"
        for any_of in map("|".join, of_length.values())
    ]
    return re.compile(f"{re.escape(mark)}(?:{'|'.join(begins)})")


_MARKED_STARTS = tuple(_starts_before(mark) for mark in "_.-")
