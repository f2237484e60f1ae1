"""Where mailed links lead: confirming an address, recovering a password.

Mail programs open links to look at them, so a GET changes nothing: it shows what will happen and
a button (or, to a program, the request to send). The tokens are the credential; the pages may not
be framed, kept, or told of to others.
"""

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, request
from jinja2 import Environment, PackageLoader, select_autoescape
from webargs.flaskparser import FlaskParser

from marketplace.identity.access import public
from marketplace.identity.routes.limited import guessing
from marketplace.identity.schemas.auth import (
    AcknowledgementSchema,
    EmailAddressSchema,
    MailedTokenArgs,
    MailedTokenSchema,
    ResetSchema,
)
from marketplace.identity.service import accounts, passwords
from marketplace.web import context
from marketplace.web.api import Blueprint

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self';"
    " form-action 'self'; frame-ancestors 'none'",
}
PAGE = {"type": "string", "description": "For a browser, a page in its language."}
WORDS: dict[str, dict[str, dict[str, str]]] = {
    "confirm": {
        "en": {"title": "Confirm your e-mail address", "button": "Confirm"},
        "es": {"title": "Confirme su dirección de correo electrónico", "button": "Confirmar"},
    },
    "confirmed": {
        "en": {"title": "Your address is confirmed. You can sign in now.", "link": "Sign in"},
        "es": {
            "title": "Su dirección está confirmada. Ya puede iniciar sesión.",
            "link": "Iniciar sesión",
        },
    },
    "reset": {
        "en": {"title": "Set a new password", "button": "Set", "password": "New password"},
        "es": {
            "title": "Establezca una nueva contraseña",
            "button": "Establecer",
            "password": "Nueva contraseña",
        },
    },
    "was_reset": {
        "en": {"title": "Your password is set. Sign in with it.", "link": "Sign in"},
        "es": {
            "title": "Su contraseña está establecida. Inicie sesión con ella.",
            "link": "Iniciar sesión",
        },
    },
    "recover": {
        "en": {"title": "Forgotten your password?", "button": "Send", "email": "E-mail address"},
        "es": {
            "title": "¿Ha olvidado su contraseña?",
            "button": "Enviar",
            "email": "Dirección de correo electrónico",
        },
    },
    "recovering": {
        "en": {"title": "If this address has an account, a message is on its way."},
        "es": {"title": "Si esta dirección tiene una cuenta, hemos enviado un mensaje."},
    },
}


class FormsToo(FlaskParser):
    """Reads what a page's form sends as if it were JSON: people press buttons."""

    def load_json(self, req: Any, schema: Any) -> Any:
        if req.mimetype == "application/x-www-form-urlencoded":
            return self.load_form(req, schema)
        return super().load_json(req, schema)


class MailLinks(Blueprint):
    """A blueprint whose bodies may be forms."""

    ARGUMENTS_PARSER = FormsToo()


blueprint = MailLinks(
    "mail_links", __name__, url_prefix="/auth", description="Where mailed links lead"
)
environment = Environment(
    loader=PackageLoader("marketplace.identity"), autoescape=select_autoescape()
)


@blueprint.route("/confirm", methods=["GET"])
@public
@blueprint.arguments(MailedTokenArgs, location="query")
@blueprint.response(200, AcknowledgementSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
def explain_confirm(data: dict[str, str | None]) -> Response:
    """Show what confirming takes; this alone confirms nothing."""
    return _answer("confirm", "To confirm, POST {'token': …} here.", token=data["token"])


@blueprint.route("/confirm", methods=["POST"])
@public
@blueprint.arguments(MailedTokenSchema)
@blueprint.response(200, AcknowledgementSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
@guessing
def confirm(data: dict[str, str]) -> Response:
    """Confirm the address that the token was mailed to; twice is once."""
    accounts.confirm(context.session(), data["token"], context.now())
    return _answer("confirmed", "The address is confirmed. Sign in at /api/v1/auth/login.")


@blueprint.route("/recover", methods=["GET"])
@public
@blueprint.arguments(MailedTokenArgs, location="query")
@blueprint.response(200, AcknowledgementSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
def explain_recover(data: dict[str, str | None]) -> Response:
    """Show what recovering takes."""
    del data
    return _answer("recover", "To get a link by mail, POST {'email': …} here.")


@blueprint.route("/recover", methods=["POST"])
@public
@blueprint.arguments(EmailAddressSchema)
@blueprint.response(202, AcknowledgementSchema)
@blueprint.alt_response(202, schema=PAGE, content_type="text/html")
@guessing
def recover(data: dict[str, str]) -> Response:
    """Mail a link that sets a new password, if the address has an account."""
    address = accounts.normalize_address(data["email"])
    passwords.recover(context.session(), address, context.now())
    return _answer("recovering", "If this address has an account, a message is on its way.", 202)


@blueprint.route("/reset", methods=["GET"])
@public
@blueprint.arguments(MailedTokenArgs, location="query")
@blueprint.response(200, AcknowledgementSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
def explain_reset(data: dict[str, str | None]) -> Response:
    """Show what setting a new password takes; this alone sets nothing."""
    return _answer("reset", "POST {'token': …, 'password': …} here.", token=data["token"])


@blueprint.route("/reset", methods=["POST"])
@public
@blueprint.arguments(ResetSchema)
@blueprint.response(200, AcknowledgementSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
@guessing
def reset(data: dict[str, str]) -> Response:
    """Set a new password by the mailed token, once; every token and session ends."""
    passwords.reset(context.session(), data["token"], data["password"], context.now())
    return _answer("was_reset", "The password is set. Sign in at /api/v1/auth/login.")


def _answer(page: str, message: str, status: int = 200, *, token: str | None = None) -> Response:
    return page_or_message("mail_link.html", WORDS[page], message, status, token=token)


def page_or_message(
    template: str,
    words: Mapping[str, Mapping[str, str]],
    message: str,
    status: int = 200,
    **more: str | None,
) -> Response:
    """Answer a browser with a page in its language, by `words` of each, everybody else with JSON."""
    offered = ["application/json", "text/html"]
    if request.accept_mimetypes.best_match(offered) == "text/html":
        # As the mail was written, where its link says so.
        language = request.args.get("language", "")
        if language not in words:
            language = request.accept_languages.best_match(["en", "es"]) or "en"
        html = environment.get_template(template).render(
            language=language, **words[language], **more
        )
        response = make_response(html, status)
    else:
        response = make_response({"message": message}, status)
    response.headers.update(HEADERS)
    response.vary.update(("Accept", "Accept-Language"))
    return response
