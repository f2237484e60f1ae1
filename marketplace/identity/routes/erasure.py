"""`/me/erasure`: having one's own account erased, and stopping that."""

from typing import Any

from marketplace.identity.access import current_account, in_person
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.rules import ERASURE_WAIT
from marketplace.identity.schemas.erasure import ErasureSchema
from marketplace.identity.service import erasing
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "erasure", __name__, url_prefix="/me/erasure", description="Erasing one's own account"
)


@blueprint.route("", methods=["GET"])
@in_person
@blueprint.response(200, ErasureSchema)
def show() -> dict[str, Any]:
    """Read whether your account is to be erased, and what would have to end first."""
    return _shown()


@blueprint.route("", methods=["POST"])
@in_person
@blueprint.response(202, ErasureSchema)
def ask() -> dict[str, Any]:
    """Have your account erased in fourteen days; a mailed link stops it until then.

    409 `erasure_blocked` names what has to end first; 409 `erasure_waits` if you have asked already.
    """
    signer = context.parts().get(LinkSigner)
    erasing.ask(context.session(), current_account(), signer=signer, now=context.now())
    return _shown()


@blueprint.route("", methods=["DELETE"])
@in_person
@blueprint.response(204)
def stop() -> None:
    """Keep the account; twice is once."""
    erasing.stop(context.session(), current_account().id, context.now())


def _shown() -> dict[str, Any]:
    session, own, now = context.session(), current_account().id, context.now()
    erasure = erasing.live(session, own)
    return {
        "asked_at": erasure.asked_at if erasure else None,
        "due_at": erasure.due_at if erasure else None,
        "waiting_days": ERASURE_WAIT.days,
        "blocked_by": erasing.hindrances(session, own, now),
    }
