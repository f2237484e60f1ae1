"""Words that people search by, made safe for PostgreSQL's `websearch_to_tsquery`.

That function promises never to fail on any text, but a long run of minus signs exhausts its stack
("tsquery stack too small"): each is read as a negation of the next.
"""

import re

# Kept: a minus inside a word, and one that begins a word or a quoted phrase.
_MINUS = re.compile(r"(?P<inner>(?<=\w)-(?=\w))|(?P<first>(?:^|(?<=\s))-(?=[\w\"]))|-")


def searchable(text: str) -> str:
    """`text` without the minus signs that negate nothing."""
    return _MINUS.sub(lambda sign: "-" if sign["inner"] or sign["first"] else " ", text)
