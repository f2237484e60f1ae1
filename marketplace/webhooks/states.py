"""States of endpoints and deliveries."""

from enum import StrEnum


class EndpointState(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledFor(StrEnum):
    """Why nothing is sent to an endpoint."""

    OWNER = "owner"
    FAILURES = "failures"
    """It took nothing for days."""
    GONE = "gone"
    """It answered 410: it wants no more."""


class DeliveryState(StrEnum):
    PENDING = "pending"
    """Not taken yet; `next_at` says when it is tried."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up; it can be replayed."""
