"""The papers that a site asks for at all of its listings, and what a listing asks instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Response
from werkzeug.wrappers import Response as Answer

from marketplace.catalog.queries import listings
from marketplace.compliance.queries import requirements as queries
from marketplace.compliance.rules.kinds import TITLES
from marketplace.compliance.rules.requirements import Requirement, from_json, plain, to_json
from marketplace.compliance.rules.usual import usual
from marketplace.compliance.schemas.requirements import RequirementsArgs
from marketplace.compliance.service import requirements
from marketplace.identity.access import current_account, site_member
from marketplace.pages import asked, forms
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, PEOPLE, back, panel
from marketplace.pages.host.site import ChangedMeanwhile
from marketplace.pages.view import Pages, Reader, reader
from marketplace.web import context

OF_SITE = "/host/sites/<uuid:site_id>/documents/asked"
OF_LISTING = "/host/sites/<uuid:site_id>/listings/<uuid:listing_id>/papers"
OWN, OMITTED = "own", "omitted"
# How old a paper of one's own wording may be, where it says so.
WITHIN = "within_months"

blueprint = Pages("host_papers")


@dataclass(frozen=True)
class Scope:
    """Whose papers they are: the site's, or those of one of its listings."""

    site_id: UUID
    listing: Any = None

    @property
    def id(self) -> UUID:
        return self.listing.id if self.listing else self.site_id

    @property
    def path(self) -> str:
        return f"/listings/{self.listing.id}/papers" if self.listing else "/documents/asked"


@dataclass(frozen=True)
class Line:
    """A paper that is asked for or could be; `how`: asked here, left out here, else as it comes."""

    paper: Requirement
    how: str
    # What holds without a word of the listing's own.
    otherwise: bool = False


@blueprint.get(OF_SITE)
@site_member(*PEOPLE, operators=False)
def show(site_id: UUID) -> Response:
    """Show what the site asks for, and what it could."""
    return _shown(Scope(site_id), None, {})


@blueprint.post(OF_SITE)
@site_member(*DECIDERS, operators=False)
def change(site_id: UUID) -> Answer:
    """Put what is ticked in the place of what the site asked for."""
    return _changed(Scope(site_id))


@blueprint.get(OF_LISTING)
@site_member(*PEOPLE, operators=False)
def show_of_listing(site_id: UUID, listing_id: UUID) -> Response:
    """Show what a listing asks for besides, or instead of, what its site does."""
    return _shown(_listing(site_id, listing_id), None, {})


@blueprint.post(OF_LISTING)
@site_member(*DECIDERS, operators=False)
def change_of_listing(site_id: UUID, listing_id: UUID) -> Answer:
    """Put what is chosen in the place of the listing's own set."""
    return _changed(_listing(site_id, listing_id))


def _changed(scope: Scope) -> Answer:
    typed, session = forms.typed(), context.session()
    lines = _lines(scope, typed)
    wished = [_wished(one, typed) for one in lines if one.how]
    if typed.get("new_kind"):
        wished.append(_new(typed, {one.paper.key for one in lines}))
    by, now = current_account().id, context.now()

    def do(values: dict[str, Any]) -> None:
        found = queries.current(session, scope.id)
        read = 0 if found is None else found.number
        if typed.get("read") != str(read):
            raise ChangedMeanwhile
        requirements.change(
            session,
            site_id=scope.site_id,
            listing_id=scope.listing.id if scope.listing else None,
            requirements=[from_json(one) for one in values["requirements"]],
            note=values["note"],
            read=read,
            actor_id=by,
            now=now,
        )

    given = {"requirements": wished, "note": ""}
    errors = forms.carried_out(RequirementsArgs(), given, do, "papers")
    if errors:
        return _shown(scope, typed, _by_line(errors, wished))
    return back(scope.site_id, scope.path, "saved")


def _wished(line: Line, typed: Mapping[str, str]) -> dict[str, Any]:
    """A line of the form, as the API would be told."""
    key = line.paper.key
    found = to_json(replace(line.paper, omitted=line.how == OMITTED))
    if line.how == OWN:
        found["due_days"] = forms.whole_number(typed.get(f"due-{key}", ""))
        found["blocks_start"] = f"blocks-{key}" in typed
    return found


