"""Money at the desk: disputes, what is set aside, and how the books agree with the processor."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.catalog.queries import sites
from marketplace.core.clock import SystemClock
from marketplace.core.errors import NotFound
from marketplace.core.money import EXPONENTS, Money
from marketplace.core.settings import Settings
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.labels import desk as words
from marketplace.pages.operator.cases import Cases
from marketplace.pages.view import Pages, form_page, page, reader
from marketplace.payments import queries as payments
from marketplace.payments.gateway import EVIDENCE_PARTS
from marketplace.payments.queries import desk, hosts
from marketplace.payments.queries import disputes as found
from marketplace.payments.rules.shares import Bearer
from marketplace.payments.schemas import ReconcileArgs, ResolutionSchema
from marketplace.payments.schemas.hosts import ConcessionArgs, DisputeEvidenceArgs
from marketplace.payments.service import disputes, quarantine, reconcile, retry_refund
from marketplace.payments.states import DisputeState, EvidenceState
from marketplace.web import context

MANY = 200
NOT_PROCESSABLE = 422
SENT = frozenset({EvidenceState.APPROVED, EvidenceState.SUBMITTED})
REFUND_FAILED = "refund_failed"
# What a reconciliation writes of a movement that nothing explains.
MOVED = re.compile(
    r"moved at the processor: (?P<kind>\w+) of (?P<amount>\S+ [A-Z]{3})(?: for (?P<source>\S+))?"
)

blueprint = Pages("desk_money")


@dataclass(frozen=True, slots=True)
class Left:
    """How long an answer to a dispute is still taken, and when it goes by itself."""

    days: int
    over: bool
    itself_at: datetime


@blueprint.get("/desk/disputes")
@require("operator")
def list_disputes() -> Response:
    """List open disputes, those that must be answered first before the others; or ended ones."""
    ended = request.args.get("ended") == "yes"
    session = context.session()
    items = (found.closed_disputes if ended else found.open_disputes)(session, MANY)
    about = found.about(session, items)
    people = identity.contacts(session, sorted({payer for payer, _ in about.values()}))
    return page(
        "desk/disputes.html",
        items=items,
        ended=ended,
        about=about,
        people=people,
        spans={one.id: _left(one) for one in items},
    )


@blueprint.get("/desk/disputes/<uuid:dispute_id>")
@require("operator")
def show_dispute(dispute_id: UUID) -> Response:
    """Show a dispute, the evidence as it would be sent, and what has happened."""
    return _dispute(dispute_id, {}, {})


@blueprint.post("/desk/disputes/<uuid:dispute_id>/evidence")
@require("operator")
def send_evidence(dispute_id: UUID) -> Response:
    """Have the evidence sent, with some of its parts changed; once, and for good."""
    typed = forms.typed()
    before = found.dispute(context.session(), dispute_id).evidence
    changed = {
        part: request.form[f"part-{part}"].replace("\r\n", "\n").strip()
        for part in EVIDENCE_PARTS
        if f"part-{part}" in request.form
    }
    changes = {part: text for part, text in changed.items() if text != before.get(part, "")}
    values, errors = forms.read(
        DisputeEvidenceArgs(),
        {"changes": changes, "losses_borne_by": typed.get("losses_borne_by")},
    )
    if not errors:
        bearer = values["losses_borne_by"]
        _, errors = forms.tried(
            lambda: disputes.approve(
                context.session(),
                dispute_id,
                changes=values["changes"],
                losses_borne_by=Bearer(bearer) if bearer else None,
                approved_by=current_account().id,
                now=context.now(),
            ),
            "evidence",
        )
    if errors:
        return _dispute(dispute_id, typed, errors)
    return redirect(f"/desk/disputes/{dispute_id}", 303)


@blueprint.post("/desk/disputes/<uuid:dispute_id>/concession")
@require("operator")
def concede(dispute_id: UUID) -> Response:
    """Accept a dispute as lost."""
    typed = forms.typed()
    values, errors = forms.read(ConcessionArgs(), {"reason": typed.get("reason", "")})
    if not errors:
        _, errors = forms.tried(
            lambda: disputes.concede(
                context.session(),
                dispute_id,
                by=current_account().id,
                reason=values["reason"],
                now=context.now(),
            ),
            "reason",
        )
    if errors:
        return _dispute(dispute_id, typed, errors)
    return redirect(f"/desk/disputes/{dispute_id}", 303)


@blueprint.get("/desk/quarantine")
@require("operator")
def list_quarantine() -> Response:
    """List what does not fit and waits for a person, oldest first."""
    items = payments.open_quarantine(context.session(), MANY)
    cases = Cases(context.session(), reader(), items)
    return page("desk/quarantine.html", items=items, cases=cases)


@blueprint.get("/desk/quarantine/<uuid:quarantine_id>")
@require("operator")
def show_quarantined(quarantine_id: UUID) -> Response:
    """Show what does not fit, and ask what was found out."""
    return _quarantined(quarantine_id, {}, {})


@blueprint.post("/desk/quarantine/<uuid:quarantine_id>")
@require("operator")
def resolve(quarantine_id: UUID) -> Response:
    """Note what was found out and done about it."""
    typed = forms.typed()
    errors = forms.carried_out(
        ResolutionSchema(),
        {"resolution": typed.get("resolution", "")},
        lambda values: quarantine.resolve(
            context.session(),
            quarantine_id,
            resolution=values["resolution"],
            account_id=current_account().id,
            now=context.now(),
        ),
        "resolution",
    )
    if errors:
        return _quarantined(quarantine_id, typed, errors)
    return redirect("/desk/quarantine", 303)


@blueprint.post("/desk/quarantine/<uuid:quarantine_id>/refund")
@require("operator")
def pay_back_again(quarantine_id: UUID) -> Response:
    """Send the refund again that came back: the debt is the same, the attempt a new one."""
    session = context.session()
    row = desk.quarantined(session, quarantine_id)
    if row.reason != REFUND_FAILED:
        raise NotFound
    _, errors = forms.tried(
        lambda: retry_refund(
            session,
            UUID(row.details["refund"]),
            requested_by=current_account().id,
            now=context.now(),
        ),
        "again",
    )
    if errors:
        return _quarantined(quarantine_id, {}, errors)
    return redirect(f"/desk/quarantine/{quarantine_id}", 303)


@blueprint.get("/desk/books")
@require("operator")
def books() -> Response:
    """Show the last comparison with the processor, and every account's balance."""
    return _books({}, {})


