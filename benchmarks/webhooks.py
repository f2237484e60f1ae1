"""The inbox: signed events of Stripe, kept before they are answered."""

from collections.abc import Iterator

from benchmarks import shared
from benchmarks.comparing import account, in_turns
from benchmarks.figures import Figure, Target
from benchmarks.stage import WEBHOOK_SECRET, Stage

# Of the yardstick's rate.
LEAST_RATIO = 0.5
# An event meets nothing of those before it.
PARTS = 3


def run(stage: Stage) -> Iterator[Figure]:
    """The product verifies, stores and asks for a job; the yardstick commits one row."""
    given = shared.of(stage)
    stage.say("events")
    ours, theirs = in_turns(
        stage,
        given.product,
        given.yardstick,
        lambda server, seconds: stage.load(
            server, "webhook", webhook_secret=WEBHOOK_SECRET, seconds=seconds
        ),
        parts=PARTS,
    )
    yield Figure(
        "webhook.rate",
        ours["rate"],
        "events/s",
        "yardstick",
        theirs["rate"],
        Target("ratio", "at least", LEAST_RATIO),
        {"product": account(ours), "yardstick": account(theirs)},
    )
