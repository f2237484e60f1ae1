"""`/tiers`: what a tier is, and what these duties would amount to."""

from dataclasses import asdict
from typing import Any

from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.rules.definitions import described
from marketplace.catalog.rules.whatif import what_if
from marketplace.catalog.schemas.tiers import (
    ClassificationSchema,
    ClassifierSchema,
    ClassifySchema,
)
from marketplace.identity.access import public
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "tiers", __name__, url_prefix="/tiers", description="Tiers of clinical experience"
)


@blueprint.route("", methods=["GET"])
@public
@blueprint.response(200, ClassifierSchema)
def describe() -> dict[str, Any]:
    """Read the classifier: its version, rules, vocabulary, and the conflicts it looks for."""
    return described(context.parts().get(Classifiers))


@blueprint.route("/classify", methods=["POST"])
@public
@blueprint.arguments(ClassifySchema)
@blueprint.response(200, ClassificationSchema)
def classify_duties(data: dict[str, Any]) -> dict[str, Any]:
    """Say which tier these duties amount to, for students and graduates, why, and what if not.

    Nothing is stored. The answer is that of the published version, which it names.
    """
    classify = context.parts().get(Classifiers).current
    duties, setting, audience = data["duties"], data["setting"], data["audience"]
    found = classify(duties, setting, data["title"], audience, data["claimed"])
    return {
        **asdict(found),
        "publishable": found.publishable,
        "what_if": what_if(classify, duties, setting, audience),
    }
