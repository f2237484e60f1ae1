"""`/schools`: a school's coordinators and students, and the way of an invitation."""

from typing import Any
from uuid import UUID

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from marketplace.core.errors import NotFound
from marketplace.identity.access import (
    current_account,
    in_person,
    public,
    require,
    school_member,
    signed_in,
)
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import Membership, School, SchoolStudent
from marketplace.identity.queries import schools as queries
from marketplace.identity.routes.limited import inviting
from marketplace.identity.rules import SEEN_WORDING, SEEN_WORDS
from marketplace.identity.schemas.people import MembershipSchema
from marketplace.identity.schemas.schools import (
    InvitedRowsSchema,
    InvitedStudentSchema,
    LeaveSchoolArgs,
    OwnSchoolSchema,
    SchoolChangeArgs,
    SchoolCoordinatorArgs,
    SchoolDecisionArgs,
    SchoolDetailSchema,
    SchoolInvitationSchema,
    SchoolMembersSchema,
    SchoolOperatorChangeArgs,
    SchoolPage,
    SeenArgs,
    StudentEndArgs,
    StudentInviteArgs,
    StudentPage,
    StudentsArgs,
)
from marketplace.identity.service import accounts, schools, student_sheets, students
from marketplace.web import context, uploads
from marketplace.web.api import Blueprint
from marketplace.web.etags import etag, require_match
from marketplace.web.openapi import IF_MATCH
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

CSV = "text/csv"
BODY = {
    "requestBody": {
        "required": True,
        "content": {CSV: {"schema": {"type": "string", "example": "email\nasha@grant.example\n"}}},
    }
}

blueprint = Blueprint(
    "schools", __name__, description="Schools: their coordinators, their students, their say."
)


@blueprint.route("/schools/<uuid:school_id>", methods=["GET"])
@school_member()
@blueprint.response(200, SchoolDetailSchema)
def show(school_id: UUID) -> tuple[School, dict[str, str]]:
    """Read your school."""
    return _tagged(queries.find(context.session(), school_id))


@blueprint.route("/schools/<uuid:school_id>", methods=["PATCH"])
@school_member()
@blueprint.arguments(SchoolChangeArgs)
@blueprint.response(200, SchoolDetailSchema)
@blueprint.doc(**IF_MATCH)
def change(data: dict[str, Any], school_id: UUID) -> tuple[School, dict[str, str]]:
    """Say whether each booking of your students needs your word first, or where the school is."""
    return _changed(data, school_id)


@blueprint.route("/schools/<uuid:school_id>/members", methods=["GET"])
@school_member()
@blueprint.response(200, SchoolMembersSchema)
def members(school_id: UUID) -> dict[str, Any]:
    """List the school's coordinators."""
    rows = queries.members(context.session(), school_id)
    return {
        "items": [
            {
                "membership_id": membership.id,
                "account_id": person.id,
                "name": person.name,
                "email": person.email,
            }
            for membership, person in rows
        ]
    }


@blueprint.route("/schools/<uuid:school_id>/students", methods=["GET"])
@school_member()
@blueprint.arguments(StudentsArgs, location="query")
@blueprint.response(200, StudentPage)
def list_students(data: dict[str, Any], school_id: UUID) -> Page[queries.Student]:
    """List the school's students and invitations, the newest first."""
    states = data.pop("state")
    return queries.students(context.session(), school_id, states=states, **data)


