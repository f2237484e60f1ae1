"""Where exports are delivered to: an object store, ours or one that somebody else reads."""

from typing import Protocol

from marketplace.core.ports import ObjectStore


class DeliveryStore(ObjectStore, Protocol):
    """Keeps what is delivered; ours, unless the settings name another."""
