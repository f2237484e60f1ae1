"""Identifiers: UUID version 7 (RFC 9562), so that new rows land at the end of their index."""

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """Return a new UUIDv7; within one process they sort in the order of their making."""
    return uuid_utils.compat.uuid7()
