"""Where mailed links of accounts lead: confirming an address, a new password.

Mail programs open links to look at them, so a GET changes nothing: it shows a button. The token in
the address is the credential; these pages are kept nowhere and told of to nobody.
"""

from urllib.parse import urlencode

from flask import Response, redirect, request
from flask import session as browser
from werkzeug.wrappers import Response as Answer

from marketplace.core.errors import DomainError
from marketplace.identity.access import begin_session, public
from marketplace.identity.errors import PasswordRefused, TokenExpired, TokenInvalid
from marketplace.identity.routes.limited import guessing
from marketplace.identity.schemas.auth import EmailAddressSchema, MailedTokenSchema, ResetSchema
from marketplace.identity.service import accounts, passwords
from marketplace.pages import forms
from marketplace.pages.public.accounts import (
    GOING_TO,
    REGISTERED,
    STUDYING,
    going_to,
    is_for_work,
)
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

NOT_PROCESSABLE = 422
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

blueprint = Pages("mailed_pages")


@blueprint.get("/confirm")
@public
def ask_to_confirm() -> Response:
    """Show the button that confirms an address."""
    return _page("account/confirm.html", next=going_to())


@blueprint.post("/confirm")
@public
@guessing
def confirm() -> Answer:
    """Confirm the address that the token was mailed to; twice is once.

    In the browser that registered, its owner is signed in: the password was chosen there, and the
    mail opened. Elsewhere the password is asked for.
    """
    path = going_to()
    values, errors = forms.read(MailedTokenSchema(), forms.typed())
    if errors:
        return _page("account/confirm.html", errors, next=path)
    try:
        account = accounts.confirm(context.session(), values["token"], context.now())
    except (TokenInvalid, TokenExpired) as refused:
        return _page("account/confirm.html", forms.wrong(forms.meant(refused), "token"), next=path)
    if accounts.is_marked(account, browser.pop(REGISTERED, None)):
        browser.pop(GOING_TO, None)
        begin_session(account)
        if is_for_work(path) or path.startswith(STUDYING):
            # The invitation waits, or the site to be named; a trainee's facts are not asked first.
            return redirect(path, 303)
        return redirect(f"/profile?{urlencode({'next': path, 'confirmed': 'yes'})}", 303)
    return _page("account/confirm.html", done=True, email=account.email, next=path)


@blueprint.get("/recover")
@public
def ask_to_recover() -> Response:
    """Ask whose password was forgotten."""
    return _page("account/recover.html")


@blueprint.post("/recover")
@public
@guessing
def recover() -> Response:
    """Mail a link that sets a new password; the answer tells nothing of the account."""
    values, errors = forms.read(EmailAddressSchema(), forms.typed())
    if not errors:
        try:
            address = accounts.normalize_address(values["email"])
            passwords.recover(context.session(), address, context.now())
        except DomainError as refused:
            errors = forms.wrong(forms.meant(refused), "email")
    return _page("account/recover.html", errors, done=not errors)


@blueprint.get("/reset")
@public
def ask_to_reset() -> Response:
    """Ask for a new password."""
    return _page("account/reset.html")


@blueprint.post("/reset")
@public
@guessing
def reset() -> Response:
    """Set a new password by the mailed token, once; every session ends."""
    values, errors = forms.read(ResetSchema(), forms.typed())
    if not errors:
        try:
            passwords.reset(context.session(), now=context.now(), token=values["token"],
                            new=values["password"])  # fmt: skip
        except (TokenInvalid, TokenExpired, PasswordRefused) as refused:
            errors = forms.wrong(forms.meant(refused), "token")
    return _page("account/reset.html", errors, done=not errors)


def _page(
    template: str, errors: forms.Errors | None = None, *, done: bool = False, **more: str
) -> Response:
    token = request.values.get("token", "")
    kept = {name: request.values[name] for name in ("token", "next") if request.values.get(name)}
    answer = form_page(
        template,
        NOT_PROCESSABLE if errors else 200,
        typed=forms.typed(),
        errors=errors or {},
        done=done,
        token=token,
        **more,
        # No browser says on these pages where it came from.
        here=f"{request.path}?{urlencode(kept)}" if token else request.path,
    )
    answer.headers.update(HEADERS)
    return answer
