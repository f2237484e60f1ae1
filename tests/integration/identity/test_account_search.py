"""Accounts are found by how their words begin, among however many, without reading all of them."""

from sqlalchemy import event, text

from marketplace.core.db import edge
from marketplace.identity import queries

MANY = """
INSERT INTO account (id, email, name, active, fs_uniquifier, fs_token_uniquifier)
SELECT gen_random_uuid(), substr(md5(n::text), 1, 8) || n || '@example.org',
       'Trainee ' || translate(substr(md5('n' || n), 1, 9), '0123456789', 'ghijklmnop'),
       true, 'many' || n, 'many' || n
  FROM generate_series(1, 6000) AS n
"""


def found(session, words):
    page = queries.accounts(session, text=words, limit=5, cursor=None)
    return [one.name for one in page.items]


def test_by_the_beginnings_of_words_and_never_by_all_rows(session, people):
    people.make(name="Asha D'Souza-Rao", email="a.rao+x@grant.example")
    with edge(session):
        session.execute(text(MANY))
        session.execute(text("ANALYZE account"))
    for words in ("asha", "ASH", "rao as", "souza", "grant.exam", "a.rao+x@grant.example", "d'so"):
        assert found(session, words) == ["Asha D'Souza-Rao"], words
    for words in ("sha", "asha khan", "%", "...", "asha' | 'zz", "\\"):
        assert "Asha D'Souza-Rao" not in found(session, words), words
    # What all have is found along the addresses, a page of it and no more.
    assert len(found(session, "trainee")) == 5

    sent = []
    bind = session.get_bind()
    note = lambda _c, _k, statement, values, *_: sent.append((statement, values))
    event.listen(bind, "before_cursor_execute", note)
    for words in ("asha", "rao grant", "trainee"):
        found(session, words)
    event.remove(bind, "before_cursor_execute", note)
    cursor = session.connection().connection.driver_connection.cursor()
    plans = [
        "\n".join(row[0] for row in cursor.execute(f"EXPLAIN {written}", values, prepare=False))
        for written, values in sent
    ]
    # For each what is called so, then the page of it.
    assert [plan for plan in plans if "Seq Scan" in plan] == []
    assert ["ix_account_words" in plan for plan in plans[::2]] == [True] * 3, plans
    assert "uq_account_email" in plans[-1]
