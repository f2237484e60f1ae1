"""Every route says who may call it, and the list of the public ones is no surprise."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from marketplace.app import create_app
from marketplace.pages.view import Pages
from marketplace.web.guards import MARK
from tests import settings as test_settings

# What needs no account. A new entry here is a decision; a stale one fails.
PUBLIC = frozenset(
    {
        "/",
        "/confirm",
        "/settings/address/confirm",
        "/confirmations",
        "/help",
        "/language/<string:code>",
        "/listings",
        "/listings/<uuid:listing_id>",
        "/recover",
        "/register",
        "/registered",
        "/sign-in",
        "/reset",
        "/reports",
        "/reports/match/<int:match_year>",
        "/reports/match/<int:match_year>/report.pdf",
        "/robots.txt",
        "/sitemap.xml",
        "/sitemaps/listings/<uuid:start>.xml",
        "/sitemaps/pages.xml",
        "/privacy",
        "/terms",
        "/healthz",
        "/readyz",
        "/metrics",
        "/assets/<path:name>",
        "/assets/reference/<path:name>",
        "/api/v1/docs",
        "/api/v1/docs/<string:tag>",
        "/api/v1/docs/try",
        "/api/v1/openapi.json",
        "/api/v1/auth/register",
        "/api/v1/auth/confirmations",
        "/api/v1/auth/confirm",
        "/api/v1/auth/address/confirmation",
        "/api/v1/auth/login",
        "/api/v1/auth/session",
        "/api/v1/auth/recover",
        "/api/v1/auth/reset",
        "/api/v1/listings",
        "/api/v1/listings/<uuid:listing_id>",
        "/api/v1/listings/<uuid:listing_id>/availability",
        "/api/v1/listings/<uuid:listing_id>/availability/events",
        "/api/v1/listings/availability/events",
        "/api/v1/listings/<uuid:listing_id>/structured-data",
        "/api/v1/listings/changes",
        "/api/v1/tiers",
        # The token in the address is the credential.
        "/api/v1/saved-searches/unsubscribe",
        "/api/v1/notices/unsubscribe",
        "/api/v1/specialties",
        "/api/v1/tiers/classify",
        # The payer comes back without a token; who knows the session's id came from the page.
        "/api/v1/payments/return",
        # So does a host; it only asks how the account stands, and tells nothing about it.
        "/api/v1/payments/onboarded/<uuid:site_id>",
        # Our mail server signs what it hands on.
        "/api/v1/mail/replies",
        "/api/v1/mail/bounces",
        # Stripe signs what it sends.
        "/api/v1/stripe/webhook",
        # The token in the address is the credential.
        "/api/v1/letters/uploads/<string:token>",
        "/api/v1/letters/uploads/<string:token>/answer",
        "/api/v1/letters/uploads/<string:token>/confirmation",
        "/api/v1/letters/uploads/<string:token>/documents/<uuid:document_id>",
        "/letters/uploads/<string:token>",
        "/letters/uploads/<string:token>/answer",
        "/letters/uploads/<string:token>/file",
        "/letters/uploads/<string:token>/confirm",
        "/letters/uploads/<string:token>/renew",
        "/api/v1/letters/reminders/end",
        "/api/v1/calendar-feeds/<string:token>/rotations.ics",
        "/api/v1/surveys/<string:token>",
        "/my-data/erasure/<string:token>",
        "/surveys/<string:token>",
        "/api/v1/site-invitations/<string:token>",
        "/api/v1/site-invitations/<string:token>/refusal",
        "/site-invitations/<string:token>",
        "/site-invitations/<string:token>/refuse",
        "/api/v1/papers/files/<string:token>",
        "/api/v1/schools/invitations/<string:token>",
        "/api/v1/schools/invitations/<string:token>/refusal",
        "/api/v1/schools/coordinator-invitations/<string:token>",
        "/api/v1/schools/coordinator-invitations/<string:token>/refusal",
        "/schools/invitations/<string:token>",
        "/schools/invitations/<string:token>/refusal",
        "/schools/coordinator-invitations/<string:token>",
        "/schools/coordinator-invitations/<string:token>/refusal",
        "/agreements/signing/<string:token>",
        "/agreements/signing/<string:token>/refusal",
        "/api/v1/agreements/signing/<string:token>",
        "/api/v1/agreements/signing/<string:token>/refusal",
        # The code on a paper is what it is checked by; what verifiers of badges ask for.
        "/check",
        "/check/<string:code>",
        "/api/v1/public/papers/<string:code>",
        "/api/v1/public/badges/issuer",
        "/api/v1/public/badges/keys",
        "/api/v1/public/badges/keys/<string:kid>",
        "/api/v1/public/badges/achievements/<string:tier>",
        "/api/v1/public/badges/revocations",
        "/api/v1/uploads/<string:token>",
        "/api/v1/downloads/<string:token>",
        "/api/v1/message-files/<string:token>",
        "/api/v1/listings/<uuid:listing_id>/requirements",
        "/api/v1/listings/<uuid:listing_id>/questions",
        "/api/v1/bookings/decline-reasons",
        "/api/v1/webhooks/event-types",
        "/api/v1/reports/match",
        "/api/v1/reports/match/<int:match_year>",
        "/api/v1/benchmarks",
        "/api/v1/reports/letter-rates/<uuid:listing_id>",
        "/api/v1/match-calendar",
        "/api/v1/match-calendar/<int:match_year>",
    }
)
# Any tag that begins a form, however it is written.
ANY_FORM = re.compile(r"<form\b[^>]*>", re.IGNORECASE)
METHOD = re.compile(r"\bmethod\s*=\s*[\"']?\s*(\w+)", re.IGNORECASE)
# Made by the OpenAPI library itself, from the registered routes.
# Below the API's path, but no part of it.
PAGES_OF_THE_API = ("/api/v1/docs", "/api/v1/openapi.json")
LIBRARY_ENDPOINTS = frozenset({"api-docs.openapi_json"})


@pytest.fixture(scope="module")
def app():
    made = create_app(test_settings.make())
    made.load()
    return made


def declared(app):
    """(rule, method, access) of every view; access is None where nothing is declared."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            of_class = getattr(view, "view_class", None)
            handler = getattr(of_class, method.lower(), None) if of_class else view
            access = getattr(handler, MARK, None) or getattr(view, MARK, None)
            if rule.endpoint in LIBRARY_ENDPOINTS:
                access = "public"
            yield rule.rule, method, access


