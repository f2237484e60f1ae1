"""Mail that came back, as our mail server hands it on."""

from flask import request

from marketplace.booking.errors import MailNotOurs
from marketplace.booking.gateway import ReplySigner
from marketplace.identity.access import public
from marketplace.identity.service import bounces
from marketplace.outcomes.schemas.survey import BounceSchema
from marketplace.web import context, openapi, uploads
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "mail_bounces", __name__, url_prefix="/mail", description="Mail that our mail server hands on."
)
MAIL = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": openapi.BINARY}},
    },
    "parameters": [
        {
            "in": "header",
            "name": "Mail-Signature",
            "required": True,
            "schema": {"type": "string"},
            "description": '`<unix time>.<hex HMAC-SHA256 of "time.content">`',
        }
    ],
}


@blueprint.route("/bounces", methods=["POST"])
@public
@blueprint.response(200, BounceSchema)
@blueprint.doc(**MAIL)
def receive() -> dict[str, str]:
    """Hand on a mail that came to the sender's own address, as it came; for our own mail server.

    A delivery status notification (RFC 3464) about an invitation to the survey ends its waves; the
    same one again changes nothing. 403 unless it is signed.
    """
    signer, content = context.parts().get(ReplySigner), uploads.held(bounces.LARGEST)
    if not signer.handed_on(request.headers.get("Mail-Signature", ""), content, context.now()):
        raise MailNotOurs
    return {"outcome": bounces.take_in(context.session(), content, context.now()).value}
