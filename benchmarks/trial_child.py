"""The trial balance as the product reads it."""

from collections.abc import Mapping
from typing import Any

from config.settings import load
from marketplace.app import create_app, job_context
from marketplace.payments import queries


def main(_plan: Mapping[str, Any]) -> dict[str, object]:
    """Each account: kind, owner, currency, debits, credits, entries; in the product's order."""
    with job_context(create_app(load())).transaction() as session:
        found = queries.trial_balance(session)
    return {
        "accounts": [
            [
                one.kind,
                None if one.owner_id is None else str(one.owner_id),
                one.debits.currency,
                one.debits.minor,
                one.credits.minor,
                one.entries,
            ]
            for one in found
        ]
    }
