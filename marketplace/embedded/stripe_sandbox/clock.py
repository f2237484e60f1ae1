"""The sandbox's time: the machine's, moved by an offset that tests may advance."""

import time


class SandboxClock:
    """Seconds since 1970, plus an offset. The offset is kept by the store, given at start."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        return time.time() + self.offset

    def seconds(self) -> int:
        """Whole seconds, the unit of every Stripe timestamp."""
        return int(self.now())
