"""Secrets known by the word before them: `password=...`, `"api_key": "..."`, `--token ...`, `Bearer ...`.

What counts as a value depends on how it is written, since prose and program text have the same words: a
number of tokens, a type annotation and a variable's name stay readable.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator

Span = tuple[int, int]

MAX_SECRET = 16_384
"""Characters of one secret that are followed; the header limits of the usual servers lie below this."""

_PASSWORDS = r"password|passwd|passphrase|pwd"
_SECRETS = (
    r"secret|account[_-]?key|shared[_-]?access[_-]?signature|token(?!s|i[sz]|[_-]?(?:count|limit|usage|type))|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|auth[_-]?key|(?:en|de)cryption[_-]?key|signing[_-]?key|credential"
)
_SEPARATOR = r"[A-Za-z0-9_-]{0,32}+(?:\\{0,7}+[\"'])?(?P<gap>[ \t]{0,8}+(?::=|=>|[:=])[ \t]{0,8}+)"


def _assignment(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?i:{words}){_SEPARATOR}")


def _option(words: str) -> re.Pattern[str]:
    return re.compile(rf"--(?:[a-z]{{1,20}}+-){{0,3}}(?i:{words})(?P<gap>[ \t]{{1,8}}+)(?!-)")


_PASSWORD_STARTS = (_assignment(_PASSWORDS), _option(_PASSWORDS))
_SECRET_STARTS = (_assignment(_SECRETS), _option(_SECRETS))
_PASSWORD_BEGINS = ("pass", "pwd")
_SECRET_BEGINS = ("secret", "token", "credential")
_BEFORE_KEY = re.compile(r"(?:account|api|access|private|auth|(?:en|de)cryption|signing)[_-]?\Z")
_LONGEST_BEFORE_KEY = 11

_FOLDED = "\u0130\u0131\u017f\u212a"
"""Letters of other scripts that a pattern takes for i, s and k when it ignores case, and `lower` does not."""

_SECRET_KEY = re.compile(rf"(?i:{_PASSWORDS}|{_SECRETS})")

_ESCAPED = re.compile(rf"\\{{1,7}}+\"([^\"\\\n]{{1,{MAX_SECRET}}}+)")
_DOUBLE = re.compile(rf"\"((?:[^\"\\\n]|\\[^\n]){{1,{MAX_SECRET}}})")
_SINGLE = re.compile(rf"'((?:[^'\\\n]|\\[^\n]){{1,{MAX_SECRET}}})")
_BARE = re.compile(rf"((?:[^\s\"'`<>&,;\\]|[&,;](?![\w.-]{{1,40}}+[=:]|\s|\Z)){{1,{MAX_SECRET}}})")
_HARMLESS = re.compile(
    r"(?i:null|none|nil|true|false|undefined|str|string|bytes|int|bool|any|optional|required|yes|no)"
    r"|\$\{?[A-Z_][A-Z0-9_]*\}?|\*+|\.+"
)
_GOES_ON = re.compile(r"[ \t]{1,8}+(?::=|=>|[:=])")
_LONGEST_NAME = 64
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]{0,40}+(?:_[A-Z][A-Z0-9]{0,40}+){1,8}+")
_NUMBER = re.compile(r"[0-9][0-9_.,%]{0,14}")
_RANDOM_LOOKING = re.compile(r"[A-Za-z0-9+/=_-]{20,}+")

_HEADER = re.compile(
    r"(?i:authorization)(?:\\{0,7}+[\"'])?[ \t]{0,8}+[:=][ \t]{0,8}+(?:\\{0,7}+[\"'])?"
    r"(?i:basic|bearer|token|digest|apikey|negotiate)[ \t]{1,8}+"
    rf"(?P<value>[A-Za-z0-9._~+/=:-]{{1,{MAX_SECRET}}}+)"
)
_BEARER = re.compile(
    r"(?<![A-Za-z0-9_])(?i:bearer)[ \t]{1,8}+"
    rf"(?P<value>(?:(?=[A-Za-z._~+/-]{{0,64}}[0-9])[A-Za-z0-9._~+/=-]{{8,{MAX_SECRET}}}+"
    rf"|[A-Za-z0-9._~+/=-]{{20,{MAX_SECRET}}}+))"
)


def find_passwords(text: str, lower: str) -> Iterator[Span]:
    """Find what is given as a password: nearly any value counts. `lower` is the text in small letters."""
    if _has_any(lower, *_PASSWORD_BEGINS):
        begins = _places(text, lower, _PASSWORD_BEGINS)
        yield from _assigned(text, _PASSWORD_STARTS, begins, _is_password)


def find_secrets(text: str, lower: str) -> Iterator[Span]:
    """Find what is given as a token, key or secret, leaving numbers and plain words of program text."""
    if _has_any(lower, *_SECRET_BEGINS, "key", "signature"):
        begins = _places(text, lower, _SECRET_BEGINS + (("shared",) if "signature" in lower else ()))
        if begins is not None:
            keys = (
                _BEFORE_KEY.search(lower, max(0, at - _LONGEST_BEFORE_KEY), at)
                for at in _all_of(lower, "key")
            )
            begins = sorted([*begins, *(found.start() for found in keys if found)])
        yield from _assigned(text, _SECRET_STARTS, begins, _is_secret)


def find_bearers(text: str, lower: str) -> Iterator[Span]:
    """Find what stands in an authorization header, or after the word Bearer and looks like a token."""
    if not _has_any(lower, "authorization", "bearer"):
        return
    for pattern in (_HEADER, _BEARER):
        yield from _values_of(pattern, text)


_COOKIE = re.compile(
    r"(?i:set-cookie|cookie)(?:\\{0,7}+[\"'])?[ \t]{0,8}+[:=][ \t]{0,8}+(?:\\{0,7}+[\"'])?"
    rf"(?P<value>(?!\[redacted:)[A-Za-z0-9_.!#$%&*+^`|~-]{{1,128}}+=[^\r\n\"'\\]{{1,{MAX_SECRET}}}+)"
)
_NETRC = re.compile(
    r"(?<![A-Za-z0-9_])(?:machine[ \t\n]{1,8}+[^\s]{1,256}+|default)[ \t\n]{1,8}+"
    r"(?:login[ \t\n]{1,8}+[^\s]{1,256}+[ \t\n]{1,8}+)?"
    r"(?:account[ \t\n]{1,8}+[^\s]{1,256}+[ \t\n]{1,8}+)?password[ \t\n]{1,8}+(?P<value>(?!\[redacted:)[^\s]{1,512}+)"
)
_REGISTRY_LOGIN = re.compile(
    r"[\"']auth\\{0,7}+[\"'][ \t]{0,8}+:[ \t\n]{0,8}+\\{0,7}+[\"'](?P<value>[A-Za-z0-9+/=_-]{8,4096}+)"
)


def find_cookies(text: str, lower: str) -> Iterator[Span]:
    """Find what a Cookie or Set-Cookie header carries."""
    if "cookie" in lower:
        yield from _values_of(_COOKIE, text)


def find_logins(text: str, lower: str) -> Iterator[Span]:  # noqa: ARG001 - these are written small
    """Find the passwords of a .netrc and the logins of a container registry's configuration."""
    if "password" in text:
        yield from _values_of(_NETRC, text)
    if '"auth' in text or "'auth" in text:
        yield from _values_of(_REGISTRY_LOGIN, text)


