"""The pages say what the services say, keep what was typed, and refuse in words."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.catalog.models import Listing
from tests.factories.people import PASSWORD
from tests.factories.rotations import FIRST_DAY

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
ONCE = re.compile(r'name="once" value="([^"]+)"')
ID = re.compile(r'(?<![\w-])id="([^"]+)"')
FORM = re.compile(r'<form\b[^>]*\bmethod="?post.*?</form>', re.IGNORECASE | re.DOTALL)
MARK = re.compile(r'name="quote" value="([^"]+)"')


@pytest.fixture
def place(stage):
    return stage.place()


class Browser:
    """A client that keeps cookies and sends a form with the hidden fields of the page that it is on.

    Every form that it meets has them, and no page has an id twice: a label is of one field.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.body = ""

    def get(self, path: str, **headers: str) -> Any:
        return self._seen(self.client.get(path, headers=headers))

    def send(self, path: str, **fields: str) -> Any:
        return self._seen(self.client.post(path, data={**fields, **self.hidden}))

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of the page's first form."""
        token, mark = TOKEN.search(self.body), ONCE.search(self.body)
        return {"csrf_token": token[1], "once": mark[1]} if token and mark else {}

    def _seen(self, answer: Any) -> Any:
        self.body = answer.get_data(as_text=True)
        ids = ID.findall(self.body)
        assert len(set(ids)) == len(ids), sorted(ids)
        for form in FORM.findall(self.body):
            assert TOKEN.search(form), form
            assert ONCE.search(form), form
        return answer

    def sign_in(self, person: Any, going_to: str = "/rotations") -> Any:
        self.get("/sign-in")
        return self.send("/sign-in", email=person.email, password=PASSWORD, next=going_to)


@pytest.fixture
def browser(client):
    return Browser(client)


@pytest.fixture
def trainee(people):
    return people.trainee(visa_type="b1_b2")


def test_the_search_page_lists_what_the_search_finds(browser, place):
    answer = browser.get("/listings?q=internal+medicine&weeks=4&state=IL")
    assert answer.status_code == 200
    assert f'href="/listings/{place.listing_id}"' in browser.body
    assert "$500.00" in browser.body
    assert "$2,000.00" in browser.body
    assert 'value="internal medicine"' in browser.body
    # Where it is had again: without what was left empty, is of a page or of nobody's asking.
    browser.get("/listings?weeks=4&q=&visa=&near=&state=IL&lang=es&from=mail")
    assert (
        'rel="canonical" href="http://marketplace.test/listings?state=IL&amp;weeks=4"'
        in browser.body
    )
    assert "<details open>" in browser.body


def test_a_page_is_kept_to_its_own_policy(browser, place):
    answer = browser.get("/listings")
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers


def test_what_can_not_be_searched_for_keeps_what_was_typed(browser, place):
    answer = browser.get("/listings?most=cheap&weeks=99&near=Nowhereville")
    assert answer.status_code == 422
    assert "Expected an amount in dollars" in browser.body
    assert 'value="cheap"' in browser.body
    assert 'value="99"' in browser.body
    answer = browser.get("/listings?weeks=99")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in browser.body


def test_nothing_found_says_what_to_leave_out(browser, place):
    browser.get("/listings?state=IL&most=1&weeks=4")
    assert "Nothing fits all of this." in browser.body
    assert "without “Total at most, in dollars”" in browser.body
    browser.get("/listings?q=nowhere&state=new+york&specialty=IM")
    for name in ("New York", "Internal Medicine"):
        assert f'aria-current="true">{name} <span class="count">0</span>' in browser.body


def test_facets_are_links_that_set_and_unset_a_filter(browser, place):
    browser.get("/listings?q=medicine")
    assert "state=IL" in browser.body
    browser.get("/listings?q=medicine&state=IL")
    assert 'aria-current="true">Illinois' in browser.body


def test_a_listing_shows_tier_weeks_price_and_terms(browser, place):
    answer = browser.get(f"/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4")
    assert answer.status_code == 200
    terms = "$250.00 is kept more than 90 days before the start, $500.00 from"
    for words in ("Externship", "1 free", "$2,240.00", terms, "application/ld+json"):
        assert words in browser.body
    assert "Sign in to book" in browser.body
    wrong = browser.get(f"/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=99")
    assert wrong.status_code == 422
    assert "Must be at least 1 and at most 52." in browser.body
    assert "Sign in to book" not in browser.body


def test_a_week_that_no_rotation_begins_in_is_shown_and_not_linked(browser, stage, place):
    later = [FIRST_DAY + timedelta(weeks=number) for number in (1, 2)]
    with stage.transaction() as session:
        session.get_one(Listing, place.listing_id).last_start = later[0]
    browser.get(f"/listings/{place.listing_id}")
    assert [f"first_day={day}#book" in browser.body for day in later] == [True, False]


