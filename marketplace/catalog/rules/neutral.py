"""Text that a spreadsheet would run as a formula, made harmless on the way out and whole again in.

An apostrophe before such text says that it is text, as in a spreadsheet itself. What begins so by
its own right gets one more, so that reading undoes writing whatever the text was.
"""

import re

# Full-width forms count: some programs fold them on opening.
DANGEROUS = re.compile(r"\s*[=+\-@\t\r\n＝＋－＠]")
_QUOTED = re.compile(r"'+\s*[=+\-@\t\r\n＝＋－＠]")


def neutralised(text: str) -> str:
    """`text` as it may stand in a cell of a file that is opened by a spreadsheet."""
    return f"'{text}" if DANGEROUS.match(text) or _QUOTED.match(text) else text


def is_quoted(text: str) -> bool:
    """Whether `text` is what `neutralised` makes of text that would have been run."""
    return _QUOTED.match(text) is not None


def whole(text: str) -> str:
    """What was neutralised, as it was."""
    return text[1:] if is_quoted(text) else text
