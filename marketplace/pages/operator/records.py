"""The audit trail, jobs that failed, and runs of a classifier."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.catalog.queries import tiers
from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.schemas.operating import AskRunSchema
from marketplace.catalog.service import reclassifying
from marketplace.compliance.queries import records
from marketplace.compliance.schemas.records import AuditArgs
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.labels.records import SUBJECTS
from marketplace.pages.operator import places
from marketplace.pages.operator.trail import Trail
from marketplace.pages.view import Pages, form_page, page, reader
from marketplace.web import context, failed_jobs

A_PAGE = 50
MANY = 200
NOT_PROCESSABLE = 422

blueprint = Pages("desk_records")


@blueprint.get("/desk/audit")
@require("operator")
def audit() -> Response:
    """Search who read and did what, the newest first."""
    session = context.session()
    typed = {name: text.strip() for name, text in request.args.items() if text.strip()}
    given: dict[str, Any] = {**typed, "limit": A_PAGE}
    errors: forms.Errors = {}
    if "subject_id" in given:
        given["subject_id"], errors = _meant("subject_id", places.anything(given["subject_id"]))
    if "actor" in given:
        given["actor_id"], wrong = _meant("actor", places.account(given.pop("actor")))
        errors = {**errors, **wrong}
    values, wrong = forms.read(AuditArgs(), given)
    errors = {**wrong, **errors}
    found = None if errors else records.audit_trail(session, **values)
    who, items = reader(), found.items if found else []
    return page(
        "desk/audit.html",
        NOT_PROCESSABLE if errors else 200,
        found=found,
        reader=who,
        trail=Trail(session, who, items),
        kinds=[(code.removeprefix("about_"), who.say(text)) for code, text in SUBJECTS.items()],
        typed=typed,
        errors=errors,
    )


def _meant(field: str, found: UUID | str) -> tuple[str | None, forms.Errors]:
    """What was found by what was typed into a field; nothing, and what is wrong with it."""
    return (None, {field: [found]}) if isinstance(found, str) else (str(found), {})


@blueprint.get("/desk/jobs")
@require("operator")
def list_jobs() -> Response:
    """List the jobs that failed for good, the newest first."""
    return form_page("desk/jobs.html", items=failed_jobs.newest(context.session(), MANY))


@blueprint.post("/desk/jobs/<int:job_id>/retry")
@require("operator")
def retry(job_id: int) -> Response:
    """Put a failed job back into the queue."""
    failed_jobs.retry(context.session(), job_id)
    return redirect("/desk/jobs", 303)


@blueprint.get("/desk/tiers")
@require("operator")
def list_runs() -> Response:
    """List the runs of classifiers over the catalogue, the newest first."""
    return _runs({}, {})


@blueprint.post("/desk/tiers")
@require("operator")
def dry_run() -> Response:
    """Ask what a classifier would change; nothing is changed by it."""
    typed, known = forms.typed(), context.parts().get(Classifiers)
    given = {"classifier": typed.get("classifier"), "commit": False}
    values, errors = forms.read(AskRunSchema(), given)
    run_id = None
    if not errors:
        run_id, errors = forms.tried(
            lambda: (
                reclassifying.ask(
                    context.session(),
                    known,
                    asked_by=current_account().id,
                    now=context.now(),
                    **values,
                ).id
            ),
            "classifier",
        )
    if errors or run_id is None:
        return _runs(typed, errors)
    return redirect(f"/desk/tiers/{run_id}", 303)


@blueprint.get("/desk/tiers/<uuid:run_id>")
@require("operator")
def show_run(run_id: UUID) -> Response:
    """Show how far a run is, and what it changes or would change."""
    session = context.session()
    run = tiers.run(session, run_id)
    cursor = request.args.get("cursor") or None
    found = tiers.changes(session, run.id, outcome=None, limit=A_PAGE, cursor=cursor)
    return page("desk/run.html", run=run, found=found, listings=tiers.named(session, found))


def _runs(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    cursor = request.args.get("cursor") or None
    known = context.parts().get(Classifiers)
    values: dict[str, Any] = {
        "found": tiers.runs(context.session(), limit=A_PAGE, cursor=cursor),
        "published": known.published,
        "versions": [(version, version) for version in known.versions],
    }
    status = NOT_PROCESSABLE if errors else 200
    return form_page("desk/tiers.html", status, typed=typed, errors=errors, **values)