def _values_of(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        yield match.span("value")


def _has_any(lower: str, *words: str) -> bool:
    """Look for the words that every finding has, which is far faster than the patterns."""
    return any(word in lower for word in words)


def _places(text: str, lower: str, words: tuple[str, ...]) -> list[int] | None:
    """Give where words begin; None where the text's letters and those of `lower` do not stand for each other."""
    if not text.isascii() and any(letter in text for letter in _FOLDED):
        return None
    return sorted(at for word in words for at in _all_of(lower, word))


def _all_of(lower: str, word: str) -> Iterator[int]:
    at = lower.find(word)
    while at >= 0:
        yield at
        at = lower.find(word, at + 1)


def names_a_secret(key: str) -> bool:
    """Say whether a field of this name holds a secret, as in {"password": ...}."""
    is_harmless = key.lower() in ("pwd", "oldpwd") or key.lower().endswith(("_id", "-id"))
    return not is_harmless and _SECRET_KEY.search(key[:200]) is not None


def is_name_of_a_secret(value: str) -> bool:
    """Say whether a value is the name of a variable that holds a secret: agents tell it as where their key is from."""
    return _VARIABLE.fullmatch(value) is not None and names_a_secret(value)


def _assigned(
    text: str,
    patterns: tuple[re.Pattern[str], re.Pattern[str]],
    begins: list[int] | None,
    counts: Callable[[re.Match[str], str], bool],
) -> Iterator[Span]:
    """Find the values of assignments, which `begins` knows to begin, and of options."""
    for pattern, places in zip(patterns, (begins, None), strict=True):
        position = 0
        while match := _next(pattern, text, position, places):
            position = match.end()
            span = _value(text, position)
            if span and counts(match, text[span[0] : span[1]]):
                yield span
                # Past the value: each "password=" within it would read the rest of it once more. But the
                # name of another, as in "token=db_password = x", is looked at again.
                is_name = _GOES_ON.match(text, span[1]) is not None
                position = max(span[0], span[1] - _LONGEST_NAME) if is_name else span[1]


def _next(
    pattern: re.Pattern[str], text: str, position: int, places: list[int] | None
) -> re.Match[str] | None:
    """Search on from a position; where a match can begin is known, or is looked for, twenty times slower."""
    if places is None:
        return pattern.search(text, position)
    first = bisect_left(places, position)
    tried = (pattern.match(text, places[number]) for number in range(first, len(places)))
    return next((match for match in tried if match), None)


def _is_password(match: re.Match[str], value: str) -> bool:
    is_working_directory = match[0][:3].lower() == "pwd" and value.startswith("/")
    return not is_working_directory and not _HARMLESS.fullmatch(value)


def _is_secret(match: re.Match[str], value: str) -> bool:
    if _HARMLESS.fullmatch(value) or (_NUMBER.fullmatch(value) and not match[0].lower().startswith("secret")):
        return False
    if is_name_of_a_secret(value):
        return False
    is_quoted = match.string[match.end()] in "\\\"'"
    # "token:refresh" is a name of something; "token=refresh" gives a token.
    is_tight = match["gap"] in ("=", ":=", "=>")
    return is_quoted or is_tight or _is_random_looking(value)


def _value(text: str, at: int) -> Span | None:
    following = text[at : at + 11]
    if following.startswith(("[", "{", "(")):
        return None
    pattern = _BARE
    if following.startswith("\\") and following.lstrip("\\").startswith('"'):
        pattern = _ESCAPED
    elif following.startswith('"'):
        pattern = _DOUBLE
    elif following.startswith("'"):
        pattern = _SINGLE
    match = pattern.match(text, at)
    if match is None or text.startswith("[redacted:", match.start(1)):
        return None
    return match.span(1)


def _is_random_looking(value: str) -> bool:
    if _RANDOM_LOOKING.fullmatch(value):
        return True
    return len(value) >= 8 and any(char.isdigit() for char in value) and "(" not in value
