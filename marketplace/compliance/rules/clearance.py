"""Whether somebody is cleared for a stay: requirement by requirement, with what is missing by when.

Pure: the same requirements, documents and days give the same answer. A document counts once it is
accepted; several documents of one kind count together, so that two certificates of one dose each
are two doses.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from marketplace.compliance.rules.requirements import Needed, Requirement, describe
from marketplace.compliance.rules.validity import Facts, Stay, Window

# A trainee is told so long before what was accepted expires.
EXPIRING = timedelta(days=30)


class ItemState(StrEnum):
    """`not_needed`: out of season. `waived`: an operator has said that it may be missing."""

    MISSING = "missing"
    UPLOADED = "uploaded"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    NOT_NEEDED = "not_needed"
    WAIVED = "waived"


@dataclass(frozen=True)
class Held:
    """A document that was handed over for the stay; `state` uploaded, accepted or rejected."""

    document_id: UUID
    kind: str
    state: str
    facts: Facts
    reason: str = ""


@dataclass(frozen=True)
class Item:
    """One requirement as it stands. `due_on`: by when to hand it over; `blocks`: it does now."""

    requirement: Requirement
    state: ItemState
    met: bool
    due_on: date
    overdue: bool
    blocks: bool
    needs: str
    reason: str
    document_ids: tuple[UUID, ...]


@dataclass(frozen=True)
class Clearance:
    """All requirements of a stay, the most urgent of those that are not met first."""

    items: tuple[Item, ...]

    @property
    def complete(self) -> bool:
        return all(item.met for item in self.items)

    @property
    def may_start(self) -> bool:
        return not any(item.blocks for item in self.items)

    @property
    def missing(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if not item.met)

    @property
    def next_due_on(self) -> date | None:
        return min((item.due_on for item in self.missing), default=None)


def clear(
    requirements: Iterable[Requirement],
    stay: Stay,
    held: Sequence[Held],
    *,
    made_on: date,
    today: date,
    waived: Collection[str] = (),
) -> Clearance:
    """Judge `held` against the requirements; `made_on` is the day on which they were asked for.

    What would have been due before that day is due on it: nobody is late for what was not asked.
    """
    items = [
        _judge(requirement, stay, held, made_on, today, requirement.key in waived)
        for requirement in requirements
    ]
    return Clearance(tuple(sorted(items, key=lambda item: (item.met, item.due_on))))


def can_be_had(requirement: Requirement, stay: Stay, today: date) -> bool:
    """Whether a document that is dated today could meet it: some count only if they are newer.

    A drug screen of the last three months, and a vaccination of the coming season, have their time.
    """
    return any(
        all(
            window.earliest is None or window.earliest <= today
            for needed in group
            for window in needed.validity.windows(stay)
        )
        for group in requirement.alternatives
    )


def _judge(
    requirement: Requirement,
    stay: Stay,
    held: Sequence[Held],
    made_on: date,
    today: date,
    waived: bool,  # noqa: FBT001 - private, and called in one place
) -> Item:
    about = [one for one in held if one.kind in requirement.kinds]
    accepted = [one for one in about if one.state == "accepted"]
    met = _is_met(requirement, stay, accepted)
    needed_on = _needed_on(requirement, stay, accepted)
    due_on = min(max(needed_on - timedelta(days=requirement.due_days), made_on), needed_on)
    state = _state(requirement, stay, about, today=today)
    if waived and not met:
        met, state = True, ItemState.WAIVED
    return Item(
        requirement=requirement,
        state=state,
        met=met,
        due_on=due_on,
        overdue=not met and due_on < today,
        blocks=requirement.blocks_start and not met and needed_on <= stay.first_day,
        needs=describe(requirement),
        reason=_reason(requirement, state, stay, about),
        # An accepted version and a newer one that waits are one document.
        document_ids=tuple(dict.fromkeys(one.document_id for one in about)),
    )


def _is_met(requirement: Requirement, stay: Stay, documents: Sequence[Held]) -> bool:
    return any(
        all(_is_proven(needed, stay, documents) for needed in group)
        for group in requirement.alternatives
    )


def _is_proven(needed: Needed, stay: Stay, documents: Sequence[Held]) -> bool:
    windows = needed.validity.windows(stay)
    if not windows:
        return True
    good = [one.facts for one in documents if one.kind == needed.kind and _scores(needed, one)]
    # Doses count from certificates that do not lapse before the need.
    lasting = [facts for facts in good if _lasts(facts, windows[0])]
    doses = {day for facts in lasting for day in facts.dose_dates}
    covered = all(any(window.covers(facts) for facts in good) for window in windows)
    return covered and len(doses) >= needed.doses


def _scores(needed: Needed, document: Held) -> bool:
    least = needed.least_each_part
    scores = document.facts.scores
    return least is None or (bool(scores) and min(scores.values()) >= least)


def _lasts(facts: Facts, window: Window) -> bool:
    return facts.expires_on is None or facts.expires_on >= window.needed_on


def _needed_on(requirement: Requirement, stay: Stay, accepted: Sequence[Held]) -> date:
    """The first day on which it is needed and not covered; the first day where all is covered."""
    open_days = [
        window.needed_on
        for group in requirement.alternatives
        for needed in group
        for window in needed.validity.windows(stay)
        if not any(window.covers(one.facts) for one in accepted if one.kind == needed.kind)
    ]
    return min(open_days, default=stay.first_day)


def _state(
    requirement: Requirement, stay: Stay, about: Sequence[Held], *, today: date
) -> ItemState:
    accepted = [one for one in about if one.state == "accepted"]
    uploaded = [one for one in about if one.state == "uploaded"]
    if _is_met(requirement, stay, accepted):
        if _is_met(requirement, stay, ()):
            return ItemState.NOT_NEEDED
        soon = any(_expiry(one) <= today + EXPIRING for one in accepted)
        return ItemState.EXPIRING if soon else ItemState.ACCEPTED
    if uploaded and _is_met(requirement, stay, [*accepted, *uploaded]):
        return ItemState.UPLOADED
    if any(_expiry(one) < stay.last_day for one in accepted):
        return ItemState.EXPIRED
    if any(one.state == "rejected" for one in about):
        return ItemState.REJECTED
    return ItemState.UPLOADED if uploaded else ItemState.MISSING


def _expiry(document: Held) -> date:
    return document.facts.expires_on or date.max


def _reason(requirement: Requirement, state: ItemState, stay: Stay, about: Sequence[Held]) -> str:
    """Why what was handed over does not do, where that is not plain from the state."""
    if state is ItemState.UPLOADED and not _is_met(requirement, stay, about):
        short = [_expiry(one) for one in about if _expiry(one) < stay.last_day]
        if short:
            return f"What was sent is valid until {max(short)}; the last day is {stay.last_day}."
        return "By the days and scores that were given with it, what was sent does not do yet."
    if state is ItemState.REJECTED:
        return next((one.reason for one in reversed(about) if one.state == "rejected"), "")
    if state is ItemState.EXPIRED:
        last = max(_expiry(one) for one in about if _expiry(one) < stay.last_day)
        return f"What was accepted is valid until {last}; the last day is {stay.last_day}."
    if state is ItemState.MISSING and about:
        return (
            "What was accepted is not all of it, or not of the dates or scores that are asked for."
        )
    return ""
