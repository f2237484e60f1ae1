"""The edge commits once or not at all, and nothing commits below it."""

import pytest
from sqlalchemy import text

from marketplace.core.db import CommitOutsideEdge
from marketplace.core.jobs import defer


def test_a_commit_outside_the_edge_is_refused(session):
    session.execute(text("SELECT 1"))
    with pytest.raises(CommitOutsideEdge):
        session.commit()


def test_the_session_of_a_job_commits_at_its_end_only(live):
    with pytest.raises(RuntimeError, match="after the effect"), live.transaction() as session:
        _remember(session)
        raise RuntimeError("after the effect")
    with live.transaction() as session:
        assert _count(session) == 0
        _remember(session)
    with live.sessions() as session:
        assert _count(session) == 1


def test_a_deferred_job_exists_exactly_when_its_cause_does(live):
    with pytest.raises(RuntimeError), live.transaction() as session:
        defer(session, "web.forget_answers")
        raise RuntimeError("rolled back")
    with live.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0
    with live.transaction() as session:
        defer(session, "web.forget_answers")
    with live.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 1


def test_an_unknown_job_is_an_error_at_once(session):
    with pytest.raises(LookupError, match=r"no\.such"):
        defer(session, "no.such")


def _remember(session) -> None:
    session.execute(
        text(
            "INSERT INTO remembered_answer VALUES ('c', 'k', '', 200, '{}', '', now())"
            " ON CONFLICT DO NOTHING"
        )
    )


def _count(session) -> int:
    return session.scalar(text("SELECT count(*) FROM remembered_answer"))