def _books(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    accounts = payments.trial_balance(session)
    owners = {one.owner_id for one in accounts[:MANY] if one.owner_id}
    sums: dict[str, Money] = {}
    for account in accounts:
        currency = account.debits.currency
        sums[currency] = sums.get(currency, Money.zero(currency)) + account.balance
    return _form(
        "desk/books.html",
        typed,
        errors,
        asked=request.args.get("asked") == "yes",
        last=payments.last_reconciliation(session),
        said=_said,
        accounts=accounts[:MANY],
        sites=sites.names(session, owners),
        people=identity.contacts(session, sorted(owners)),
        more=max(len(accounts) - MANY, 0),
        sums=list(sums.values()),
        month=f"{context.now():%Y-%m}",
    )


def _said(mismatch: Mapping[str, str]) -> str:
    """What a mismatch tells; of a movement what Stripe calls it, in words."""
    who, moved = reader(), MOVED.fullmatch(mismatch["detail"])
    if moved is None:
        return who.told(mismatch["detail"])
    parts = [who.coded("moved_at", moved["kind"]), who.written(moved["amount"]), moved["source"]]
    return ", ".join(part for part in parts if part)


@blueprint.post("/desk/books/runs")
@require("operator")
def compare() -> Response:
    """Have the books compared with the processor now, from a day on if one is given."""
    values, errors = forms.read(ReconcileArgs(), {"since": forms.typed().get("since")})
    if errors:
        return _books(forms.typed(), errors)
    day = values["since"]
    since = datetime.combine(day, time(), UTC) if day is not None else None
    reconcile.ask_now(context.session(), since)
    return redirect("/desk/books?asked=yes", 303)


def _dispute(dispute_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    row = found.dispute(session, dispute_id)
    asked = row.state == DisputeState.OPEN and row.status in found.ASKS
    waits = asked and row.evidence_state == EvidenceState.READY
    steps = found.steps(session, row.id)
    acting = sorted({one.actor_id for one in steps if one.actor_id})
    return _form(
        "desk/dispute.html",
        typed,
        errors,
        dispute=row,
        payment=payments.payment(session, row.payment_id),
        steps=steps,
        people=identity.contacts(session, acting) if acting else {},
        left=_left(row),
        by_itself=row.approved_by is None and row.evidence_state in SENT,
        parts=EVIDENCE_PARTS,
        bearers=[one.value for one in Bearer],
        waits=waits,
    )


def _left(row: Any) -> Left | None:
    """How long a dispute can still be answered, if it asks for that and nobody has."""
    asks = row.state == DisputeState.OPEN and row.status in found.ASKS
    if not asks or row.evidence_state not in disputes.UNSENT or row.due_by is None:
        return None
    # A bank's deadline is by the processor's clock, which the demo's does not move.
    left = row.due_by - SystemClock().now()
    lead = context.parts().get(Settings).evidence_lead
    return Left(max(left.days, 0), left < timedelta(), row.due_by - lead)


def _quarantined(quarantine_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    row = desk.quarantined(session, quarantine_id)
    payment = payments.payment(session, row.payment_id) if row.payment_id else None
    _, todo = words.CASES.get(row.reason, ("", ""))
    cases = Cases(session, reader(), [row])
    transfer = cases.transfer(row)
    return _form(
        "desk/quarantined.html",
        typed,
        errors,
        row=row,
        details=_details(row.details),
        payment=payment,
        payer=identity.contact(session, payment.payer_id) if payment else None,
        todo=todo,
        failed=REFUND_FAILED,
        transfer=transfer,
        about=cases.of(row),
        sendable=transfer is not None and transfer.state in hosts.WAITING,
    )


def _details(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a case tells, an amount that the processor named in cents as money."""
    amount, currency = str(told.get("amount")), str(told.get("currency")).upper()
    if not amount.isdecimal() or currency not in EXPONENTS:
        return told
    kept = {name: text for name, text in told.items() if name != "currency"}
    return {**kept, "amount": reader().money(Money(int(amount), currency))}


def _form(template: str, typed: Mapping[str, str], errors: forms.Errors, **values: Any) -> Response:
    status = NOT_PROCESSABLE if errors else 200
    return form_page(template, status, typed=typed, errors=errors, **values)
