"""No text that anybody types makes the database stumble."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from marketplace.catalog.rules.words import searchable

typed = st.one_of(
    st.text(alphabet=" -\"or|&!()<>:*'\\a1", max_size=200),
    st.text(max_size=200).filter(lambda words: "\x00" not in words),
).filter(lambda words: words.isprintable() or words.isascii())


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(typed)
def test_every_text_is_a_query(session, words):
    session.execute(select(func.websearch_to_tsquery(text("'english'"), searchable(words))))


def test_a_minus_still_leaves_a_word_out():
    assert searchable('cardiology -research -"chart review" x-ray') == (
        'cardiology -research -"chart review" x-ray'
    )
    assert "-" not in searchable("- -- ---")
