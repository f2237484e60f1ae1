"""Identifiers with Stripe's prefixes, long enough to be unguessable (they open hosted pages)."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def token(length: int) -> str:
    """Random letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_id(prefix: str, length: int = 24) -> str:
    """``prefix_`` and a random part, such as ``cus_…``."""
    return f"{prefix}_{token(length)}"