@blueprint.route("/schools/<uuid:school_id>/students", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(StudentInviteArgs)
@blueprint.response(201, InvitedStudentSchema)
@inviting
def invite(data: dict[str, str], school_id: UUID) -> SchoolStudent:
    """Invite a student by their address; while that is open, a new link takes the old one's place."""
    session = context.session()
    return students.invite(
        session,
        queries.find(session, school_id),
        data["email"],
        actor_id=current_account().id,
        signer=_signer(),
        now=context.now(),
    )


@blueprint.route("/schools/<uuid:school_id>/students/sheet", methods=["POST"])
@school_member(operators=False)
@blueprint.response(200, InvitedRowsSchema)
@blueprint.doc(**BODY)
def invite_sheet(school_id: UUID) -> dict[str, Any]:
    """Invite all addresses of a CSV with a column `email`: the good rows, and a word on each other.

    At most 500 rows and 256 KiB; semicolons are taken for commas.
    """
    session, addresses = context.session(), _addresses()
    found = students.invite_all(
        session,
        queries.find(session, school_id),
        addresses,
        actor_id=current_account().id,
        signer=_signer(),
        now=context.now(),
    )
    good = sum(one.error is None for one in found)
    return {"invited": good, "refused": len(found) - good, "rows": [_row(one) for one in found]}


@blueprint.route("/schools/<uuid:school_id>/students/<uuid:student_id>/end", methods=["POST"])
@school_member(operators=False)
@blueprint.arguments(StudentEndArgs)
@blueprint.response(204)
def end(data: dict[str, str], school_id: UUID, student_id: UUID) -> None:
    """Take an invitation back, or end a student's link: you see nothing of them from then on."""
    session = context.session()
    found = queries.of_school(session, school_id, student_id)
    students.end(session, found, actor_id=current_account().id, now=context.now(), **data)


@blueprint.route("/schools/invitations/<string:token>", methods=["GET"])
@public
@blueprint.response(200, SchoolInvitationSchema)
def look(token: str) -> dict[str, Any]:
    """See which school invites you and what it asks to see. Opening the link changes nothing."""
    found = students.invitation(context.session(), _signer(), token, context.now())
    return _invitation(found)


@blueprint.route("/schools/invitations/<string:token>/acceptance", methods=["POST"])
@in_person
@blueprint.arguments(SeenArgs)
@blueprint.response(200, OwnSchoolSchema)
def accept(data: dict[str, Any], token: str) -> dict[str, Any]:
    """Be linked to the school as the one who is signed in; it sees what you choose, and no more."""
    found = students.accept(
        context.session(),
        _signer(),
        token,
        account_id=current_account().id,
        now=context.now(),
        **data,
    )
    return _own(found)


@blueprint.route("/schools/invitations/<string:token>/refusal", methods=["POST"])
@public
@blueprint.response(200, SchoolInvitationSchema)
def refuse(token: str) -> dict[str, Any]:
    """Say no. No account is needed."""
    return _invitation(students.refuse(context.session(), _signer(), token, context.now()))


@blueprint.route("/me/school", methods=["GET"])
@signed_in
@blueprint.response(200, OwnSchoolSchema)
def own() -> dict[str, Any]:
    """Read which school you are linked to, and what it may see."""
    found = queries.own_link(context.session(), current_account().id)
    if found is None:
        raise NotFound("You are no school's student here.")
    return _own(found)


@blueprint.route("/me/school/consents", methods=["PUT"])
@in_person
@blueprint.arguments(SeenArgs)
@blueprint.response(200, OwnSchoolSchema)
def choose(data: dict[str, Any]) -> dict[str, Any]:
    """Choose what your school may see from now on."""
    found = students.choose(context.session(), current_account().id, now=context.now(), **data)
    return _own(found)


@blueprint.route("/me/school/leave", methods=["POST"])
@in_person
@blueprint.arguments(LeaveSchoolArgs)
@blueprint.response(204)
def leave(data: dict[str, str]) -> None:
    """Leave your school: it sees nothing of you from then on."""
    students.leave(context.session(), current_account().id, now=context.now(), **data)


@blueprint.route("/operator/schools", methods=["GET"])
@require("operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, SchoolPage)
def list_all(data: dict[str, Any]) -> Page[School]:
    """List all schools, the newest first."""
    return queries.schools(context.session(), **data)


@blueprint.route("/operator/schools/<uuid:school_id>", methods=["PATCH"])
@require("operator")
@blueprint.arguments(SchoolOperatorChangeArgs)
@blueprint.response(200, SchoolDetailSchema)
@blueprint.doc(**IF_MATCH)
def change_any(data: dict[str, Any], school_id: UUID) -> tuple[School, dict[str, str]]:
    """Change a school, its domain of addresses among it."""
    return _changed(data, school_id)


@blueprint.route("/operator/schools/<uuid:school_id>/verification", methods=["POST"])
@require("operator")
@blueprint.arguments(SchoolDecisionArgs)
@blueprint.response(200, SchoolDetailSchema)
def decide(data: dict[str, Any], school_id: UUID) -> School:
    """Verify a school: it may invite, decide and book from then on; or refuse it, and say why."""
    return schools.decide(
        context.session(), school_id, actor_id=current_account().id, now=context.now(), **data
    )


@blueprint.route("/operator/schools/<uuid:school_id>/coordinators", methods=["POST"])
@require("operator")
@blueprint.arguments(SchoolCoordinatorArgs)
@blueprint.response(201, MembershipSchema)
def add_coordinator(data: dict[str, str], school_id: UUID) -> Membership:
    """Make the account of an address a coordinator of the school, its first one or another."""
    return schools.add_coordinator(
        context.session(),
        school_id,
        accounts.normalize_address(data["email"]),
        actor_id=current_account().id,
        now=context.now(),
    )


def _changed(data: dict[str, Any], school_id: UUID) -> tuple[School, dict[str, str]]:
    session = context.session()
    school = queries.find(session, school_id, lock=True)
    require_match(school.id, school.version)
    return _tagged(schools.change(session, school, data))


def _tagged(school: School) -> tuple[School, dict[str, str]]:
    return school, {"ETag": f'"{etag(school.id, school.version)}"'}


def _invitation(student: SchoolStudent) -> dict[str, Any]:
    school = queries.find(context.session(), student.school_id)
    return {
        "school_name": school.name,
        "country": school.country,
        "city": school.city,
        "state": student.state,
        "expires_at": student.expires_at,
        **_asked(),
    }


def _own(student: SchoolStudent) -> dict[str, Any]:
    session = context.session()
    return {
        "school_id": student.school_id,
        "school_name": queries.find(session, student.school_id).name,
        "sees": student.sees,
        "linked_at": student.linked_at,
        "history": queries.consents(session, student.id),
        **_asked(),
    }


def _asked() -> dict[str, Any]:
    words = [{"purpose": one.value, "text": text} for one, text in SEEN_WORDS.items()]
    return {"wording": SEEN_WORDING, "purposes": words}


def _row(one: students.Invited) -> dict[str, Any]:
    error = one.error
    of_fields = [text for texts in ((error and error.fields) or {}).values() for text in texts]
    return {
        "row": one.row,
        "email": one.email,
        "student_id": one.student_id,
        "code": error.code if error else None,
        "problem": (" ".join(of_fields) or error.detail or error.title) if error else None,
    }


def _addresses() -> list[str]:
    if request.mimetype not in {CSV, "text/plain"}:
        raise UnsupportedMediaType(f"Send the sheet as {CSV}.")
    return student_sheets.addresses(uploads.whole(student_sheets.LARGEST_SHEET))


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
