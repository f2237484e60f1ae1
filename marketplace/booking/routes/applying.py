"""Applications: the host's questions, what is said between the two sides, and the decision."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from marketplace.booking.models import Booking, QuestionVersion
from marketplace.booking.queries import applying
from marketplace.booking.routes import finding
from marketplace.booking.rules import reasons
from marketplace.booking.rules.questions import Question
from marketplace.booking.schemas import BookingSchema
from marketplace.booking.schemas.applying import (
    ApplicationAnswerArgs,
    ApplicationConversationSchema,
    ApplicationsArgs,
    ApplicationSchema,
    AskedQuestionsSchema,
    AskForMoreArgs,
    DeclineArgs,
    DeclineReasonSchema,
    HostQuestionsArgs,
    HostQuestionSetSchema,
    SubmitArgs,
)
from marketplace.booking.service import (
    applications,
    conversations,
    payment,
    questions,
    rosters,
)
from marketplace.catalog import queries as catalog
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, public, signed_in, site_member
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.etags import etag, require_match
from marketplace.web.openapi import IF_MATCH
from marketplace.web.pagination import Page
from marketplace.web.schemas import page_of

blueprint = Blueprint(
    "applications",
    __name__,
    description="Applications: the host's own questions, the answers, and the decision.",
)
OF_LISTING = "/sites/<uuid:site_id>/listings/<uuid:listing_id>/questions"
Answer = tuple[dict[str, Any] | QuestionVersion, dict[str, str]]


@blueprint.route("/listings/<uuid:listing_id>/questions", methods=["GET"])
@public
@blueprint.response(200, AskedQuestionsSchema)
def list_asked(listing_id: UUID) -> dict[str, Any]:
    """List what whoever applies for this listing is asked now."""
    session = context.session()
    catalog.listing_for_booking(session, listing_id)
    found = applying.current_questions(session, listing_id)
    asked = {"number": 0, "questions": []} if found is None else _set(found)
    return {"listing_id": listing_id, **asked}


@blueprint.route(OF_LISTING, methods=["GET"])
@site_member()
@blueprint.response(200, HostQuestionSetSchema)
def show_questions(site_id: UUID, listing_id: UUID) -> Answer:
    """Show what the listing asks its applicants."""
    listing_id = _listing(site_id, listing_id)
    found = applying.current_questions(context.session(), listing_id)
    if found is None:
        empty = {"number": 0, "questions": [], "note": "", "made_by": None, "made_at": None}
        return empty, _tag(listing_id, 0)
    return found, _tag(listing_id, found.number)


@blueprint.route(OF_LISTING, methods=["PUT"])
@site_member(*finding.DECIDERS)
@blueprint.arguments(HostQuestionsArgs)
@blueprint.response(200, HostQuestionSetSchema)
@blueprint.doc(**IF_MATCH)
def change_questions(data: dict[str, Any], site_id: UUID, listing_id: UUID) -> Answer:
    """Put a new set in the place of the listing's; applications keep what they answered."""
    listing_id = _listing(site_id, listing_id)
    found = applying.current_questions(context.session(), listing_id)
    read = 0 if found is None else found.number
    require_match(listing_id, read)
    made = questions.change(
        context.session(),
        listing_id,
        [Question(**{**one, "options": tuple(one["options"])}) for one in data["questions"]],
        note=data["note"],
        read=read,
        actor_id=current_account().id,
        now=context.now(),
    )
    return made, _tag(listing_id, made.number)


@blueprint.route(f"{OF_LISTING}/history", methods=["GET"])
@site_member()
@blueprint.response(200, HostQuestionSetSchema(many=True))
def question_history(site_id: UUID, listing_id: UUID) -> Sequence[QuestionVersion]:
    """List every version of the listing's questions, the newest first."""
    return applying.question_history(context.session(), _listing(site_id, listing_id))


@blueprint.route("/bookings/decline-reasons", methods=["GET"])
@public
@blueprint.response(200, DeclineReasonSchema(many=True))
def decline_reasons() -> list[dict[str, str]]:
    """List the reasons that a host can name when it declines."""
    return [{"code": code, "text": text} for code, text in reasons.DECLINE.items()]


