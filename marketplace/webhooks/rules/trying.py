"""When a delivery is tried again, and what an answer means."""

from datetime import datetime, timedelta

# After the first attempt, at once: three days in all, as the specification's own example.
DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
# At most so much is added by chance, so that what failed together does not come back together.
JITTER = 0.2
LONGEST_WAIT = timedelta(days=1)
# An endpoint that took nothing for so long is sent nothing more.
FAILING_FOR = timedelta(days=5)
GONE = 410
# The other side is overloaded, or not there: the next message would fare no better now.
THROTTLED = frozenset({429, 502, 503, 504})


def succeeded(status: int | None) -> bool:
    """Whether the answer says that the message was taken: 2xx and nothing else."""
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - the class of status codes


def next_at(
    now: datetime, tries: int, chance: float, retry_after: timedelta | None = None
) -> datetime | None:
    """When to try again after `tries` attempts have failed; None if that was the last.

    `chance` is from 0 to 1; `retry_after` is what the other side asked for, heeded up to a day.
    """
    if tries > len(DELAYS):
        return None
    wait = DELAYS[tries - 1] * (1 + JITTER * chance)
    if retry_after is not None:
        wait = max(wait, min(retry_after, LONGEST_WAIT))
    return now + wait
