"""HTTP: operators' queues of disputes and payouts, what sites owe, and their contracts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from marketplace.identity.access import current_account, require
from marketplace.payments.models import Dispute, FeeContract, HostTransfer
from marketplace.payments.queries import disputes as found
from marketplace.payments.queries import hosts, statements
from marketplace.payments.rules.shares import Bearer
from marketplace.payments.schemas import hosts as schemas
from marketplace.payments.service import disputes
from marketplace.payments.service.hosts import contracts, transfers
from marketplace.payments.service.hosts.contracts import Terms
from marketplace.web import context
from marketplace.web.api import Blueprint

OPERATOR = "operator"
MANY = 500

blueprint = Blueprint(
    "money-desk",
    __name__,
    url_prefix="/operator",
    description="Disputes, payouts and contracts, for operators.",
)


@blueprint.route("/disputes", methods=["GET"])
@require(OPERATOR)
@blueprint.arguments(schemas.DisputesArgs, location="query")
@blueprint.response(200, schemas.DisputesSchema)
def list_disputes(args: dict[str, bool]) -> dict[str, Sequence[Dispute]]:
    """List open disputes, those that must be answered first before the others; or ended ones."""
    listed = found.closed_disputes if args["ended"] else found.open_disputes
    return {"items": listed(context.session(), MANY)}


@blueprint.route("/disputes/<uuid:dispute_id>", methods=["GET"])
@require(OPERATOR)
@blueprint.response(200, schemas.DisputeDetailSchema)
def show_dispute(dispute_id: UUID) -> dict[str, Any]:
    """Read a dispute, the evidence as it would be sent, and what has happened."""
    return _detail(found.dispute(context.session(), dispute_id))


@blueprint.route("/disputes/<uuid:dispute_id>/evidence", methods=["POST"])
@require(OPERATOR)
@blueprint.arguments(schemas.DisputeEvidenceArgs)
@blueprint.response(200, schemas.DisputeDetailSchema)
def send_evidence(args: dict[str, Any], dispute_id: UUID) -> dict[str, Any]:
    """Have the evidence sent, with some of its parts changed; once, and for good."""
    bearer = args["losses_borne_by"]
    row = disputes.approve(
        context.session(),
        dispute_id,
        changes=args["changes"],
        losses_borne_by=Bearer(bearer) if bearer else None,
        approved_by=current_account().id,
        now=context.now(),
    )
    return _detail(row)


@blueprint.route("/disputes/<uuid:dispute_id>/concession", methods=["POST"])
@require(OPERATOR)
@blueprint.arguments(schemas.ConcessionArgs)
@blueprint.response(200, schemas.DisputeDetailSchema)
def concede(args: dict[str, str], dispute_id: UUID) -> dict[str, Any]:
    """Accept a dispute as lost."""
    row = disputes.concede(
        context.session(),
        dispute_id,
        by=current_account().id,
        reason=args["reason"],
        now=context.now(),
    )
    return _detail(row)


@blueprint.route("/payouts/stopped", methods=["GET"])
@require(OPERATOR)
@blueprint.response(200, schemas.StoppedPayoutsSchema)
def stopped() -> dict[str, Any]:
    """List what hosts are owed and is not sent, and why, the oldest first."""
    session = context.session()
    return {
        "releases": hosts.frozen_releases(session, MANY),
        "transfers": hosts.stopped_transfers(session, MANY),
    }


@blueprint.route("/transfers/<uuid:transfer_id>/retry", methods=["POST"])
@require(OPERATOR)
@blueprint.response(202, schemas.HostTransferSchema)
def send_again(transfer_id: UUID) -> HostTransfer:
    """Have a held or refused transfer sent again."""
    reason = f"asked for by {current_account().id}"
    return transfers.send_again(context.session(), transfer_id, reason=reason, now=context.now())


@blueprint.route("/receivables", methods=["GET"])
@require(OPERATOR)
@blueprint.response(200, schemas.ReceivablesSchema)
def receivables() -> dict[str, Any]:
    """List what sites owe: it is taken off what they earn next."""
    return {"items": statements.receivables(context.session(), MANY)}


@blueprint.route("/sites/<uuid:site_id>/fee-contracts", methods=["GET"])
@require(OPERATOR)
@blueprint.response(200, schemas.ContractsSchema)
def list_contracts(site_id: UUID) -> dict[str, Any]:
    """List a site's contracts, replaced ones too, in the order of their making."""
    return {"items": [_contract(row) for row in hosts.contracts(context.session(), site_id)]}


@blueprint.route("/sites/<uuid:site_id>/fee-contracts", methods=["POST"])
@require(OPERATOR)
@blueprint.arguments(schemas.ContractArgs)
@blueprint.response(201, schemas.ContractSchema)
def add_contract(args: dict[str, Any], site_id: UUID) -> dict[str, Any]:
    """Set a contract for days on which the site has none.

    Without one no fee is kept of the site's share, and who books pays the general fee on top.
    """
    row = contracts.set_contract(
        context.session(),
        site_id,
        _terms(args),
        set_by=current_account().id,
        now=context.now(),
    )
    return _contract(row)


@blueprint.route("/fee-contracts/<uuid:contract_id>/replacement", methods=["POST"])
@require(OPERATOR)
@blueprint.arguments(schemas.ContractArgs)
@blueprint.response(201, schemas.ContractSchema)
def replace_contract(args: dict[str, Any], contract_id: UUID) -> dict[str, Any]:
    """Put another contract in the place of one; what was earned under it stays as it was."""
    row = contracts.replace(
        context.session(),
        contract_id,
        _terms(args),
        set_by=current_account().id,
        now=context.now(),
    )
    return _contract(row)


@blueprint.route("/fee-contracts/<uuid:contract_id>/withdrawal", methods=["POST"])
@require(OPERATOR)
@blueprint.response(204)
def withdraw_contract(contract_id: UUID) -> None:
    """Let a contract count no more, with nothing in its place."""
    contracts.withdraw(context.session(), contract_id, by=current_account().id, now=context.now())


def _terms(args: dict[str, Any]) -> Terms:
    fee = args["platform_fee_percent"]
    return Terms(
        valid_from=args["valid_from"],
        valid_until=args["valid_until"],
        host_fee_bp=int(args["host_fee_percent"] * 100),
        platform_fee_bp=None if fee is None else int(fee * 100),
        losses_borne_by=Bearer(args["losses_borne_by"]),
        note=args["note"],
    )


def _contract(row: FeeContract) -> dict[str, Any]:
    names = (
        *("id", "site_id", "valid_from", "valid_until", "losses_borne_by", "note", "set_by"),
        *("set_at", "replaces_id", "replaced_at", "replaced_by"),
    )
    fees = {"host_fee_percent": row.host_fee, "platform_fee_percent": row.platform_fee}
    return {**{name: getattr(row, name) for name in names}, **fees}


def _detail(row: Dispute) -> dict[str, Any]:
    names = (
        *("id", "processor_dispute", "payment_id", "amount", "reason", "status", "state"),
        *("evidence_state", "opened_at", "due_by", "submitted_at", "closed_at"),
        *("losses_borne_by", "evidence", "files"),
    )
    steps = found.steps(context.session(), row.id)
    return {**{name: getattr(row, name) for name in names}, "steps": steps}
