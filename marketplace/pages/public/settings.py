"""One's own settings: name, language, time zone, mails, password, second factor."""

from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as Answer

from marketplace.core.errors import Invalid
from marketplace.identity.access import (
    begin_session,
    current_account,
    current_caller,
    in_person,
    public,
    signed_in,
)
from marketplace.identity.errors import (
    BadCredentials,
    PasswordRefused,
    SecondFactorOn,
    SecondFactorWrong,
    TokenExpired,
    TokenInvalid,
)
from marketplace.identity.queries import notices
from marketplace.identity.routes.limited import guessing, writing_to_strangers
from marketplace.identity.rules import NOTICE_CHOICES, NoticeKind, zones
from marketplace.identity.schemas.auth import (
    AddressChangeSchema,
    MailedTokenSchema,
    PasswordChangeSchema,
    SecondFactorCodeSchema,
)
from marketplace.identity.schemas.notices import PreferenceChangesSchema
from marketplace.identity.schemas.people import AccountChangesSchema
from marketplace.identity.service import accounts, addresses, passwords, preferences, second_factor
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, reader
from marketplace.pages.words import noted
from marketplace.web import context

NOT_PROCESSABLE = 422
KINDS = {
    NoticeKind.MESSAGES: noted("Messages of hosts and trainees"),
    NoticeKind.REMINDERS: noted("Reminders of what is due"),
    NoticeKind.NEWS: noted("News, such as what fits a saved search"),
    NoticeKind.SURVEYS: noted("Surveys of what came of it"),
}
HAD = {
    "each": noted("each as it comes"),
    "brief": noted("that there is one, without its words"),
    "daily": noted("together, once a day"),
    "off": noted("none"),
}
WRONG = noted("This is not your present password.")
SECRET = {"Cache-Control": "no-store"}
# The token in the address is told of to nobody.
MAILED = {**SECRET, "Referrer-Policy": "no-referrer"}

blueprint = Pages("settings_pages")


@blueprint.get("/settings")
@signed_in
def show() -> Response:
    """Show what can be set, as it is."""
    return _page(saved="saved" in request.args, asked=request.args.get("asked", "")[:254])


@blueprint.post("/settings")
@in_person
def save() -> Answer:
    """Change name, language and time zone."""
    given = forms.typed()
    errors = forms.carried_out(
        AccountChangesSchema(),
        given,
        lambda values: accounts.update(context.session(), current_account(), values),
        "name",
    )
    return _done(errors, typed=given)


@blueprint.post("/settings/mails")
@in_person
def choose_mails() -> Answer:
    """Choose how one is written to."""
    given = forms.typed()
    account_id = current_account().id
    errors = forms.carried_out(
        PreferenceChangesSchema(),
        given,
        lambda values: preferences.choose(context.session(), account_id, values, context.now()),
        "messages",
    )
    return _done(errors, typed=given)


@blueprint.post("/settings/password")
@in_person
@guessing
def change_password() -> Answer:
    """Change the password; every other session ends."""
    values, errors = forms.read(PasswordChangeSchema(), forms.typed())
    if not errors:
        account = current_account()
        try:
            passwords.change(context.session(), account, **values, now=context.now())
        except BadCredentials as refused:
            forms.meant(refused)
            errors = {"current": [WRONG]}
        except PasswordRefused as refused:
            errors = {"new": list(forms.wrong(forms.meant(refused), "password")["password"])}
        else:
            begin_session(account)
    return _done(errors)


@blueprint.post("/settings/address")
@in_person
@guessing
@writing_to_strangers
def ask_for_another_address() -> Answer:
    """Mail a link to another address, by which it becomes the account's."""
    given = forms.typed()
    values, errors = forms.read(AddressChangeSchema(), given)
    if errors:
        return _done(errors, typed=given)
    session, account, now = context.session(), current_account(), context.now()
    try:
        address = addresses.ask(session, account, **values, now=now)
    except BadCredentials as refused:
        forms.meant(refused)
        return _done({"password": [WRONG]}, typed=given)
    except Invalid as refused:
        return _done(forms.wrong(forms.meant(refused), "email"), typed=given)
    return redirect(f"/settings?{urlencode({'asked': address})}#address", 303)


@blueprint.get("/settings/address/confirm")
@public
def ask_to_confirm_address() -> Response:
    """Show the button that makes the new address the account's."""
    return _confirming()


@blueprint.post("/settings/address/confirm")
@public
@guessing
def confirm_address() -> Answer:
    """Take the new address. Whoever is signed in here stays so, and nowhere else."""
    values, errors = forms.read(MailedTokenSchema(), forms.typed())
    if errors:
        return _confirming(errors=errors)
    found = current_caller()
    own = found.account_id if found and not found.seen else None
    try:
        account = addresses.confirm(context.session(), values["token"], context.now())
    except (TokenInvalid, TokenExpired, IntegrityError) as refused:
        return _confirming(errors=forms.wrong(forms.meant(refused), "token"))
    if own == account.id:
        begin_session(account)
    return _confirming(address=account.email)


def _confirming(**values: Any) -> Response:
    answer = form_page(
        "account/address.html",
        NOT_PROCESSABLE if values.get("errors") else 200,
        token=request.values.get("token", ""),
        here="/settings",
        **values,
    )
    answer.headers.update(MAILED)
    return answer


@blueprint.post("/settings/second-factor/key")
@in_person
def prepare() -> Answer:
    """Show a new key for an authenticator app; a code made from it turns the factor on."""
    try:
        uri, key = second_factor.prepare(context.session(), current_account())
    except SecondFactorOn as refused:
        return _done(forms.wrong(forms.meant(refused), "code"))
    return _secret(uri=uri, key=key)


@blueprint.post("/settings/second-factor")
@in_person
@guessing
def turn_on() -> Answer:
    """Ask for a code at every sign-in from now on; show the recovery codes, once."""
    values, errors = forms.read(SecondFactorCodeSchema(), forms.typed())
    if not errors:
        account = current_account()
        try:
            codes = second_factor.turn_on(context.session(), account, values["code"])
        except (SecondFactorOn, SecondFactorWrong) as refused:
            errors = forms.wrong(forms.meant(refused), "code")
        else:
            return _secret(recovery_codes=codes)
    return _done(errors)


@blueprint.post("/settings/second-factor/off")
@in_person
@guessing
def turn_off() -> Answer:
    """Ask for codes no more."""
    values, errors = forms.read(SecondFactorCodeSchema(), forms.typed())
    if not errors:
        try:
            second_factor.turn_off(context.session(), current_account(), values["code"])
        except SecondFactorWrong as refused:
            errors = forms.wrong(forms.meant(refused), "code")
    return _done(errors)


def _done(errors: forms.Errors, **values: Any) -> Answer:
    return _page(errors=errors, **values) if errors else redirect("/settings?saved=1", 303)


def _secret(**values: Any) -> Response:
    answer = _page(**values)
    answer.headers.update(SECRET)
    return answer


def _page(**values: Any) -> Response:
    session, account, who = context.session(), current_account(), reader()
    refused = notices.refusal(session, account.email)
    return form_page(
        "account/settings.html",
        NOT_PROCESSABLE if values.get("errors") else 200,
        reader=who,
        account=account,
        zones=[(name, name.replace("_", " ")) for name in zones()],
        kinds=[
            (kind.value, who.say(text), [(way, who.say(HAD[way])) for way in NOTICE_CHOICES[kind]])
            for kind, text in KINDS.items()
        ],
        choices=preferences.of(session, account.id),
        refused_at=refused and refused.refused_at,
        is_on=second_factor.is_on(account),
        **values,
    )
