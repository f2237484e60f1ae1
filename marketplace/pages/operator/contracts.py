"""Fee contracts with sites: which count, on which days; set, ended, replaced, taken back."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.catalog.queries import sites
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.operator.recording import record
from marketplace.pages.view import Pages, form_page, page, reader
from marketplace.payments.queries import hosts
from marketplace.payments.rules.shares import Bearer
from marketplace.payments.schemas.hosts import ContractArgs, ContractEndArgs, ContractReasonArgs
from marketplace.payments.service.hosts import contracts
from marketplace.payments.service.hosts.contracts import Terms
from marketplace.web import context

MANY = 100
NOT_PROCESSABLE = 422
BASE = "/desk/contracts"
OF_SITE = f"{BASE}/sites/<uuid:site_id>"
ONE = f"{BASE}/<uuid:contract_id>"
FIELDS = (
    *("valid_from", "valid_until", "host_fee_percent", "platform_fee_percent"),
    *("losses_borne_by", "note"),
)

blueprint = Pages("desk_contracts")


@blueprint.get(BASE)
@require("operator")
def find() -> Response:
    """Find a site by its name, and list the contracts that count today or later."""
    session = context.session()
    text = request.args.get("text", "").strip()
    counting = hosts.contracts_from(session, context.now().date(), MANY)
    return page(
        "desk/contracts.html",
        text=text,
        found=sites.called(session, text, most=MANY) if text else None,
        counting=counting,
        sites=sites.names(session, {one.site_id for one in counting}),
        today=context.now().date(),
    )


@blueprint.get(OF_SITE)
@require("operator")
def of_site(site_id: UUID) -> Response:
    """Show a site's contracts, those that no longer count too, and ask for another."""
    return _site(site_id, {}, {})


@blueprint.post(OF_SITE)
@require("operator")
def add(site_id: UUID) -> Response:
    """Set a contract for days on which the site has none."""
    typed = forms.typed()

    def do(values: Mapping[str, Any]) -> None:
        made = contracts.set_contract(
            context.session(), site_id, _terms(values), set_by=_own(), now=context.now()
        )
        record("fee_contract.set", "site", site_id, contract=str(made.id), reason=values["note"])

    errors = forms.carried_out(ContractArgs(), _given(typed), do, "valid_from")
    return _site(site_id, typed, errors) if errors else _back(site_id)


@blueprint.get(ONE)
@require("operator")
def show(contract_id: UUID) -> Response:
    """Show a contract; end it from a day on, put another in its place, or take it back."""
    return _contract(contract_id, {}, {})


@blueprint.post(f"{ONE}/end")
@require("operator")
def end(contract_id: UUID) -> Response:
    """End a contract from a day on: the same terms, until then."""
    typed, row = forms.typed(), hosts.contract(context.session(), contract_id)
    given = {"ends_on": typed.get("ends_on"), "reason": typed.get("why_end", "")}

    def do(values: Mapping[str, Any]) -> None:
        contracts.end_on(
            context.session(),
            contract_id,
            values["ends_on"],
            note=values["reason"],
            set_by=_own(),
            now=context.now(),
        )
        about = {"contract": str(contract_id), "ends_on": values["ends_on"].isoformat()}
        record("fee_contract.ended", "site", row.site_id, **about, reason=values["reason"])

    errors = forms.carried_out(ContractEndArgs(), given, do, "ends_on")
    beside = {"why_end" if name == "reason" else name: texts for name, texts in errors.items()}
    return _contract(contract_id, typed, beside) if errors else _back(row.site_id)


@blueprint.post(f"{ONE}/replacement")
@require("operator")
def replace(contract_id: UUID) -> Response:
    """Put another in its place; what was earned under it stays as it was."""
    typed, row = forms.typed(), hosts.contract(context.session(), contract_id)

    def do(values: Mapping[str, Any]) -> None:
        made = contracts.replace(
            context.session(), contract_id, _terms(values), set_by=_own(), now=context.now()
        )
        about = {"contract": str(made.id), "replaces": str(contract_id)}
        record("fee_contract.replaced", "site", row.site_id, **about, reason=values["note"])

    errors = forms.carried_out(ContractArgs(), _given(typed), do, "valid_from")
    return _contract(contract_id, typed, errors) if errors else _back(row.site_id)


@blueprint.post(f"{ONE}/withdrawal")
@require("operator")
def withdraw(contract_id: UUID) -> Response:
    """Let a contract count no more, with nothing in its place."""
    typed, row = forms.typed(), hosts.contract(context.session(), contract_id)

    def do(values: Mapping[str, Any]) -> None:
        contracts.withdraw(context.session(), contract_id, by=_own(), now=context.now())
        about = {"contract": str(contract_id), "reason": values["reason"]}
        record("fee_contract.withdrawn", "site", row.site_id, **about)

    given = {"reason": typed.get("why_back", "")}
    errors = forms.carried_out(ContractReasonArgs(), given, do, "why_back")
    beside = {"why_back": [text for texts in errors.values() for text in texts]} if errors else {}
    return _contract(contract_id, typed, beside) if errors else _back(row.site_id)


def _site(site_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    site, found = sites.site(session, site_id), hosts.contracts(session, site_id)
    return form_page(
        "desk/contracts_of_site.html",
        NOT_PROCESSABLE if errors else 200,
        site=site,
        contracts=sorted(found, key=lambda one: (one.valid_from, one.set_at), reverse=True),
        people=identity.contacts(session, [one.set_by for one in found]),
        today=context.now().date(),
        bearers=_bearers(),
        typed=typed,
        errors=errors,
    )


def _contract(contract_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    row = hosts.contract(session, contract_id)
    people = identity.contacts(session, [row.set_by, row.replaced_by or row.set_by])
    as_it_is = {
        "valid_from": row.valid_from.isoformat(),
        "valid_until": row.valid_until.isoformat() if row.valid_until else "",
        "host_fee_percent": str(row.host_fee),
        "platform_fee_percent": "" if row.platform_fee is None else str(row.platform_fee),
        "losses_borne_by": row.losses_borne_by,
    }
    return form_page(
        "desk/contract.html",
        NOT_PROCESSABLE if errors else 200,
        row=row,
        site=sites.site(session, row.site_id),
        people=people,
        bearers=_bearers(),
        typed=typed if "valid_from" in typed else {**as_it_is, **typed},
        errors=errors,
    )


def _given(typed: Mapping[str, str]) -> dict[str, Any]:
    return {name: typed[name].strip() for name in FIELDS if name in typed}


def _terms(values: Mapping[str, Any]) -> Terms:
    fee = values["platform_fee_percent"]
    return Terms(
        valid_from=values["valid_from"],
        valid_until=values["valid_until"],
        host_fee_bp=int(values["host_fee_percent"] * 100),
        platform_fee_bp=None if fee is None else int(fee * 100),
        losses_borne_by=Bearer(values["losses_borne_by"]),
        note=values["note"],
    )


def _bearers() -> list[tuple[str, str]]:
    return [(one.value, reader().label(f"bearer_{one.value}")) for one in Bearer]


def _own() -> UUID:
    return current_account().id


def _back(site_id: UUID) -> Response:
    return redirect(f"{BASE}/sites/{site_id}", 303)