def test_who_books_late_is_shown_no_deposit(browser, stage, place):
    path = f"/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4"
    browser.get(path)
    assert "Balance, by Feb 1, 2027" in browser.body
    assert "All of it, to book" not in browser.body
    stage.clock.advance(timedelta(days=75))
    browser.get(path)
    assert "All of it, to book" in browser.body
    for words in ("Balance, by", "Deposit, to book", "$448.00"):
        assert words not in browser.body


def test_a_listing_that_is_not_on_show_is_a_page_that_says_so(browser):
    answer = browser.get("/listings/01900000-0000-7000-8000-000000000000")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"


def test_what_goes_wrong_is_told_on_a_page_and_to_programs_as_a_problem(
    browser, client, app, monkeypatch
):
    people = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = browser.get("/no/such/page", **people)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    answer = client.get("/api/v1/no/such/thing", headers=people)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")

    def fail() -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setitem(app.view_functions, "public.home", fail)
    answer = browser.get("/", **people)
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "Something went wrong on our side." in browser.body
    assert "a secret of the house" not in browser.body


def test_pages_are_in_the_language_of_the_reader(browser, place):
    browser.get("/listings", **{"Accept-Language": "es-MX,es;q=0.9"})
    assert '<html lang="es">' in browser.body
    assert "Buscar rotación" in browser.body


def test_signing_in_goes_on_to_a_page_of_ours_only(browser, trainee):
    assert browser.sign_in(trainee, "/rotations?cursor=").headers["Location"].startswith("/rot")
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:1"):
        assert browser.sign_in(trainee, elsewhere).headers["Location"] == "/rotations"


def test_a_wrong_password_is_told_beside_the_field(browser, trainee):
    browser.get("/sign-in")
    answer = browser.send("/sign-in", email=trainee.email, password="not this one at all")
    assert answer.status_code == 422
    assert f'value="{trainee.email}"' in browser.body
    assert 'id="password-note"' in browser.body
    assert "not this one" not in browser.body


def test_a_form_without_its_token_changes_nothing(browser, client, trainee):
    answer = client.post("/sign-in", data={"email": trainee.email, "password": PASSWORD})
    assert answer.status_code == 403
    assert browser.get("/rotations").status_code == 303


def test_whoever_is_not_signed_in_is_asked_to_and_comes_back(browser):
    answer = browser.get("/rotations")
    assert answer.headers["Location"] == "/sign-in?next=%2Frotations"


def test_registering_tells_nothing_of_who_has_an_account(browser, trainee, mail, run_jobs):
    fields = {"name": "Asha Rao", "password": "a very long password", "time_zone": "Asia/Kolkata"}
    browser.get("/register")
    known = browser.send("/register", email=trainee.email, **fields)
    browser.get("/register")
    new = browser.send("/register", email="new@example.org", **fields)
    assert known.status_code == new.status_code == 303
    browser.get("/register")
    answer = browser.send("/register", email="no address", name="Asha", password="short")
    assert answer.status_code == 422
    assert 'value="no address"' in browser.body


def test_a_profile_is_saved_and_a_stale_one_refused(browser, people):
    person = people.make("trainee")
    browser.sign_in(person)
    browser.get("/profile")
    facts = {
        "school_country": "IN",
        "citizenship": "other",
        "needs_visa": "yes",
        "graduation_date": "2025-03-31",
        "step1_result": "passed",
        "english_test": "oet",
        "english_reading": "380",
    }
    answer = browser.send("/profile", onto="0", **facts)
    assert answer.headers["Location"] == "/listings"
    browser.get("/profile")
    assert 'value="380' in browser.body
    assert (
        browser.send("/profile", onto="0", **{**facts, "step1_result": "failed"}).status_code == 422
    )
    answer = browser.send("/profile", onto="1", **facts)
    assert "Saved." in browser.get(answer.headers["Location"]).text
    answer = browser.send("/profile", onto="1", **{**facts, "graduation_date": "soon"})
    assert answer.status_code == 422
    assert 'value="soon"' in browser.body


def kept(browser: Browser, place: Any) -> str:
    """Keep a seat by the listing's form; the path of its page."""
    browser.get(f"/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4")
    path = f"/listings/{place.listing_id}/hold"
    answer = browser.send(path, first_day=FIRST_DAY.isoformat(), weeks="4")
    assert answer.status_code == 303, browser.body
    return str(answer.headers["Location"])


def test_a_seat_is_kept_and_given_up_by_forms(browser, stage, place, trainee):
    browser.sign_in(trainee)
    path = kept(browser, place)
    browser.get(path)
    assert "Kept for you" in browser.body
    assert "Pay the deposit, $448.00" in browser.body
    with stage.transaction() as session:
        booking = session.get_one(Booking, UUID(path.rpartition("/")[2]))
        due, booking.balance_due_on = booking.balance_due_on, stage.now.date()
    browser.get(path)
    # The balance is due as well: no deposit is spoken of that would not be enough.
    assert "Pay all, $2,240.00" in browser.body
    assert "Pay the deposit" not in browser.body
    with stage.transaction() as session:
        session.get_one(Booking, booking.id).balance_due_on = due
    assert browser.send(f"{path}/extend").status_code == 303
    browser.get(path)
    assert browser.send(f"{path}/withdraw").status_code == 303
    browser.get(path)
    assert "Given up" in browser.body


