"""The terms of the marketplace, and what becomes of personal data.

Every period, share and count on these pages is the one that the code works by, so that no page can
promise another. Who runs the marketplace is told by the settings.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Response, current_app

from marketplace.booking.rules import deadlines, waiting
from marketplace.booking.service import clearances, holds, mailed_files, messages
from marketplace.catalog.rules.policies import ALWAYS, POLICIES, SELECTABLE
from marketplace.core.settings import Settings
from marketplace.identity import tasks as notices
from marketplace.identity.access import public, setting
from marketplace.identity.rules import ERASURE_WAIT
from marketplace.outcomes.rules import letters
from marketplace.pages.public.help import A_YEAR
from marketplace.pages.public.policy_words import clauses
from marketplace.pages.view import LANGUAGE, Pages, page, reader
from marketplace.payments.rules import credit
from marketplace.web import context
from marketplace.web import tasks as answers
from marketplace.webhooks.service import replaying

# How long what is kept is kept, and who may do what until when.
PERIODS: Mapping[str, timedelta] = {
    "confirm": setting.CONFIRM_WITHIN,
    "reset": setting.RESET_WITHIN,
    "token": setting.TOKEN_LIFE,
    "erasure": ERASURE_WAIT,
    "secrets": notices.KEEP_SECRETS,
    "answers": answers.KEEP_ANSWERS,
    "documents": clearances.READABLE_AFTER,
    "thread": messages.OPEN_AFTER,
    "unsent": mailed_files.UNSENT_KEPT,
    "author": letters.LINK_LIFE,
    "deliveries": replaying.KEPT_FOR,
    "language": timedelta(seconds=A_YEAR),
    "approved": deadlines.PAY_AFTER_APPROVAL,
    "credit": credit.GOOD_AGAIN,
}
NUMBERS: Mapping[str, int] = {
    "decide": deadlines.DECISION_BUSINESS_DAYS,
    "answer": deadlines.ANSWER_BUSINESS_DAYS,
    "school": deadlines.SCHOOL_BUSINESS_DAYS,
    "choose": deadlines.DAYS_TO_CHOOSE,
    "dispute": deadlines.DAYS_TO_DISPUTE,
    "offer": waiting.ANSWER_DAYS,
    "balance": holds.BALANCE_DUE_DAYS,
    "programs": letters.MOST_A_PROGRAM,
}
IN_BASIS_POINTS = 100

blueprint = Pages("legal_pages")


@blueprint.get("/privacy")
@public
def privacy() -> Response:
    """Say what is kept of whom, why, for how long, and who sees it."""
    return page(
        "legal/privacy.html",
        canonical="/privacy",
        cookies=(current_app.config["SESSION_COOKIE_NAME"], LANGUAGE),
        **_figures(),
    )


@blueprint.get("/terms")
@public
def terms() -> Response:
    """Say what the marketplace does and does not do, and under which terms rotations are booked."""
    who, settings = reader(), context.parts().get(Settings)
    return page(
        "legal/terms.html",
        reader=who,
        canonical="/terms",
        policies=[(POLICIES[key], list(clauses(POLICIES[key], who))) for key in SELECTABLE],
        always=[POLICIES[key] for key in ALWAYS],
        hold_minutes=settings.hold_time // timedelta(minutes=1),
        fee=int(settings.platform_fee_percent * IN_BASIS_POINTS),
        deposit=int(settings.deposit_percent * IN_BASIS_POINTS),
        **_figures(),
    )


def _figures() -> dict[str, Any]:
    return {
        "operator": context.parts().get(Settings),
        "days": {name: period.days for name, period in PERIODS.items()},
        "hours": {name: period // timedelta(hours=1) for name, period in PERIODS.items()},
        "numbers": NUMBERS,
    }
