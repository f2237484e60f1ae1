"""Routes of outcomes, by what they are about."""

from marketplace.outcomes.routes import (
    badges,
    bounces,
    days,
    letter_ledger,
    letters,
    marks,
    match,
    papers,
    records,
    season,
    survey,
    teaching,
    uploads,
)

BLUEPRINTS = (
    records.blueprint,
    letters.blueprint,
    letter_ledger.blueprint,
    uploads.blueprint,
    match.blueprint,
    season.blueprint,
    bounces.blueprint,
    survey.blueprint,
    marks.blueprint,
    papers.blueprint,
    badges.blueprint,
    days.blueprint,
    teaching.blueprint,
)