@blueprint.route("/sites/<uuid:site_id>/applications", methods=["GET"])
@site_member(*finding.DECIDERS)
@blueprint.arguments(ApplicationsArgs, location="query")
@blueprint.response(200, page_of(ApplicationSchema))
def list_applications(args: dict[str, Any], site_id: UUID) -> Page[rosters.Application]:
    """List the applications that wait for your decision, the most urgent first."""
    return rosters.applications(context.session(), site_id, **args)


@blueprint.route("/bookings/<uuid:booking_id>/submit", methods=["POST"])
@signed_in
@blueprint.arguments(SubmitArgs)
@blueprint.response(200, BookingSchema)
def submit(data: dict[str, Any], booking_id: UUID) -> Booking:
    """Hand a held booking to the host to decide on; the seat is kept until then.

    422 `answers_unfit` with an error for each answer that does not fit; 409 `questions_changed`
    with the present questions if the host has changed them since you read them.
    """
    booking = finding.own(booking_id)
    payment.check_alone(booking)
    applications.submit(context.session(), booking, now=context.now(), **data)
    return booking


@blueprint.route("/bookings/<uuid:booking_id>/application", methods=["GET"])
@signed_in
@blueprint.response(200, ApplicationConversationSchema)
def read_application(booking_id: UUID) -> conversations.Conversation:
    """Read what was said about an application: the answers, what was asked for, what came."""
    return conversations.conversation(context.session(), finding.visible(booking_id))


@blueprint.route("/bookings/<uuid:booking_id>/approve", methods=["POST"])
@signed_in
@blueprint.response(200, BookingSchema)
def approve(booking_id: UUID) -> Booking:
    """Accept an application. 409 `decided_already`, naming who, if a colleague was faster."""
    booking = finding.hosted(booking_id)
    applications.approve(
        context.session(), booking, actor_id=current_account().id, now=context.now()
    )
    return booking


@blueprint.route("/bookings/<uuid:booking_id>/decline", methods=["POST"])
@signed_in
@blueprint.arguments(DeclineArgs)
@blueprint.response(200, BookingSchema)
def decline(data: dict[str, Any], booking_id: UUID) -> Booking:
    """Decline an application with a reason, which the trainee reads."""
    booking = finding.hosted(booking_id)
    applications.decline(
        context.session(), booking, actor_id=current_account().id, now=context.now(), **data
    )
    return booking


@blueprint.route("/bookings/<uuid:booking_id>/ask-for-more", methods=["POST"])
@signed_in
@blueprint.arguments(AskForMoreArgs)
@blueprint.response(200, BookingSchema)
def ask_for_more(data: dict[str, Any], booking_id: UUID) -> Booking:
    """Ask the applicant for more; your own time stands still until the answer comes.

    The trainee has five business days. You can ask three times.
    """
    booking = finding.hosted(booking_id)
    applications.ask_for_more(
        context.session(), booking, actor_id=current_account().id, now=context.now(), **data
    )
    return booking


@blueprint.route("/bookings/<uuid:booking_id>/answer", methods=["POST"])
@signed_in
@blueprint.arguments(ApplicationAnswerArgs)
@blueprint.response(200, BookingSchema)
def answer(data: dict[str, Any], booking_id: UUID) -> Booking:
    """Answer what the host asked for; answers given by key replace the earlier ones."""
    booking = finding.own(booking_id)
    applications.answer(context.session(), booking, now=context.now(), **data)
    return booking


def _set(found: QuestionVersion) -> dict[str, Any]:
    return {"number": found.number, "questions": found.questions}


def _listing(site_id: UUID, listing_id: UUID) -> UUID:
    """The listing, if it is one of the site's."""
    found = catalog.listing_facts(context.session(), [listing_id]).get(listing_id)
    if found is None or found.site_id != site_id:
        raise NotFound
    return listing_id


def _tag(listing_id: UUID, number: int) -> dict[str, str]:
    return {"ETag": f'"{etag(listing_id, number)}"'}
