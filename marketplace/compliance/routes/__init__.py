"""Routes of compliance: records, requirements, documents, reviews, and the ways in and out."""

from marketplace.compliance.routes import (
    agreements,
    documents,
    files,
    records,
    requirements,
    reviews,
)

BLUEPRINTS = (
    records.blueprint,
    requirements.blueprint,
    documents.blueprint,
    files.blueprint,
    reviews.blueprint,
    agreements.blueprint,
)
