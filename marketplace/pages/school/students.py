"""A school's students: invited one by one or by a sheet, and ended."""

import re
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as Answer

from marketplace.core.errors import DomainError
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, school_member
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.queries import schools
from marketplace.identity.schemas.schools import StudentEndArgs, StudentInviteArgs
from marketplace.identity.service import student_sheets, students
from marketplace.pages import forms
from marketplace.pages.school.frame import NOT_PROCESSABLE, asked_for, back, panel, refusal
from marketplace.pages.school.words import SHOWN, STUDENT_STATES
from marketplace.pages.view import Pages, reader
from marketplace.web import context, uploads

TAB = "/students"
OF_SCHOOL = "/schools/<uuid:school_id>"
ONE = f"{OF_SCHOOL}/students/<uuid:student_id>"
MOST_ADDRESSES = 100
NAMED = re.compile(r"<\s*([^<>\s]+)\s*>$")

blueprint = Pages("school_students")


class Student(Protocol):
    """What a page reads of a student, beside what the template shows."""

    @property
    def state(self) -> str: ...
    @property
    def account_id(self) -> UUID | None: ...


@blueprint.get(f"{OF_SCHOOL}/students")
@school_member(operators=False)
def list_students(school_id: UUID) -> Response:
    """List the school's students and invitations with what each shows, the newest first."""
    return _students(school_id)


@blueprint.post(f"{OF_SCHOOL}/students")
@school_member(operators=False)
def invite(school_id: UUID) -> Answer:
    """Invite each address that was typed; those that can't be stay in the field, each named."""
    given = forms.typed()
    addresses = typed_addresses(given.get("email", ""))
    if len(addresses) == 1:
        return _invite_one(school_id, given, addresses[0])
    if not 1 <= len(addresses) <= MOST_ADDRESSES:
        said = f"Expected 1 to {MOST_ADDRESSES} addresses; these are {len(addresses)}."
        return _students(school_id, given, {"email": [said]})
    session = context.session()
    found = students.invite_all(
        session,
        schools.find(session, school_id),
        addresses,
        actor_id=current_account().id,
        signer=_signer(),
        now=context.now(),
    )
    wrong = [one for one in found if one.error is not None]
    if not wrong:
        return back(school_id, TAB, "invited")
    texts = [f"{one.email}: {_why(one.error)}" for one in wrong if one.error]
    left = {"email": "\n".join(one.email for one in wrong)}
    good = len(found) - len(wrong)
    # Where some are invited the answer is a success, and says what is left.
    status = 200 if good else NOT_PROCESSABLE
    return _students(school_id, left, {"email": texts}, invited=good, status=status)


@blueprint.post(f"{OF_SCHOOL}/students/sheet")
@uploads.form_first
@school_member(operators=False)
def invite_sheet(school_id: UUID) -> Answer:
    """Invite all addresses of a sheet that can be; say of each other row what stands against it."""
    most = student_sheets.LARGEST_SHEET
    content, errors = forms.tried(lambda: uploads.whole_of_form("sheet", most), "sheet")
    if content is None:
        return _students(school_id, errors=errors or {"sheet": ["Choose a CSV file."]})
    if len(content) > most:
        return _students(school_id, errors={"sheet": ["The file is too large."]})
    session = context.session()
    found, errors = forms.tried(
        lambda: students.invite_all(
            session,
            schools.find(session, school_id),
            student_sheets.addresses(content),
            actor_id=current_account().id,
            signer=_signer(),
            now=context.now(),
        ),
        "sheet",
    )
    if errors or found is None:
        return _students(school_id, errors=errors)
    refused = [one for one in found if one.error is not None]
    if not refused:
        return back(school_id, TAB, "invited")
    rows = [(one.row, one.email, _why(one.error)) for one in refused if one.error]
    return _students(school_id, rows=rows, invited=len(found) - len(refused), status=200)


@blueprint.get(ONE)
@school_member(operators=False)
def show(school_id: UUID, student_id: UUID) -> Response:
    """Show one student, with the form that ends their link."""
    return _student(school_id, student_id)


@blueprint.post(f"{ONE}/end")
@school_member(operators=False)
def end(school_id: UUID, student_id: UUID) -> Answer:
    """Take an invitation back, or end a link; the school sees nothing of them from then on."""
    given = forms.typed()
    values, errors = forms.read(StudentEndArgs(), given)
    if errors:
        return _student(school_id, student_id, given, errors)
    session = context.session()
    found = schools.of_school(session, school_id, student_id)
    students.end(session, found, actor_id=current_account().id, now=context.now(), **values)
    return back(school_id, TAB, "ended")


def typed_addresses(text: str) -> list[str]:
    """The addresses of a text: one a line, or between commas, semicolons, tabs or spaces.

    As mail programs write them too, with a name before the address: `Asha Rao <asha@grant.example>`.
    What is no address stays as it was typed, to be named.
    """
    found: list[str] = []
    for part in re.split(r"[\n\t,;]", text):
        one = part.strip()
        inside = NAMED.search(one)
        several = one.split() if not inside and one.count("@") > 1 else [one]
        found += [inside[1]] if inside else [each for each in several if each]
    return found


def _why(error: DomainError) -> str:
    """What stands against an address: what its field says, where it says something."""
    said = [text for texts in (error.fields or {}).values() for text in texts]
    who = reader()
    return " ".join(who.refused(text) for text in said) or refusal(error)


def _invite_one(school_id: UUID, given: dict[str, str], address: str) -> Answer:
    values, errors = forms.read(StudentInviteArgs(), {"email": address})
    if not errors:
        session = context.session()
        _, errors = forms.tried(
            lambda: students.invite(
                session,
                schools.find(session, school_id),
                values["email"],
                actor_id=current_account().id,
                signer=_signer(),
                now=context.now(),
            ),
            "email",
        )
    return _students(school_id, given, errors) if errors else back(school_id, TAB, "invited")


def _students(
    school_id: UUID,
    typed: dict[str, str] | None = None,
    errors: forms.Errors | None = None,
    *,
    invited: int = 0,
    rows: Sequence[tuple[int, str, str]] = (),
    status: int | None = None,
) -> Response:
    wanted = [one for one in request.args.getlist("state") if one in STUDENT_STATES]
    found = schools.students(context.session(), school_id, states=wanted, **asked_for())
    return panel(
        "school/students.html",
        school_id,
        TAB,
        status or (NOT_PROCESSABLE if errors else 200),
        found=found,
        states=STUDENT_STATES,
        wanted=wanted[0] if wanted else "",
        shown=SHOWN,
        invited=invited,
        rows=rows,
        typed=typed or {},
        errors=errors or {},
    )


def _student(
    school_id: UUID,
    student_id: UUID,
    typed: dict[str, str] | None = None,
    errors: forms.Errors | None = None,
) -> Response:
    session = context.session()
    found = schools.of_school(session, school_id, student_id)
    return panel(
        "school/student.html",
        school_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        student=found,
        name=_name(found),
        states=STUDENT_STATES,
        shown=SHOWN,
        typed=typed or {},
        errors=errors or {},
    )


def _name(student: Student) -> str | None:
    """The name of a student who is linked; before that it is not the school's to know."""
    if student.state != "linked" or student.account_id is None:
        return None
    person = identity.contact(context.session(), student.account_id)
    return person.name if person else None


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
