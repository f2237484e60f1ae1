"""Letters: their codes, links and files."""

import hashlib
import secrets
from datetime import timedelta

# Crockford's base 32: no letter that is taken for a digit when read out on the telephone.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10
LINK_LIFE = timedelta(days=60)
LARGEST_LETTER = 10 * 1024 * 1024
MAGIC = b"%PDF-"
END_MARK = b"%%EOF"
# Readers look for the end mark in the last kilobyte (ISO 32000-1, annex H, note 18).
TAIL = 1024


def new_code() -> str:
    """Return a Letter ID such as `L-7K2M9-QX4TD`: 50 random bits, the same for everybody."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return f"L-{code[:5]}-{code[5:]}"


def fingerprint(token: str) -> bytes:
    """What is kept of a link's token: its SHA-256 (the token itself has 256 random-looking bits)."""
    return hashlib.sha256(token.encode()).digest()


def fault_of_pdf(content: bytes) -> str | None:
    """Say why `content` is no PDF, or None. The mark must stand first: no file of two kinds."""
    if not content:
        return "The file is empty."
    if not content.startswith(MAGIC):
        return "The file does not begin as a PDF does (%PDF-)."
    if END_MARK not in content[-TAIL:]:
        return "The file does not end as a PDF does (%%EOF): it may have been cut off."
    return None
