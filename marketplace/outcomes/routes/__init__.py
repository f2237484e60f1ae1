"""Routes of outcomes, by what they are about."""

from marketplace.outcomes.routes import letters, match, records, survey, uploads

BLUEPRINTS = (
    records.blueprint,
    letters.blueprint,
    uploads.blueprint,
    match.blueprint,
    survey.blueprint,
)
