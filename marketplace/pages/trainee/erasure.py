"""Having one's account erased: asked for on "my data", stopped there or by the link in the mail."""

from typing import Any

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.identity.access import current_account, in_person, public
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.service import erasing
from marketplace.pages import forms
from marketplace.pages.trainee.data import my_data
from marketplace.pages.view import Pages, form_page, reader
from marketplace.web import context

LINK = f"{erasing.PATH}/<string:token>"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}

blueprint = Pages("erasure_pages")


@blueprint.post(erasing.PATH)
@in_person
def ask() -> Answer:
    """Have the account erased after the waiting time, where one has said that one means it."""
    errors: forms.Errors = {"sure": [reader().say("Tick the box if you mean it.")]}
    if request.form.get("sure"):
        own, signer = current_account(), context.parts().get(LinkSigner)
        _, errors = forms.tried(
            lambda: erasing.ask(context.session(), own, signer=signer, now=context.now()), "sure"
        )
    return my_data(errors) if errors else redirect("/my-data", 303)


@blueprint.post(f"{erasing.PATH}/stop")
@in_person
def stop() -> Answer:
    """Keep the account; twice is once."""
    erasing.stop(context.session(), current_account().id, context.now())
    return redirect("/my-data", 303)


@blueprint.get(LINK)
@public
def look(token: str) -> Response:
    """Show what the mailed link stops; this alone stops nothing, since mail scanners open links."""
    return _page(token, erasing.linked(context.session(), _signer(), token, context.now()))


@blueprint.post(LINK)
@public
def stop_by_link(token: str) -> Response:
    """Keep the account, by the mailed link and without signing in; twice is once."""
    session = context.session()
    return _page(token, erasing.stop_by_link(session, _signer(), token, context.now()))


def _page(token: str, erasure: Any) -> Response:
    # One that was stopped may not be the last: whoever opens an old mail is told of the later one.
    later = erasing.live(context.session(), erasure.account_id) if erasure.stopped_at else None
    response = form_page(
        "erasure.html",
        erasure=erasure,
        later=later,
        action=f"{erasing.PATH}/{token}",
        begun=(later or erasure).closed_at,
    )
    response.headers.update(HEADERS)
    return response


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