def test_every_route_declares_who_may_call_it(app):
    bare = [f"{method} {rule}" for rule, method, access in declared(app) if access is None]
    assert bare == []


def test_what_is_public_is_listed_and_nothing_else(app):
    public = {rule for rule, _, access in declared(app) if access == "public"}
    assert public - PUBLIC == set(), "public routes that are not on the list"
    assert PUBLIC - public == set(), "entries of the list that are no public route any more"


def test_the_openapi_document_describes_every_api_route(app):
    paths = app.test_client().get("/api/v1/openapi.json").get_json()["paths"]
    documented = {path.replace("{", "<").replace("}", ">") for path in paths}
    for rule, _, _ in declared(app):
        if rule.startswith("/api/v1/") and not rule.startswith(PAGES_OF_THE_API):
            plain = "/".join(
                f"<{part.strip('<>').rpartition(':')[2]}>" if part.startswith("<") else part
                for part in rule.split("/")
            )
            assert plain in documented, rule


def test_every_form_of_every_template_is_marked(app):
    folder = files("marketplace.pages") / "templates"
    forms = 0
    for place in sorted(Path(str(folder)).rglob("*.html")):
        name = place.name
        source = app.jinja_env.preprocess(place.read_text("utf-8"), name)
        for form in ANY_FORM.finditer(source):
            method = METHOD.search(form[0])
            assert method is not None, f"{name}: {form[0]} says no method"
            marked = source[form.end() :].startswith("{{ form_marks() }}")
            assert marked == (method[1].lower() == "post"), f"{name}: {form[0]}"
            forms += marked
    assert forms > 80


def test_every_view_that_answers_a_form_answers_once(app):
    pages = {name for name, one in app.blueprints.items() if isinstance(one, Pages)}
    assert len(pages) > 30
    for rule in app.url_map.iter_rules():
        if "POST" not in rule.methods:
            continue
        view = app.view_functions[rule.endpoint]
        owner = rule.endpoint.partition(".")[0]
        if owner in pages:
            assert view.__code__.co_filename.endswith("pages/once.py"), rule.rule
        else:
            assert rule.rule.startswith("/api/v1/"), f"{rule.rule} is a page, but not of `Pages`"
