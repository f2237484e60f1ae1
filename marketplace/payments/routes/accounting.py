"""HTTP: a month of the books, for accountants."""

import re
from datetime import date

from flask import Response

from marketplace.core.errors import NotFound
from marketplace.identity.access import require
from marketplace.payments.service import accounting
from marketplace.web import context
from marketplace.web.api import Blueprint

MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")
TABLE = {"type": "string"}

blueprint = Blueprint(
    "accounting",
    __name__,
    url_prefix="/operator/ledger/months/<string:month>",
    description="The books by month.",
)


@blueprint.route("/entries.csv", methods=["GET"])
@require("operator")
@blueprint.response(200, TABLE, description="A table.", content_type="text/csv")
def entries(month: str) -> Response:
    """Read every entry of a month (`2027-03`, by UTC): debit or credit, account, reason, source."""
    return _file("entries", month)


@blueprint.route("/balances.csv", methods=["GET"])
@require("operator")
@blueprint.response(200, TABLE, description="A table.", content_type="text/csv")
def balances(month: str) -> Response:
    """Read each account's balance before a month, what moved in it, and its balance after."""
    return _file("balances", month)


def _file(name: str, month: str) -> Response:
    given = MONTH.fullmatch(month)
    if given is None:
        raise NotFound(f"{month!r} is no month: write it as 2027-03.")
    first = date(int(given[1]), int(given[2]), 1)
    pieces = accounting.month_file(context.session(), name, first)
    response = Response(pieces, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="ledger-{month}-{name}.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