def test_who_comes_second_is_told_on_a_page(browser, place, trainee, people, app):
    browser.sign_in(trainee)
    kept(browser, place)
    other = Browser(app.test_client())
    other.sign_in(people.trainee(visa_type="b1_b2"))
    other.get(f"/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4")
    answer = other.send(
        f"/listings/{place.listing_id}/hold", first_day=FIRST_DAY.isoformat(), weeks="4"
    )
    assert answer.status_code == 409
    assert answer.mimetype == "text/html"


def test_another_trainees_rotation_is_not_there(browser, place, trainee, people, app):
    browser.sign_in(trainee)
    path = kept(browser, place)
    other = Browser(app.test_client())
    other.sign_in(people.trainee())
    assert other.get(path).status_code == 404
    assert other.get(f"{path}/cancel").status_code == 404


def test_an_application_is_sent_by_its_form(browser, stage, trainee):
    place = stage.place(approval="request")
    browser.sign_in(trainee)
    path = kept(browser, place)
    browser.get(path)
    assert "Send the application" in browser.body
    assert browser.send(f"{path}/apply", message="I would like to come.").status_code == 303
    browser.get(path)
    assert "With the host" in browser.body
    assert "Send the application" not in browser.body
    assert browser.send(f"{path}/apply", message="Once more.").status_code == 409


def test_paying_waits_for_the_payment_page(browser, place, trainee):
    browser.sign_in(trainee)
    path = kept(browser, place)
    browser.get(path)
    answer = browser.send(f"{path}/pay")
    assert answer.headers["Location"] == f"{path}/payment"
    browser.get(f"{path}/payment")
    assert "Opening the payment page" in browser.body
    browser.get(f"{path}/returned?paid=yes")
    assert "Waiting for your payment" in browser.body
    # Who left that page without paying is where the way on is.
    assert browser.get(f"{path}/returned").headers["Location"] == path


def test_cancelling_shows_the_quote_and_holds_to_it(browser, stage, place, trainee):
    booking = stage.confirmed(place, trainee.id)
    browser.sign_in(trainee)
    path = f"/rotations/{booking}"
    browser.get(f"{path}/cancel")
    mark = MARK.search(browser.body)
    assert mark is not None
    assert "Goes back to you" in browser.body
    assert browser.send(f"{path}/cancel", quote="another").status_code == 409
    assert "The terms have moved" in browser.body
    assert browser.send(f"{path}/cancel", quote=mark[1]).status_code == 303
    browser.get(path)
    assert "Cancelled by you" in browser.body
    assert "What the cancellation came to" in browser.body


def test_whoever_may_choose_how_to_be_paid_back_sees_each_way(browser, stage, trainee):
    booking = stage.confirmed(stage.place(cancellation_policy="visa_denial_only"), trainee.id)
    with stage.transaction() as session:
        found = queries.find(session, booking)
        own = found.policy["own"]
        denied = next(one for one in own["clauses"] if one["event"] == "visa_denied")
        clauses = [{**denied, "event": "trainee_cancels", "proof": None}]
        found.policy = {**found.policy, "own": {**own, "clauses": clauses}}
    browser.sign_in(trainee)
    path = f"/rotations/{booking}/cancel"
    browser.get(path)
    assert f'href="{path}?option=voucher"' in browser.body
    browser.get(f"{path}?option=voucher")
    assert "Goes back to you (as a voucher)" in browser.body
    mark = MARK.search(browser.body)
    assert mark is not None
    assert browser.send(path, quote=mark[1], option="voucher").status_code == 303
    browser.get(f"/rotations/{booking}")
    assert "Cancelled by you" in browser.body


def test_terms_with_a_fixed_fee_say_when_it_is_more_than_the_weeks_cost(browser, stage):
    place = stage.place(cancellation_policy="fixed_fee", price_per_week="400.00")
    browser.get(f"/listings/{place.listing_id}")
    assert "so nothing goes back: these weeks cost $" in browser.body
    assert "$250.00 is kept, at most what you have paid" in browser.body


def test_a_full_week_leads_to_waiting_for_a_seat_in_it(browser, stage, trainee):
    place = stage.place()
    taken = stage.booking(stage.confirmed(place)).first_day
    week = f"/listings/{place.listing_id}?first_day={taken}"
    browser.get(f"/listings/{place.listing_id}")
    assert f'class="week full" href="{week}#book"' in browser.body
    assert "Sign in to wait for these weeks" in browser.get(week).get_data(as_text=True)
    browser.sign_in(trainee)
    browser.get(f"{week}&weeks=4")
    assert "Wait for these weeks" in browser.body
    assert "Keep this seat for me" not in browser.body
