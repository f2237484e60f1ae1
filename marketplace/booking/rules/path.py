"""The critical path to a rotation: what has to be done by when, counted back from its first day.

Days are civil dates at the site. What should have been done before the booking was made is due on
the day it was made. The leads are advice, not promises of any authority.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from marketplace.compliance.rules.clearance import Item, ItemState
from marketplace.compliance.rules.kinds import TITLES

# Days to plan with, ours and no authority's: from the interview to the visa, two weeks more to
# travel, and before that an appointment, which is months away in many posts.
VISA_IN_HAND = 14
PROCESSING = 60
APPOINTMENT = 106
# Between ordering a screening and having its result on paper.
SCREENINGS: Mapping[str, int] = {
    "background_check": 21,
    "drug_screen": 10,
    "tb_test": 10,
    "chest_xray": 7,
    "mmr_titre": 10,
    "varicella_titre": 10,
    "hepatitis_b_titre": 10,
}
# Travel without an interview: the authorization is asked for on line.
NO_INTERVIEW = frozenset({"esta", "ESTA"})


@dataclass(frozen=True)
class Step:
    """`state`: open, done, overdue; or passed, where only the trainee knows whether it was done."""

    key: str
    kind: str
    title: str
    on: date
    state: str
    blocks: bool = False

    def days_left(self, today: date) -> int:
        return (self.on - today).days


@dataclass(frozen=True)
class Journey:
    """What the path depends on; `balance_due_on` is None where nothing is left to be paid."""

    first_day: date
    made_on: date
    today: date
    needs_visa: bool
    visa_type: str | None
    balance_due_on: date | None
    balance_paid: bool


def path(journey: Journey, items: Iterable[Item]) -> tuple[Step, ...]:
    """Every step up to the first day, by day; the last is the rotation itself."""
    steps = [*_visa(journey), *_balance(journey)]
    for item in items:
        steps += _document(journey, item)
    start = Step("start", "rotation", "The rotation begins", journey.first_day, "open")
    if journey.first_day <= journey.today:
        start = Step("start", "rotation", "The rotation begins", journey.first_day, "passed")
    return (*sorted(steps, key=lambda step: (step.on, step.key)), start)


def _visa(journey: Journey) -> Iterator[Step]:
    if not journey.needs_visa:
        return
    if journey.visa_type in NO_INTERVIEW:
        yield _known_to_trainee(journey, "visa", "Ask for the travel authorization", VISA_IN_HAND)
        return
    before = VISA_IN_HAND + PROCESSING
    yield _known_to_trainee(
        journey, "visa_appointment", "Ask for a visa appointment", before + APPOINTMENT
    )
    yield _known_to_trainee(journey, "visa_interview", "Have the visa interview", before)
    yield _known_to_trainee(journey, "visa", "Have the visa in hand", VISA_IN_HAND)


def _known_to_trainee(journey: Journey, key: str, title: str, days: int) -> Step:
    on = _not_before(journey, journey.first_day - timedelta(days=days))
    return Step(key, "visa", title, on, "open" if on >= journey.today else "passed")


def _balance(journey: Journey) -> Iterator[Step]:
    if journey.balance_due_on is None:
        return
    on = _not_before(journey, journey.balance_due_on)
    yield Step(
        "balance", "payment", "Pay the balance", on, _state(journey, on, done=journey.balance_paid)
    )


def _document(journey: Journey, item: Item) -> Iterator[Step]:
    key, title = item.requirement.key, item.requirement.title
    # What was sent and can't do, by its own dates or scores, is not handed over yet.
    handed = item.met or (item.state is ItemState.UPLOADED and not item.reason)
    screening = _screening(item)
    if screening is not None and item.state is not ItemState.NOT_NEEDED:
        on = _not_before(journey, item.due_on - timedelta(days=SCREENINGS[screening]))
        words = f"Arrange the {TITLES[screening].removeprefix('positive ')}"
        yield Step(f"order_{key}", "screening", words, on, _state(journey, on, done=handed))
    if item.state is not ItemState.NOT_NEEDED:
        state = _state(journey, item.due_on, done=handed)
        yield Step(key, "document", f"Hand over: {title}", item.due_on, state, item.blocks)


def _screening(item: Item) -> str | None:
    """What has to be arranged; nothing where a document without a screening would do as well."""
    needed = [
        {one.kind for one in group} & SCREENINGS.keys() for group in item.requirement.alternatives
    ]
    if not all(needed):
        return None
    kinds = (kind for group in needed for kind in group)
    return min(kinds, key=lambda kind: (-SCREENINGS[kind], kind), default=None)


def _state(journey: Journey, on: date, *, done: bool) -> str:
    if done:
        return "done"
    return "open" if on >= journey.today else "overdue"


def _not_before(journey: Journey, on: date) -> date:
    return min(max(on, journey.made_on), journey.first_day)
