"""Certificates of teaching at a site: the hours that one signed, without names; and taking one back.

Who leads a site sees everybody's, and takes back those that should not be out; issued and read are
one's own alone.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, redirect
from werkzeug.wrappers import Response as Answer

from marketplace.catalog.queries import sites
from marketplace.core.errors import NotFound
from marketplace.identity.access import caller, current_account, site_member
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.queries import papers as queries
from marketplace.outcomes.routes.days import LEADS
from marketplace.outcomes.routes.papers import shown
from marketplace.outcomes.schemas.papers import PaperRevocationArgs, TeachingArgs
from marketplace.outcomes.service import hours
from marketplace.outcomes.service.papers import files
from marketplace.pages import forms
from marketplace.pages.host.frame import NOT_PROCESSABLE, PEOPLE, back, panel
from marketplace.pages.view import Pages
from marketplace.web import context
from marketplace.web.api import PREFIX

TAB = "/roster"
BASE = "/host/sites/<uuid:site_id>/teaching"
A_PAGE = 25

blueprint = Pages("host_teaching")


@blueprint.get(BASE)
@site_member(*PEOPLE, operators=False)
def show(site_id: UUID) -> Response:
    """List one's certificates, and ask for the period of another."""
    return _shown(site_id, {}, {})


@blueprint.post(BASE)
@site_member(*PEOPLE, operators=False)
def certify(site_id: UUID) -> Answer:
    """Have a certificate issued; where nothing has changed, the present one stays."""
    session, typed = context.session(), forms.typed()

    def do(values: Mapping[str, Any]) -> None:
        hours.certify(
            session,
            account_id=current_account().id,
            site_id=site_id,
            site_name=sites.site(session, site_id).name,
            now=context.now(),
            **values,
        )

    given = {name: typed.get(name, "") for name in ("from", "to")}
    errors = forms.carried_out(TeachingArgs(), given, do, "from")
    return _shown(site_id, typed, errors) if errors else back(site_id, "/teaching", "certified")


@blueprint.post(f"{BASE}/<uuid:paper_id>")
@site_member(*PEOPLE, operators=False)
def download(site_id: UUID, paper_id: UUID) -> Answer:
    """Lead to the file of one's own certificate by a link that works for minutes."""
    session, own = context.session(), current_account().id
    paper = queries.paper(session, paper_id)
    if paper is None or paper.site_id != site_id or paper.account_id != own:
        raise NotFound
    signer = context.parts().get(LinkSigner)
    link = files.link(session, signer, paper, account_id=own, now=context.now())
    answer = redirect(f"{PREFIX}/papers/files/{link.token}", 303)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.post(f"{BASE}/<uuid:paper_id>/revocation")
@site_member(*PEOPLE, operators=False)
def take_back(site_id: UUID, paper_id: UUID) -> Answer:
    """Take a certificate back for good, saying why."""
    session, typed, field = context.session(), forms.typed(), f"why-{paper_id}"

    def do(values: Mapping[str, Any]) -> None:
        hours.take_back(
            session,
            paper_id,
            site_id=site_id,
            by=current_account().id,
            anybodys=_leads(site_id),
            now=context.now(),
            **values,
        )

    given = {"reason": typed.get(field, "")}
    errors = forms.carried_out(PaperRevocationArgs(), given, do, "reason")
    if errors:
        said = [text for texts in errors.values() for text in texts]
        return _shown(site_id, typed, {field: said})
    return back(site_id, "/teaching", "paper_taken_back")


def _leads(site_id: UUID) -> bool:
    return bool(caller().site_roles(site_id) & LEADS)


def _shown(site_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, own = context.session(), current_account().id
    whose = None if _leads(site_id) else own
    found = queries.of_teacher(session, whose, site_id, limit=A_PAGE, cursor=forms.cursor())
    gone = queries.replaced(session, [one.id for one in found.items])
    return panel(
        "host/teaching.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        papers=[
            (one.content["rows"], shown(one, newer=one.id in gone), one.account_id == own)
            for one in found.items
        ],
        leads=whose is None,
        next_cursor=found.next_cursor,
        typed=typed,
        errors=errors,
    )
