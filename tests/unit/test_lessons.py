"""What a lesson's document may say, and how much of it a worker is handed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.lesson_templates import LESSON_TEMPLATES, lesson_of
from watchkeeper.domain.lessons import (
    MAX_ENTRY_CHARS,
    MOST_HANDED_CHARS,
    MOST_LESSON_CHARS,
    TEXTS,
    bounded,
    parse_lesson,
)
from watchkeeper.domain.rules.names import RuleName

SENTENCES = st.lists(st.text(min_size=1, max_size=MAX_ENTRY_CHARS), max_size=6)
DOCUMENTS = st.fixed_dictionaries(
    {"learned": st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=3)},
    optional={
        **{name: SENTENCES for name in TEXTS if name != "learned"},
        **dict.fromkeys(("topic_key", "job_id", "project_id", "upgrade_trigger"), st.text(max_size=100)),
    },
)


@given(DOCUMENTS)
def test_a_document_is_kept_as_it_is_and_known_again(document: dict[str, Any]) -> None:
    """What goes in comes out; the order of its keys makes no other lesson of it, another word does."""
    lesson = parse_lesson(document)
    assert lesson.document == document
    assert parse_lesson(dict(reversed(document.items()))).digest == lesson.digest
    assert parse_lesson({**document, "learned": [*document["learned"], "more"]}).digest != lesson.digest


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(TEXTS, SENTENCES)), max_size=8))
def test_a_worker_is_handed_whole_sentences_within_bounds(rows: list[dict[str, Any]]) -> None:
    """No lesson, and not all together, is longer than promised; what was left out is said; none is empty."""
    handed = bounded(rows)
    lengths = [sum(len(text) for name in TEXTS for text in lesson[name]) for lesson in handed]
    assert sum(lengths) <= MOST_HANDED_CHARS
    assert all(0 < length <= MOST_LESSON_CHARS for length in lengths)
    for lesson in handed:
        whole = [row for row in rows if all(row[name] == lesson[name] for name in TEXTS)]
        assert lesson["cut"] or whole
        assert lesson["treat_as"] == "data"


def test_what_a_rule_teaches_is_a_lesson_like_any_other() -> None:
    """Each template is a document that could be imported, about one kind, and names its rule."""
    for rule in RuleName:
        document = lesson_of(rule, kind="report", topic_key=None)
        assert (document is None) == (rule not in LESSON_TEMPLATES)
        if document is not None:
            lesson = parse_lesson(document)
            assert (lesson.rule, lesson.kind, lesson.topic_key) == (rule, "report", None)
            assert len(lesson.learned) == len(lesson.next_worker_should_check) == 1
