"""Cancellation terms in the reader's words: a listing's own, and all that there are."""

from collections.abc import Iterable
from datetime import date, timedelta
from math import inf

from marketplace.catalog.rules.policies import CancellationPolicy, Kept, KeptKind, Window
from marketplace.pages.view import Reader
from marketplace.payments.rules import Quote


def clauses(
    policy: CancellationPolicy,
    who: Reader,
    first_day: date | None = None,
    quote: Quote | None = None,
) -> Iterable[tuple[str, list[tuple[str, date | None, str]]]]:
    """The terms as a timeline: for each event, from early to late, until when and what is kept.

    Days of the calendar only where a rotation's `first_day` is known, and its price by `quote`.
    """
    for clause in policy.clauses:
        for option in clause.options:
            title = who.label(clause.event.value)
            if len(clause.options) > 1:
                title = f"{title}: {who.label(option.pays_back_as.value)}"
            early_first = sorted(option.windows, key=_ends, reverse=True)
            lines = [
                (_when(window, who), _last_day(window, first_day), _kept(window.kept, quote, who))
                for window in early_first
            ]
            yield title, lines


def _ends(window: Window) -> float:
    return inf if window.to_days is None else window.to_days


def _last_day(window: Window, first_day: date | None) -> date | None:
    """The last day of a window for a rotation that begins on `first_day`; none for the last one."""
    days = window.from_days
    if first_day is None or days is None or days <= 0:
        return None
    return first_day - timedelta(days=days)


def _when(window: Window, who: Reader) -> str:
    if window.from_days is None and window.to_days is None:
        return who.say("At any time")
    if window.to_days is None:
        return who.say("%(days)s days before the start, or more", days=window.from_days)
    if window.from_days is None or window.from_days < 0:
        return who.say("Less than %(days)s days before the start", days=window.to_days + 1)
    return who.say(
        "%(first)s to %(last)s days before the start", first=window.to_days, last=window.from_days
    )


def _kept(kept: Kept, quote: Quote | None, who: Reader) -> str:
    amount = who.money(kept.amount) if kept.amount else ""
    match kept.kind:
        case KeptKind.NOTHING:
            return who.say("All of what you paid goes back")
        case KeptKind.EVERYTHING:
            return who.say("Nothing goes back")
        case KeptKind.DEPOSIT:
            return who.say("The deposit is kept")
        case KeptKind.AMOUNT if kept.amount and quote and kept.amount.minor >= quote.total.minor:
            return who.say(
                "%(amount)s is kept, so nothing goes back: these weeks cost %(total)s",
                amount=amount,
                total=who.money(quote.total),
            )
        case KeptKind.AMOUNT:
            return who.say("%(amount)s is kept, at most what you have paid", amount=amount)
        case KeptKind.SHARE:
            return who.say("%(share)s%% is kept", share=f"{(kept.basis_points or 0) / 100:g}")
