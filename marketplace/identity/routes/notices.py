"""What one was written, how one wants to be written to, and each notice as it looks."""

from typing import Any
from uuid import UUID

from flask import Response, make_response

from marketplace.core.errors import NotFound
from marketplace.core.settings import Settings
from marketplace.identity.access import current_account, in_person, public, require, signed_in
from marketplace.identity.errors import TemplateUnknown
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import Notice
from marketplace.identity.queries import notices as queries
from marketplace.identity.routes.mail_links import PAGE, page_or_message
from marketplace.identity.rules import NOTICE_CHOICES, NoticeKind
from marketplace.identity.schemas.auth import AcknowledgementSchema
from marketplace.identity.schemas.notices import (
    NoticePreviewArgs,
    NoticeTemplatesSchema,
    NoticeTextSchema,
    OwnNoticePage,
    PreferenceChangesSchema,
    PreferencesStateSchema,
    UnsubscribeNoticesArgs,
)
from marketplace.identity.service import preferences, reading, templating
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

blueprint = Blueprint("notices", __name__, description="E-mails, and how one wants them")
ALWAYS = [kind.value for kind in NoticeKind if kind not in NOTICE_CHOICES]
# A preview runs nothing and loads nothing, whatever a sample says.
PREVIEW = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
WORDS = {
    "ask": {
        "en": {"title": "Stop mails of this kind?", "button": "Stop them"},
        "es": {"title": "¿Dejar de recibir correos de este tipo?", "button": "No recibir más"},
    },
    "done": {
        "en": {"title": "You will get no more mails of this kind. You can turn them on again."},
        "es": {"title": "No recibirá más correos de este tipo. Puede volver a activarlos."},
    },
}


@blueprint.route("/me/notices", methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, OwnNoticePage)
def list_own(data: dict[str, Any]) -> Page[Notice]:
    """List the e-mails to oneself, newest first, those too that one did not want or get."""
    account_id = current_account().id
    return queries.notices(context.session(), state=None, account_id=account_id, **data)


@blueprint.route("/me/notices/<uuid:notice_id>", methods=["GET"])
@signed_in
@blueprint.response(200, NoticeTextSchema)
def read_own(notice_id: UUID) -> dict[str, Any]:
    """Read an e-mail to oneself again."""
    notice = queries.own(context.session(), current_account().id, notice_id)
    words = reading.words(notice, context.parts().get(Settings).public_url)
    return {
        **{name: getattr(notice, name, None) for name in NoticeTextSchema().fields},
        "subject": words and words.subject,
        "text": words and words.text,
    }


@blueprint.route("/me/notice-preferences", methods=["GET"])
@signed_in
@blueprint.response(200, PreferencesStateSchema)
def show_preferences() -> dict[str, Any]:
    """Read how one is written to; what secures, pays or decides is always sent."""
    return _preferences()


@blueprint.route("/me/notice-preferences", methods=["PATCH"])
@in_person
@blueprint.arguments(PreferenceChangesSchema)
@blueprint.response(200, PreferencesStateSchema)
def choose(data: dict[str, str]) -> dict[str, Any]:
    """Choose how one is written to; what is not named stays as it is."""
    preferences.choose(context.session(), current_account().id, data, context.now())
    return _preferences()


@blueprint.route("/notices/unsubscribe", methods=["GET"])
@public
@blueprint.arguments(UnsubscribeNoticesArgs, location="query")
@blueprint.response(200, AcknowledgementSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
def explain_unsubscribe(data: dict[str, str]) -> Response:
    """Show what the link is for; this alone ends nothing, since mail scanners open links."""
    preferences.linked(context.session(), _signer(), data["token"], context.now())
    return _answer("ask", "To end mails of this kind, POST to this address.")


@blueprint.route("/notices/unsubscribe", methods=["POST"])
@public
@blueprint.arguments(UnsubscribeNoticesArgs, location="query")
@blueprint.response(200, AcknowledgementSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
def unsubscribe(data: dict[str, str]) -> Response:
    """End mails of the kind that the link was mailed in; twice is once.

    Serves mail programs' one click too (RFC 8058).
    """
    preferences.end(context.session(), _signer(), data["token"], context.now())
    return _answer("done", "You will get no more mails of this kind.")


@blueprint.route("/operator/notices/templates", methods=["GET"])
@require("operator")
@blueprint.response(200, NoticeTemplatesSchema)
def list_templates() -> dict[str, Any]:
    """List every notice that can be sent, with its kind and the version of its text a language."""
    found = [templating.template(name) for name in templating.names()]
    items = [
        {
            "name": one.name,
            "kind": one.kind.value,
            "always": one.kind not in NOTICE_CHOICES,
            "versions": one.versions,
        }
        for one in found
    ]
    return {"items": items}


@blueprint.route("/operator/notices/templates/<string:name>", methods=["GET"])
@require("operator")
@blueprint.arguments(NoticePreviewArgs, location="query")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def preview(data: dict[str, str], name: str) -> Response:
    """See a notice with sample data, as HTML or as text, in either language."""
    settings = context.parts().get(Settings)
    try:
        shown = reading.sample(name, data["locale"], settings.public_url)
    except TemplateUnknown as error:
        raise NotFound from error
    if data["form"] == "html":
        response = make_response(shown.html)
    else:
        response = make_response(f"{shown.subject}\n\n{shown.text}")
        response.content_type = "text/plain; charset=utf-8"
    response.headers.update(PREVIEW)
    return response


def _preferences() -> dict[str, Any]:
    session, account = context.session(), current_account()
    refused = queries.refusal(session, account.email)
    return {
        "choices": preferences.of(session, account.id),
        "always": ALWAYS,
        "address_refused_at": refused and refused.refused_at,
    }


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)


def _answer(page: str, message: str) -> Response:
    return page_or_message("unsubscribe.html", WORDS[page], message)
