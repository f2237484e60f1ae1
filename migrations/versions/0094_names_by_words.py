"""Accounts found by how the words of their names and addresses begin, by an index.

Words are taken as they are, in lower case; signs that join the parts of an address divide it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0094_names_by_words"
down_revision = "0093_school_checks"
branch_labels = None
depends_on = None

WORDS = """
CREATE OR REPLACE FUNCTION account_words(name text, email text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT to_tsvector(
    'simple'::regconfig, translate(name || ' ' || email, '@._-+/:<>&''', '           ')
)
$$
"""
# All words have to begin so; nothing is found by none.
ASKED = """
CREATE OR REPLACE FUNCTION account_words_asked(asked text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT string_agg(quote_literal(lexeme) || ':*', ' & ')::tsquery
  FROM unnest(account_words(asked, ''))
$$
"""


def upgrade() -> None:
    """Neither readers nor writers wait while the index is built."""
    op.execute(WORDS)
    op.execute(ASKED)
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_account_words",
            "account",
            [sa.text("account_words(name, email)")],
            postgresql_using="gin",
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_account_words", "account", postgresql_concurrently=True, if_exists=True)
    op.execute("DROP FUNCTION account_words_asked(text)")
    op.execute("DROP FUNCTION account_words(text, text)")
