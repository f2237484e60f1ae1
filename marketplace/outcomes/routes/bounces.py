"""Mail that came back, as our mail server hands it on."""

from marketplace.booking.routes import handed_on
from marketplace.identity.access import public
from marketplace.identity.service import bounces
from marketplace.outcomes.schemas.survey import BounceSchema
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "mail_bounces", __name__, url_prefix="/mail", description="Mail that our mail server hands on."
)


@blueprint.route("/bounces", methods=["POST"])
@public
@blueprint.response(200, BounceSchema)
@blueprint.doc(**handed_on.MAIL)
def receive() -> dict[str, str]:
    """Hand on a mail that came to the sender's own address, as it came; for our own mail server.

    A delivery status notification (RFC 3464) about an invitation to the survey ends its waves; the
    same one again changes nothing. 403 unless it is signed.
    """
    content = handed_on.mail(bounces.LARGEST)
    return {"outcome": bounces.take_in(context.session(), content, context.now()).value}
