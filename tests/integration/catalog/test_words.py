"""No text that anybody types makes the database stumble."""

from hypothesis import HealthCheck, settings
from hypothesis import given as with_any
from hypothesis import strategies as st
from sqlalchemy import text

from marketplace.catalog.queries.search import words

typed = st.one_of(
    st.text(alphabet=" -\"or|&!()<>:*'\\a1", max_size=200),
    st.text(max_size=200).filter(lambda words: "\x00" not in words),
).filter(lambda words: words.isprintable() or words.isascii())


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@with_any(given=typed)
def test_every_text_is_a_query(session, given):
    meant = words.read(session, given)
    for query in (meant.query, meant.title):
        if query is not None:
            session.execute(text("SELECT CAST(:query AS tsquery)"), {"query": query})
