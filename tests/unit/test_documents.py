"""How YAML and TOML are read: values, places, and what is refused before it can mean anything."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.documents import MAX_BYTES, read_text
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.placed import DocumentRefused, Place, Placed


def told(content: bytes, name: str = "it.yaml") -> list[str]:
    with pytest.raises(DocumentRefused) as refused:
        read_text(content, name)
    found: list[str] = refused.value.details["failed"]
    return found


def test_yaml_is_read_by_its_core_schema() -> None:
    """`yes` and `off` are texts, a date is a text, and numbers are numbers."""
    text = b"a: yes\nb: off\nc: 2026-11-21\nd: 0x1F\ne: .5\nf: 1_000\ng: ~\nh: True\ni: '7'\nj: -3\n"
    assert read_text(text, "it.yaml").plain() == {
        "a": "yes",
        "b": "off",
        "c": "2026-11-21",
        "d": 31,
        "e": 0.5,
        "f": "1_000",
        "g": None,
        "h": True,
        "i": "7",
        "j": -3,
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: &x 1\n", "line 1, column 4: anchors (&) are not kept"),
        (b"a: *x\n", "line 1, column 4: references (*) are not followed"),
        (b"a: !!python/object/apply:os.system [x]\n", "line 1, column 4: tags such as"),
        (
            b"a: 1\nb: 2\na: 3\n",
            "line 3, column 1: a: the key stands here a second time, the first is in line 1",
        ),
        (b"a: 1\n---\nb: 2\n", "line 2, column 1: a second document begins here"),
        (b"%YAML 1.1\n---\na: 1\n", "directives (%) are not read"),
        (b"? [a]\n: 1\n", "line 1, column 3: a key is a text"),
        (b"a: [1,\n", "this is no YAML"),
        (b"[" * 5_000, "line 1, column 33: this is no YAML: it is more than 32 levels deep"),
        (b"a: 1\n\xff", "line 2, column 1: this is no UTF-8"),
        (b"#" * (MAX_BYTES + 1), "line 1, column 1: a document has at most 262,144 bytes"),
    ],
)
def test_yaml_that_refers_expands_or_constructs_is_refused(content: bytes, says: str) -> None:
    """Nothing in a document can make more of it than what stands there, and no key is told twice."""
    assert says in told(content)[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a = 1\na = 2\n", "line 2, column 6: this is no TOML: Cannot overwrite a value"),
        (b"a = \n", "line 1, column 5: this is no TOML: Invalid value"),
        (b"a = [1,\n", "line 2, column 1: this is no TOML"),
        (b"a = " + b"[" * 40 + b"]" * 40, "it is more than 32 levels deep"),
        (b"a = " + b"[" * 5_000, "this is no TOML"),
    ],
)
def test_toml_is_refused_with_its_place(content: bytes, says: str) -> None:
    """The parser's word comes with line and column."""
    assert says in told(content, "it.toml")[0]


def test_a_file_that_is_not_there_is_said_so(tmp_path: Any) -> None:
    """The message names the file and the reason."""
    from watchkeeper.documents import read_file

    with pytest.raises(SettingError, match="cannot be read: No such file"):
        read_file(tmp_path / "none.yaml")


def test_an_escape_or_a_fold_keeps_no_place_inside_of_a_text() -> None:
    """Where letters are not what was written, an error points to the text and not into it."""
    found = read_text(b'a: "x y"\nb: "x\\ty"\nc: |\n  x\nd: x\n  y\n', "it.yaml").value
    assert [found[key].inner for key in "abcd"] == [Place(1, 5), None, None, None]


keys = st.one_of(st.text("abc_-1", min_size=1, max_size=4), st.sampled_from(["a.b", "ä", 'q"', ""]))
scalars = st.one_of(
    st.booleans(),
    st.integers(-999, 999),
    st.sampled_from(["x", 'q"uo\\te', "# no", "ä\tb", "]", "two\nlines"]).map(json.dumps),
    st.sampled_from(["'raw # \\'", "'''a'b\nc'''", '"""x""y\n"""', "1979-05-27 07:32:00", "0x1f"]),
)
inline: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3).map(lambda found: {**found})
    ),
    max_leaves=6,
)
BREAKS = st.sampled_from(["", " ", "\n ", " # so\n"])


@st.composite
def toml_texts(draw: Any) -> str:
    """Write a document with headers, arrays of tables, dotted keys, comments and lists over lines."""

    def value(given: Any) -> str:
        if isinstance(given, list):
            between = draw(BREAKS)
            return f"[{between}{f'{between},{between}'.join(map(value, given))}{between}]"
        if isinstance(given, dict):
            return "{" + ", ".join(f"{key(name)} = {value(item)}" for name, item in given.items()) + "}"
        return str(given).lower() if isinstance(given, bool) else str(given)

    def key(name: str) -> str:
        is_bare = name.isascii() and name.replace("_", "a").replace("-", "a").isalnum()
        return name if is_bare else json.dumps(name, ensure_ascii=False)

    def pairs() -> list[str]:
        found = draw(st.dictionaries(keys, inline, max_size=3))
        return [
            f"{draw(st.sampled_from(['', '  ']))}{key(name)} = {value(item)}" for name, item in found.items()
        ]

    lines = [*pairs(), *(["zz . y = 1"] if draw(st.booleans()) else [])]
    for number, name in enumerate(draw(st.lists(keys, max_size=3, unique=True))):
        header = f"t{number}.{key(name)}"
        for _ in range(draw(st.integers(0, 2))):
            lines += [f"[[ {header} ]] # many", *pairs(), f"[{header}.below]", *pairs()]
        lines += [f"[one{number}.{key(name)}]", *pairs()]
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines) + "\n"


@settings(deadline=None)
@given(toml_texts())
def test_every_value_of_a_toml_document_stands_where_it_is_said_to(text: str) -> None:
    """At each place that is told begins the very value, or the key, that it is told of."""
    data = tomllib.loads(text)
    found = read_text(text.encode(), "it.toml")
    assert repr(found.plain()) == repr(data)
    lines = text.replace("\r\n", "\n").split("\n")

    def look(placed: Placed, name: str | None) -> None:
        if name is not None and placed.key is not None:
            rest = lines[placed.key.line - 1][placed.key.column - 1 :]
            assert rest.startswith((name or '""', json.dumps(name, ensure_ascii=False)))
        if isinstance(placed.value, dict):
            for key, item in placed.value.items():
                look(item, key)
        elif isinstance(placed.value, list):
            for item in placed.value:
                look(item, None)
        else:
            rest = "\n".join(
                [lines[placed.place.line - 1][placed.place.column - 1 :], *lines[placed.place.line :]]
            )
            assert any(begins_with(rest, end, placed.value) for end in range(1, len(rest) + 1))

    look(found, None)


def begins_with(text: str, end: int, value: Any) -> bool:
    try:
        return repr(tomllib.loads(f"it = {text[:end]}")["it"]) == repr(value)
    except tomllib.TOMLDecodeError:
        return False


@settings(deadline=None)
@given(st.one_of(st.text(max_size=40), st.text("ab:-[]{}\"'#&*!|>%? \n\t=.,01~", max_size=40)), st.booleans())
def test_any_text_is_read_or_refused_with_a_place(text: str, is_yaml: bool) -> None:
    """No text leads to a traceback."""
    content = text.encode(errors="surrogatepass")
    problems: tuple[Any, ...] = ()
    try:
        read_text(content, "it.yaml" if is_yaml else "it.toml")
    except DocumentRefused as refused:
        problems = refused.problems
    assert all(problem.place >= Place(1, 1) for problem in problems)