def _new(typed: Mapping[str, str], used: set[str]) -> dict[str, Any]:
    """A paper of the host's own wording."""
    kind = typed["new_kind"]
    keys = (kind, *(f"{kind}_{number}" for number in range(2, 70)))
    months = typed.get("new_months", "")
    needed: dict[str, Any] = {"kind": kind}
    if months:
        needed["validity"] = {"rule": WITHIN, "months": forms.whole_number(months)}
    return {
        "key": next((one for one in keys if one not in used), kind),
        "title": typed.get("new_title") or (plain(kind).title if kind in TITLES else kind),
        "alternatives": [[needed]],
        "due_days": forms.whole_number(typed.get("new_due", "30")),
        "blocks_start": "new_blocks" in typed,
    }


def _by_line(errors: forms.Errors, wished: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What is wrong, by the fields of the form; what has none, beside all of them."""
    found: dict[str, list[str]] = {}
    for name, texts in errors.items():
        number = forms.number(name.removeprefix("requirements.").partition(".")[0])
        known = number is not None and number < len(wished) and name.endswith(".due_days")
        months = name.endswith(".months")
        key = f"due-{wished[number or 0]['key']}" if known else "new_months" if months else "papers"
        found.setdefault(key, []).extend(texts)
    return found


def _lines(scope: Scope, typed: Mapping[str, str] | None) -> list[Line]:
    """What is asked for here, then what could be; as the form says where something was typed."""
    session, today = context.session(), context.now().date()
    own = {one.key: one for one in _read(session, scope.id)}
    of_site = {one.key: one for one in _read(session, scope.site_id)} if scope.listing else {}
    known = {**usual(today), **of_site, **own}
    first = [key for key in (*own, *of_site) if key in known]
    terms = set(scope.listing.documents) if scope.listing else set()
    spoken = {kind for one in (*own.values(), *of_site.values()) for kind in one.kinds}
    named = [kind for kind in sorted(terms) if kind not in spoken | set(first)]
    known |= {kind: known.get(kind) or plain(kind) for kind in named}
    lines = []
    for key in dict.fromkeys((*first, *named, *known)):
        how = "" if key not in own else OMITTED if own[key].omitted else OWN
        if typed is not None:
            how = typed.get(f"how-{key}", "")
        otherwise = key in named or (key in of_site and not of_site[key].omitted)
        paper = known[key]
        if not paper.alternatives:
            paper = of_site.get(key) or usual(today).get(key) or paper
        lines.append(Line(paper, how if how in (OWN, OMITTED) else "", otherwise))
    return lines


def _read(session: Any, scope_id: UUID) -> Sequence[Requirement]:
    found = queries.current(session, scope_id)
    return queries.read(found) if found is not None else ()


def _shown(scope: Scope, typed: Mapping[str, str] | None, errors: forms.Errors) -> Response:
    who = reader()
    found = queries.current(context.session(), scope.id)
    return panel(
        "host/papers.html",
        scope.site_id,
        "/listings" if scope.listing else "/documents",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        listing=scope.listing,
        lines=_lines(scope, typed),
        read=found.number if found else 0,
        changed_at=found.made_at if found else None,
        title=lambda one: asked.title(one, who),
        needs=lambda one: asked.needs(one, who),
        kinds=_kinds(who),
        typed=typed or {},
        again=typed is not None,
        errors=errors,
    )


def _kinds(who: Reader) -> list[tuple[str, str]]:
    """The kinds of documents that trainees can upload, by name."""
    said = [(kind, who.told(title)) for kind, title in TITLES.items()]
    return sorted(
        ((kind, text[:1].upper() + text[1:]) for kind, text in said), key=lambda one: one[1]
    )


def _listing(site_id: UUID, listing_id: UUID) -> Scope:
    session = context.session()
    listings.require_site(session, listing_id, site_id)
    return Scope(site_id, listings.listing(session, listing_id))
