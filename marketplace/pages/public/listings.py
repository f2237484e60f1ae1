"""A listing's page: what one may do there and why it is called so, weeks, price, rules, terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from flask import request
from markupsafe import Markup
from werkzeug.wrappers import Response

from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import holds
from marketplace.catalog import queries as catalog
from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.gateway import TraineeWeeks
from marketplace.catalog.queries import listings, seats
from marketplace.catalog.rules import eligibility
from marketplace.catalog.rules.eligibility.answers import Outcome, RuleResult
from marketplace.catalog.rules.english import text_of
from marketplace.catalog.rules.fees import fee_on
from marketplace.catalog.rules.policies import POLICIES
from marketplace.catalog.rules.structured_data import course, embedded
from marketplace.catalog.rules.vocabulary import EvidenceKind
from marketplace.catalog.rules.weeks import WEEK, monday_of
from marketplace.catalog.schemas.eligibility import EligibilityArgs
from marketplace.catalog.service.advertising import advertised
from marketplace.catalog.service.explaining import Explanation, explain, first_start, is_shown
from marketplace.catalog.states import ListingState
from marketplace.compliance.queries import requirements
from marketplace.core.settings import Settings
from marketplace.identity import queries as identity
from marketplace.identity.access import public
from marketplace.identity.rules import Role
from marketplace.pages import asked, forms
from marketplace.pages.public.policy_words import clauses
from marketplace.pages.view import Pages, Reader, page, reader, with_query
from marketplace.payments.rules import Quote
from marketplace.reporting.service import letter_rates
from marketplace.web import context

WEEKS_SHOWN = 53
NOT_PROCESSABLE = 422

ORDER = {Outcome.FAIL: 0, Outcome.UNKNOWN: 1, Outcome.PASS: 2}

blueprint = Pages("listing_page")


# Months, each with its Mondays and how many seats are free; none where a week is closed.
Calendar = Sequence[tuple[date, Sequence[tuple[date, int | None]]]]


class Shown(eligibility.Terms, Protocol):
    """What this page reads of a listing, beside what the template shows."""

    @property
    def id(self) -> UUID: ...
    @property
    def state(self) -> str: ...
    @property
    def cancellation_policy(self) -> str: ...


@dataclass(frozen=True)
class Choice:
    """The rotation that is looked at: its first day and weeks, what they would cost, and when.

    Who books late owes the balance at once: `whole` says so.
    """

    first_day: date
    weeks: int
    quote: Quote | None
    balance_due_on: date | None = None
    whole: bool = False


@blueprint.get("/listings/<uuid:listing_id>")
@public
def show(listing_id: UUID) -> Response:
    """Show a listing that the public may know of; `first_day` and `weeks` choose a rotation."""
    who, session = reader(), context.session()
    listing = listings.listing(session, listing_id)
    if not is_shown(listing):
        raise ListingNotFound
    given, errors = _asked()
    today = context.now().date()
    agreed = fee_on(listings.platform_fees(session, listing.site_id), today)
    facts = advertised(listing, context.parts().get(Settings), agreed)
    site_today = site_day(context.now(), listing.site.time_zone)
    chosen = _chosen(listing, given, today, site_today)
    calendar = _calendar(listing, today)
    explanation = None if errors else _explanation(listing, chosen, who)
    wanted = requirements.effective_now(
        session, listing.site_id, listing.id, listing.documents, today
    )
    trainee = who.account_id if Role.TRAINEE in who.roles else None
    return page(
        "listings/listing.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        listing=listing,
        canonical=f"/listings/{listing.id}",
        open=listing.state == ListingState.PUBLISHED,
        chosen=chosen,
        today=site_today,
        errors=errors,
        typed=request.args,
        calendar=calendar,
        # Which Mondays a rotation can begin on; later weeks belong to one that has begun.
        begins=(first_start(listing, today), listing.last_start),
        full=_is_full(calendar, chosen),
        some_full=any(left == 0 for _, mondays in calendar for _, left in mondays),
        # What was typed can't be answered: then nothing else is, either.
        explanation=explanation,
        rules=_rules(explanation, told_below=bool(wanted)),
        wanted=[(asked.title(one, who), asked.needs(one, who), one.note) for one in wanted],
        may_hold=trainee is not None,
        profile_missing=trainee is not None and identity.profile(session, trainee) is None,
        english=text_of(listing.english) if listing.english.asked else None,
        letters=letter_rates.of_shown(session, listing.id),
        verified_by=_verified_by(listing.site.verification_evidence),
        policy=POLICIES[listing.cancellation_policy],
        clauses=clauses(POLICIES[listing.cancellation_policy], who, chosen.first_day, chosen.quote),
        structured=Markup(embedded(course(facts))),  # noqa: S704 - escaped by `embedded`
        with_query=with_query,
    )


def _asked() -> tuple[Mapping[str, Any], Mapping[str, list[str]]]:
    given = {name: value for name, value in request.args.items() if value.strip()}
    return forms.read(EligibilityArgs(unknown="exclude"), given)


def _chosen(listing: Shown, asked: Mapping[str, Any], today: date, site_today: date) -> Choice:
    first = asked.get("first_day") or first_start(listing, today)
    weeks = asked.get("weeks") or listing.weeks_min
    if listing.state != ListingState.PUBLISHED:
        return Choice(first, weeks, None)
    booked = catalog.listing_for_booking(context.session(), listing.id)
    terms = Terms.of(context.parts().get(Settings))
    policy = POLICIES[listing.cancellation_policy]
    quote = holds.price_of(booked, weeks, policy, terms, today)
    due_on = holds.balance_due_on(quote, policy, first)
    return Choice(first, weeks, quote, due_on, due_on is not None and due_on <= site_today)


def _calendar(listing: Shown, today: date) -> Calendar:
    """Months in order, each with its Mondays and how many seats are free; a year from now."""
    first = monday_of(today)
    year = seats.availability(context.session(), listing.id, first, first + WEEKS_SHOWN * WEEK)
    months: dict[date, list[tuple[date, int | None]]] = {}
    for week, capacity, free in year.weeks:
        monday = date.fromisoformat(week)
        left = None if week in year.blackout_weeks or not capacity else free
        months.setdefault(monday.replace(day=1), []).append((monday, left))
    return list(months.items())


def _verified_by(evidence: str | None) -> str | None:
    """By what kind of evidence a site was verified; its number is nobody's business."""
    kind = (evidence or "").partition(":")[0]
    return f"evidence_{kind}" if kind in set(EvidenceKind) - {EvidenceKind.OTHER} else None


def _is_full(calendar: Calendar, chosen: Choice) -> bool:
    """Whether all weeks that are chosen are offered, and one of them nobody can have now."""
    free = {monday: left for _, mondays in calendar for monday, left in mondays}
    wanted = [free.get(chosen.first_day + number * WEEK) for number in range(chosen.weeks)]
    return 0 in wanted and None not in wanted


def _explanation(listing: Shown, chosen: Choice, who: Reader) -> Explanation | None:
    works = who.roles and Role.TRAINEE not in who.roles
    if who.account_id is None or works or listing.state != ListingState.PUBLISHED:
        return None
    return explain(
        context.session(),
        listing.id,
        who.account_id,
        context.now(),
        first_day=chosen.first_day,
        weeks=chosen.weeks,
        bookings=context.parts().get(TraineeWeeks),
    )


def _rules(explanation: Explanation | None, *, told_below: bool) -> Sequence[RuleResult]:
    """Rule by rule: first what is in the way, then what is not known, then what is met."""
    found = explanation.results if explanation else ()
    # The rule on documents knows of those in the sheet alone; the page has them all.
    shown = [one for one in found if one.rule != "documents" or not told_below]
    return sorted(shown, key=lambda one: ORDER[one.outcome])
