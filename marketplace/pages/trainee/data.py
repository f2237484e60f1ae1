"""What somebody has given us or done here: downloaded as one file; their documents erased."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, request
from marshmallow import Schema

from marketplace.booking import queries as bookings
from marketplace.booking.queries import itineraries, waiting
from marketplace.booking.queries import messages as kept
from marketplace.booking.routes.messages import shown
from marketplace.booking.schemas import BookingSchema
from marketplace.booking.schemas.itineraries import ItinerarySchema
from marketplace.booking.schemas.messages import BookingMessageSchema
from marketplace.catalog.queries import saved
from marketplace.catalog.schemas.saved import SavedSearchSchema
from marketplace.compliance.queries import documents
from marketplace.compliance.queries import records as consents
from marketplace.compliance.routes import showing
from marketplace.compliance.schemas.documents import DocumentSchema
from marketplace.compliance.schemas.records import ConsentSchema
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, in_person, signed_in
from marketplace.identity.rules import ERASURE_WAIT
from marketplace.identity.schemas.people import AccountSchema, MembershipSchema
from marketplace.identity.schemas.profile import ProfileRevisionSchema
from marketplace.identity.service import erasing
from marketplace.outcomes.queries import letters
from marketplace.outcomes.schemas.letters import LetterSchema
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page
from marketplace.payments.queries import cards, credit
from marketplace.payments.schemas.cards import SavedCardSchema
from marketplace.payments.schemas.credit import CreditGrantSchema, CreditMovementSchema
from marketplace.web import context
from marketplace.web.pagination import Page

A_PAGE = 100
NOT_PROCESSABLE = 422

blueprint = Pages("data_pages")


@blueprint.get("/my-data")
@signed_in
def show() -> Response:
    """Say what is kept, and offer to download and to erase it."""
    return my_data({})


def my_data(errors: forms.Errors) -> Response:
    """The page, with what was wrong in its form."""
    session, own = context.session(), current_account()
    found = documents.of_holder(
        session, own.id, context.now().date(), limit=A_PAGE, cursor=request.args.get("cursor")
    )
    in_use = sum(
        any(one.revoked_at is None and one.ends_at > context.now() for one in view.releases)
        for view in found.items
    )
    return form_page(
        "my_data.html",
        NOT_PROCESSABLE if errors else 200,
        errors=errors,
        erasure=erasing.live(session, own.id),
        hindrances=erasing.hindrances(session, own.id, context.now()),
        waiting_days=ERASURE_WAIT.days,
        account=own,
        documents=len(found.items),
        more=found.next_cursor is not None,
        in_use=in_use,
        consents=consents.consent_history(session, own.id),
    )


@blueprint.get("/my-data/download")
@in_person
def download() -> Response:
    """Download what one has given and done here as one JSON file; of files, what they are."""
    body = json.dumps(_everything(), indent=2, ensure_ascii=False, default=str)
    answer = Response(body + "\n", mimetype="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _everything() -> dict[str, Any]:
    session, account = context.session(), current_account()
    own, today = account.id, context.now().date()
    threads = list(
        _all(
            lambda *, limit, cursor: kept.threads(
                session, _whose(), unread=False, limit=limit, cursor=cursor
            )
        )
    )
    own_documents = _all(
        lambda *, limit, cursor: documents.of_holder(
            session, own, today, limit=limit, cursor=cursor
        )
    )
    return {
        "as_of": context.now().isoformat(),
        "account": AccountSchema().dump(account),
        "memberships": _dump(MembershipSchema(), identity.all_memberships(session, own)),
        "profile": _pages(ProfileRevisionSchema(), identity.profile_history),
        "consents": _dump(ConsentSchema(), consents.consent_history(session, own)),
        "bookings": _pages(BookingSchema(), bookings.of_trainee),
        "itineraries": _pages(ItinerarySchema(), itineraries.of_trainee),
        "waiting_list": [
            {
                "listing_id": str(one.listing_id),
                "first_day": one.first_day.isoformat(),
                "weeks": one.weeks,
                "state": one.state,
                "joined_at": one.joined_at.isoformat(),
            }
            for one in _all(
                lambda *, limit, cursor: waiting.of_trainee(
                    session, own, limit=limit, cursor=cursor
                )
            )
        ],
        "messages": {str(one.booking_id): _thread(one.booking_id) for one in threads},
        "documents": _dump(DocumentSchema(), map(showing.document, own_documents)),
        "letters": _pages(LetterSchema(), letters.of_trainee),
        "cards": _dump(SavedCardSchema(), cards.of_account(session, own)),
        "credit": _pages(CreditGrantSchema(), credit.grants_of),
        "credit_movements": _pages(CreditMovementSchema(), credit.movements_of),
        "saved_searches": _dump(SavedSearchSchema(), saved.of_account(session, own)),
    }


def _whose() -> kept.Whose:
    return kept.Whose(current_account().id, frozenset(), frozenset(), operator=False)


def _thread(booking_id: Any) -> list[Any]:
    session = context.session()
    booking = bookings.find(session, booking_id)
    found = _all(
        lambda *, limit, cursor: kept.page(session, booking_id, limit=limit, cursor=cursor)
    )
    return _dump(BookingMessageSchema(), shown(booking, found))


def _pages(schema: Schema, select: Callable[..., Page[Any]]) -> list[Any]:
    session, own = context.session(), current_account().id
    return _dump(
        schema,
        _all(lambda *, limit, cursor: select(session, own, limit=limit, cursor=cursor)),
    )


def _dump(schema: Schema, rows: Any) -> list[Any]:
    return [schema.dump(row) for row in rows]


def _all(fetch: Callable[..., Page[Any]]) -> Iterator[Any]:
    """Every row of a select that gives pages."""
    cursor = None
    while True:
        found = fetch(limit=A_PAGE, cursor=cursor)
        yield from found.items
        cursor = found.next_cursor
        if cursor is None:
            return
