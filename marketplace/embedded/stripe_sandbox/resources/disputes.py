"""Disputes as the API shows them: retrieve, list, answer with evidence, accept as lost."""

from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.forms import (
    Bool,
    Form,
    Group,
    Metadata,
    Text,
    merge_metadata,
)
from marketplace.embedded.stripe_sandbox.resources import disputing
from marketplace.embedded.stripe_sandbox.routing import Args, Route, listing, retrieval
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work


def update(work: Work, args: Args, params: Json) -> Json:
    dispute = work.load("dispute", args["id"], param="dispute", in_url=True)
    if "metadata" in params:
        dispute["metadata"] = merge_metadata(dispute["metadata"], params["metadata"])
        work.save(dispute)
        work.emit("charge.dispute.updated", dispute, previous={})
    if "evidence" not in params and not params.get("submit"):
        return dispute
    # Stripe submits at once unless told to only stage the evidence.
    submit = params.get("submit") is not False
    return disputing.respond(work, dispute, params.get("evidence") or {}, submit=submit)


def close(work: Work, args: Args, _params: Json) -> Json:
    dispute = work.load("dispute", args["id"], param="dispute", in_url=True)
    if dispute["status"] in disputing.ENDED:
        # What a bank may decide anew, nobody can concede any more.
        raise ApiError("This dispute has already ended.", code="dispute_unexpected_state")
    return disputing.close(work, dispute, "lost")


ROUTES = (
    Route(
        "POST",
        "/v1/disputes/{id}",
        update,
        Form(
            {
                "evidence": Group(of={name: Text(longest=20_000) for name in disputing.EVIDENCE}),
                "submit": Bool(),
                "metadata": Metadata(),
            }
        ),
    ),
    Route("POST", "/v1/disputes/{id}/close", close),
    retrieval("dispute", "/v1/disputes"),
    listing("dispute", "/v1/disputes", {"charge": Text(), "payment_intent": Text()}),
)
