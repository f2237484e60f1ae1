"""Credit and codes at the desk: given, seen in use, taken back; made, used, ended."""

import pytest
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.rules.less import Less
from marketplace.booking.service import payment
from tests.factories.credit import assert_sound, available, code, give, usd
from tests.integration.pages.test_desk_schools import followed
from tests.integration.pages.test_money_desk import linked
from tests.integration.pages.test_pages import Browser


@pytest.fixture
def desk(client, people):
    made = Browser(client)
    made.sign_in(people.make("operator", name="Olga Staff"), going_to="/desk")
    return made


def test_credit_is_given_seen_and_taken_back(desk, stage, people, count_queries):
    trainee = people.trainee(visa_type="b1_b2")
    desk.get("/desk/credit")
    assert "Nobody has credit." in desk.body
    desk.get(f"/desk/credit?text={trainee.email}")
    of = linked(desk, "/desk/credit/accounts")
    desk.get(of)
    wish = {"amount": "$1,250.00", "currency": "USD", "reason": "goodwill", "note": "We were late."}
    for wrong, field in (
        ({"amount": "much"}, "amount"),
        ({"reason": "cancellation"}, "reason"),
        ({"note": ""}, "note"),
        ({"expires_at": "2020-01-01"}, "expires_at"),
    ):
        assert desk.send(of, **{**wish, **wrong}).status_code == 422, field
        assert f'id="{field}-note"' in desk.body, field
    assert available(stage, trainee.id) == 0
    assert followed(desk, desk.send(of, **wish, transferable="yes", expires_at="2027-06-30")) == of
    assert stage.told(trainee.id)[-1] == "credit_granted"
    assert "may be handed on" in desk.body
    desk.get(of)
    one = linked(desk, "/desk/credit")
    desk.get(one)
    assert desk.send(f"{one}/revocation", amount="5000", why="Too much.").status_code == 422
    assert desk.send(f"{one}/revocation", amount="250").status_code == 422
    assert 'value="250"' in desk.body
    followed(desk, desk.send(f"{one}/revocation", amount="250", why="Given twice."))
    assert "$1,000.00" in desk.body
    assert stage.told(trainee.id)[-1] == "credit_revoked"
    followed(desk, desk.send(f"{one}/revocation", why="All of it, after all."))
    assert "Nothing is left of it that could be taken back." in desk.body
    assert available(stage, trainee.id) == 0
    assert "Nobody has credit." in desk.get("/desk/credit").get_data(as_text=True)
    assert one in desk.get("/desk/credit?spent=yes").get_data(as_text=True)
    assert_sound(stage)
    desk.get(f"/desk/audit?subject_id={trainee.email}")
    for words in ("Gave credit", "Took credit back", "$1,250.00", "Given twice."):
        assert words in desk.body, words
    assert "1,250.00 USD" not in desk.body
    with count_queries() as few:
        desk.get(of)
    for _ in range(3):
        give(stage, trainee.id, usd(100))
    with count_queries() as many:
        desk.get(of)
    assert len(many) == len(few)


def test_what_credit_and_a_code_paid_for_is_linked(desk, stage, people):
    place, trainee = stage.place(), people.trainee(visa_type="b1_b2")
    grant, made = give(stage, trainee.id, usd(1_000_000)), code(stage)
    held = stage.hold(trainee.id, place)
    with stage.transaction() as session:
        booking = queries.find(session, held)
        less = Less(booking.total - usd(booking.total.minor // 20), "SPRING-27")
        payment.pay(session, booking, whole=True, terms=stage.terms, now=stage.now, less=less)
    assert stage.state(held) == "confirmed"
    booked = f'<a href="/desk/bookings/{held}">{stage.booking(held).listing_title}</a>'
    for path in (f"/desk/credit/{grant}", f"/desk/codes/{made}"):
        desk.get(path)
        assert booked in desk.body, path
    assert desk.get(f"/desk/credit/accounts/{made}").status_code == 404
    desk.get(f"/desk/bookings/{held}")
    assert f'href="/desk/credit/accounts/{trainee.id}"' in desk.body


def test_codes_are_made_and_ended(desk, stage, session):
    place = stage.place()
    desk.get("/desk/codes")
    assert "No code yet." in desk.body
    wish = {
        "code": "spring-27", "description": "For the spring.", "percent": "7.5", "max_uses": "10",
        "valid_from": "2026-11-01", "valid_until": "2027-03-01", "max_uses_each": "1",
    }  # fmt: skip
    for wrong, field in (
        ({"code": "a b"}, "code"),
        ({"percent": "a lot"}, "percent"),
        ({"percent": ""}, "percent"),
        ({"amount": "50"}, "percent"),
        ({"valid_until": "2026-10-01"}, "valid_until"),
        ({"max_uses": "often"}, "max_uses"),
        ({"sites": "Nowhere"}, "sites"),
        ({"rotations": "https://example.org/listings/1"}, "rotations"),
    ):
        assert desk.send("/desk/codes", **{**wish, **wrong}).status_code == 422, field
        assert f'id="{field}-note"' in desk.body, field
        assert 'value="For the spring."' in desk.body
    where = {"rotations": f"http://localhost/listings/{place.listing_id}"}
    followed(desk, desk.send("/desk/codes", **wish, **where))
    assert "7.5%" in desk.body
    assert desk.send("/desk/codes", **wish).status_code == 422
    assert "There is a code of this name already." in desk.body
    desk.get("/desk/codes")
    path = linked(desk, "/desk/codes")
    desk.get(path)
    for words in (
        "SPRING-27",
        "Nov 1, 2026 – Mar 1, 2027",
        "Can be used now",
        f"/listings/{place.listing_id}",
        "Nobody yet.",
    ):
        assert words in desk.body, words
    assert desk.send(f"{path}/withdrawal").status_code == 422
    followed(desk, desk.send(f"{path}/withdrawal", why="The spring is full."))
    assert "End the code</button>" not in desk.body
    kept = session.execute(text("SELECT basis_points, withdrawn_at FROM voucher_code")).one()
    assert (kept.basis_points, kept.withdrawn_at is None) == (750, False)
    desk.get("/desk/audit?subject_kind=voucher_code")
    assert desk.body.count(f'<a href="{path}">SPRING-27</a>') == 2
    assert "The spring is full." in desk.body
